//! The tables of the page.

use super::html::{card, escape};
use super::units::{number, own_cost, percent, status, time};
use crate::figures::{ByRequest, Count, Latency};
use crate::summary::Summary;

/// Latencies by request, success and failure apart.
pub(crate) fn requests(all: &[ByRequest]) -> String {
    let rows: String = all.iter().flat_map(request).collect();
    let columns = ["request", "count", "mean", "p50", "p90", "p99", "p99.9", "max"];
    let head: String = columns.iter().map(|column| format!("<th>{column}</th>")).collect();
    card("Requests", "", &format!("<table><tr>{head}</tr>{rows}</table>"))
}

fn request(of: &ByRequest) -> Vec<String> {
    let row = |what: &str, count: u64, at: &Option<Latency>| {
        let figures = at.map(|at| [at.mean_us as u64, at.p50_us, at.p90_us, at.p99_us, at.p999_us, at.max_us]);
        let cells: String =
            figures.unwrap_or_default().iter().map(|micros| format!("<td>{}</td>", time(*micros))).collect();
        format!("<tr><td>{}{what}</td><td>{}</td>{cells}</tr>", escape(of.name), number(count))
    };
    let successes = of.latency.as_ref().map(|_| row("", of.successes, &of.latency));
    let failures = of.failure_latency.as_ref().map(|_| row(", failed", of.failures, &of.failure_latency));
    successes.into_iter().chain(failures).collect()
}

/// Answers by status, each with its meaning.
pub(crate) fn statuses(summary: &Summary) -> String {
    let named: Vec<Count> =
        summary.statuses.iter().map(|count| Count { name: status(&count.name), count: count.count }).collect();
    counts("Statuses", "status", &named, summary.requests)
}

/// How often what came, and its share of `whole`.
pub(crate) fn counts(title: &str, name: &str, counts: &[Count], whole: u64) -> String {
    let row = |count: &Count| {
        let share = percent(count.count as f64 / whole.max(1) as f64);
        format!("<tr><td>{}</td><td>{}</td><td>{share}</td></tr>", escape(&count.name), number(count.count))
    };
    let rows: String = counts.iter().map(row).collect();
    let content = if rows.is_empty() {
        "<p class='none'>None.</p>".to_owned()
    } else {
        format!("<table><tr><th>{name}</th><th>count</th><th>share</th></tr>{rows}</table>")
    };
    card(title, "", &content)
}

/// The share of each outcome, as a bar and as a table.
pub(crate) fn outcomes(summary: &Summary) -> String {
    let all = summary.outcomes.iter().map(|count| count.count).sum::<u64>().max(1) as f64;
    let share = |count: &Count| {
        let width = count.count as f64 / all * 100.0;
        let tip = format!("{} {}", count.name, percent(count.count as f64 / all));
        format!("<div class='bg {}' style='width:{width:.3}%' data-tip='{tip}'></div>", count.name)
    };
    let row = |count: &Count| {
        format!(
            "<tr><td><i class='key bg {0}'></i>{0}</td><td>{1}</td><td>{2}</td></tr>",
            count.name,
            number(count.count),
            percent(count.count as f64 / all)
        )
    };
    let bar: String = summary.outcomes.iter().map(share).collect();
    let rows: String = summary.outcomes.iter().map(row).collect();
    let head = "<tr><th>answered from</th><th>reads</th><th>share</th></tr>";
    card("Where answers came from", "", &format!("<div class='share'>{bar}</div><table>{head}{rows}</table>"))
}

/// What was run.
pub(crate) fn parameters(summary: &Summary) -> String {
    let of = &summary.parameters;
    let limit = [
        of.run_time_seconds.map(|seconds| format!("{seconds} s")),
        of.requests.map(|requests| format!("{} requests", number(requests as u64))),
    ];
    let entries = [
        ("Service", of.host.clone()),
        ("Users", format!("{}, {} more each second", number(of.users as u64), number(of.hatch_rate as u64))),
        ("Until", limit.into_iter().flatten().collect::<Vec<_>>().join(" or ")),
        ("Ids", of.ids.clone()),
        ("Keys", of.keys.clone()),
        ("Ids that do not exist", percent(of.missing)),
        ("Creates", percent(of.write)),
        ("Seed", of.seed.map_or_else(|| "none".to_owned(), |seed| seed.to_string())),
        ("Timeout", format!("{} s", of.timeout_seconds)),
        ("Grace at the end", format!("{} s", of.grace_seconds)),
        ("Started", summary.started_at.clone()),
        ("Ended", summary.ended_at.clone()),
        ("Load generator", format!("loadgen {}", summary.version)),
        ("Ran on", format!("{}, {} cores", summary.machine.name, summary.machine.cores)),
        (
            "CPU of the load generator",
            format!("{} ({})", time((summary.own_cost.cpu_seconds * 1e6) as u64), own_cost(summary)),
        ),
        ("Headers", if of.headers.is_empty() { "none".to_owned() } else { of.headers.join(", ") }),
        ("Sent again", format!("{} on connections closed unanswered", number(summary.retries))),
    ];
    let entry = |(name, value): &(&str, String)| format!("<div><dt>{name}</dt><dd>{}</dd></div>", escape(value));
    card("Parameters", "", &format!("<dl>{}</dl>", entries.iter().map(entry).collect::<String>()))
}
