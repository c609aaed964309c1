//! The summary as one page: style and charts are inside, nothing is fetched.

use super::chart::{Line, bars, lines};
use super::{number, percent, time};
use crate::summary::{ByRequest, Count, Second, Summary};

/// The summary as HTML.
pub fn html(summary: &Summary) -> String {
    let of = &summary.parameters;
    let title = format!("{} under load", escape(&of.host));
    let sections = [
        missed(summary),
        tiles(summary),
        throughput(summary),
        latency(summary),
        format!("<div class='grid2'>{}{}</div>", distribution(summary), outcomes(summary)),
        requests(&summary.by_request),
        format!(
            "<div class='grid2'>{}{}</div>",
            table("Statuses", "status", &summary.statuses),
            table("Errors", "message", &summary.errors)
        ),
    ];
    format!(
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>\
         <meta name='viewport' content='width=device-width, initial-scale=1'><title>{title}</title>\
         <style>{}</style></head><body><h1>{title}</h1><p class='sub'>{} users, {} more each second, ids {}, {} keys, \
         {} missing, {} writes, {:.1} s</p>{}<footer>Closed loop: each user waits for its answer before it asks again, so \
         a slow service gets fewer requests, and waiting that users would have done is not in the latencies.</footer>\
         </body></html>\n",
        include_str!("page.css"),
        of.users,
        of.hatch_rate,
        of.ids,
        of.keys,
        percent(of.missing),
        percent(of.write),
        summary.seconds,
        sections.concat(),
    )
}

fn missed(summary: &Summary) -> String {
    summary
        .missed
        .iter()
        .map(|line| format!("<div class='card missed'>Threshold missed: {}</div>", escape(line)))
        .collect()
}

fn tiles(summary: &Summary) -> String {
    let tile = |class: &str, figure: String, name: &str| {
        format!("<div class='tile {class}'><b>{figure}</b><span>{name}</span></div>")
    };
    let failures = if summary.failures > 0 { "bad" } else { "good" };
    let hits = summary.hit_ratio.map_or_else(|| "unknown".to_owned(), percent);
    [
        "<div class='tiles'>".to_owned(),
        tile("", number(summary.requests), "requests"),
        tile("", format!("{}/s", number(summary.throughput as u64)), "throughput"),
        tile("", hits, "hit ratio"),
        tile("", time(summary.latency.p50_us), "p50 latency"),
        tile("", time(summary.latency.p99_us), "p99 latency"),
        tile(failures, percent(summary.error_ratio), "failed"),
        "</div>".to_owned(),
    ]
    .concat()
}

fn throughput(summary: &Summary) -> String {
    let seconds = whole(summary);
    let all = [
        Line { name: "requests", class: "a", values: of(seconds, |second| second.requests) },
        Line { name: "from the cache", class: "b", values: of(seconds, |second| second.from_cache) },
        Line { name: "failures", class: "d", values: of(seconds, |second| second.failures) },
    ];
    card("Requests a second", &legend(&all), &lines(&all, |value| number(value as u64)))
}

fn latency(summary: &Summary) -> String {
    let seconds = whole(summary);
    let all = [
        Line { name: "p50", class: "b", values: of(seconds, |second| second.p50_us) },
        Line { name: "p90", class: "a", values: of(seconds, |second| second.p90_us) },
        Line { name: "p99", class: "c", values: of(seconds, |second| second.p99_us) },
    ];
    card("Latency", &legend(&all), &lines(&all, |value| time(value as u64)))
}

/// The last second is not a whole one, and would look like a collapse.
fn whole(summary: &Summary) -> &[Second] {
    let all = &summary.timeline[..];
    if all.len() > 2 { &all[..all.len() - 1] } else { all }
}

fn of(seconds: &[Second], figure: impl Fn(&Second) -> u64) -> Vec<f64> {
    seconds.iter().map(|second| figure(second) as f64).collect()
}

fn distribution(summary: &Summary) -> String {
    let buckets: Vec<_> = summary.distribution.iter().map(|bucket| (time(bucket.up_to_us), bucket.count)).collect();
    card("Requests by latency", "", &bars(&buckets, |value| number(value as u64)))
}

fn outcomes(summary: &Summary) -> String {
    let all = summary.outcomes.iter().map(|count| count.count).sum::<u64>().max(1) as f64;
    let share = |count: &Count| {
        let width = count.count as f64 / all * 100.0;
        format!("<div class='{0}' style='width:{width:.3}%' title='{0} {width:.2} %'></div>", count.name)
    };
    let bar: String = summary.outcomes.iter().map(share).collect();
    let row = |count: &Count| {
        format!(
            "<tr><td><span class='legend' style='float:none'><i class='{0}' style='margin-left:0'></i></span>{0}</td><td>{1}</td><td>{2}</td></tr>",
            count.name,
            number(count.count),
            percent(count.count as f64 / all)
        )
    };
    let rows: String = summary.outcomes.iter().map(row).collect();
    card("Where answers came from", "", &format!("<div class='share'>{bar}</div><table>{rows}</table>"))
}

fn requests(all: &[ByRequest]) -> String {
    let row = |request: &ByRequest| {
        let at = &request.latency;
        let cells: String = [at.p50_us, at.p90_us, at.p99_us, at.p999_us, at.max_us]
            .iter()
            .map(|micros| format!("<td>{}</td>", time(*micros)))
            .collect();
        format!("<tr><td>{}</td><td>{}</td>{cells}</tr>", request.name, number(request.requests))
    };
    let rows: String = all.iter().map(row).collect();
    let head = "<tr><th>request</th><th>count</th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th><th>max</th></tr>";
    card("Requests", "", &format!("<table>{head}{rows}</table>"))
}

fn table(title: &str, name: &str, counts: &[Count]) -> String {
    let row = |count: &Count| format!("<tr><td>{}</td><td>{}</td></tr>", escape(&count.name), number(count.count));
    let rows: String = counts.iter().map(row).collect();
    let rows = if rows.is_empty() { "<tr><td>none</td><td></td></tr>".to_owned() } else { rows };
    card(title, "", &format!("<table><tr><th>{name}</th><th>count</th></tr>{rows}</table>"))
}

fn legend(lines: &[Line<'_>]) -> String {
    let entry = |line: &Line<'_>| format!("<i class='{}-bg'></i>{}", line.class, line.name);
    format!("<span class='legend'>{}</span>", lines.iter().map(entry).collect::<String>())
}

fn card(title: &str, legend: &str, content: &str) -> String {
    format!("<section class='card'>{legend}<h2>{title}</h2>{content}</section>")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;").replace('"', "&quot;")
}
