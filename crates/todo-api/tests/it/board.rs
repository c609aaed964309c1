//! The board and the alerts ask for metrics and labels that there are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::support::servers;

/// Beginnings of the names of our metrics.
const OURS: [&str; 6] = ["cache_", "change_stream_", "http_", "process_", "store_", "todo_"];
/// Labels that Prometheus gives.
const OF_THE_SCRAPE: [&str; 2] = ["instance", "job"];

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docker").join(path)).unwrap()
}

/// Everything that stands after `expr:` in the rules, each with its further lines.
fn expressions_of_rules(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(first) = line.trim_start().strip_prefix("expr: ") else { continue };
        let mut expression = first.trim_start_matches('|').to_owned();
        let is_key =
            |line: &str| ["for:", "labels:", "annotations:"].iter().any(|key| line.trim_start().starts_with(key));
        while let Some(more) = lines.next_if(|line| !is_key(line)) {
            expression.push_str(more);
        }
        all.push(expression);
    }
    all
}

fn expressions_of_board(board: &Value, all: &mut Vec<String>) {
    match board {
        Value::Object(fields) => {
            all.extend(fields.get("expr").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| expressions_of_board(field, all));
        }
        Value::Array(members) => members.iter().for_each(|member| expressions_of_board(member, all)),
        _ => {}
    }
}

/// Each of our metrics in an expression, with the labels that it is selected by.
fn metrics_in(expression: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let mut rest = expression;
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    while let Some(start) = rest.find(is_part) {
        let word = &rest[start..];
        let end = word.find(|letter| !is_part(letter)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        rest = after;
        let Some(selector) = after.strip_prefix('{').filter(|_| OURS.iter().any(|ours| word.starts_with(ours))) else {
            if OURS.iter().any(|ours| word.starts_with(ours)) {
                found.push((word.to_owned(), Vec::new()));
            }
            continue;
        };
        // A brace may stand in a text.
        let mut in_text = false;
        let end = selector.find(|letter| {
            in_text ^= letter == '"';
            letter == '}' && !in_text
        });
        let (selector, after) = selector.split_at(end.unwrap_or_else(|| panic!("no end: {expression}")));
        let matchers = selector.split("\",").map(|matcher| matcher.split(['=', '!']).next().unwrap_or_default());
        found.push((word.to_owned(), matchers.map(|name| name.trim().to_owned()).collect()));
        rest = after;
    }
    found
}

#[tokio::test]
async fn every_metric_and_label_that_they_ask_for_is_one_that_the_service_gives() {
    let service = servers().await;
    service.todos.wait_until_live(Duration::from_secs(60)).await;
    service.get("/todos/seen").await;
    let text = service.get("/metrics").await.text().await.unwrap();
    let mut given: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, labels) = line.split_once(['{', ' ']).unwrap();
        let labels = labels.rsplit_once('}').map_or("", |(labels, _)| labels);
        let names = labels.split("\",").filter_map(|label| Some(label.split_once('=')?.0));
        given.entry(name).or_default().extend(names);
    }
    let rules = file("prometheus/rules.yml");
    let mut expressions = expressions_of_rules(&rules);
    assert_eq!(expressions.len(), rules.matches("- alert: ").count());
    assert_eq!(expressions.len(), rules.matches(" todo: \"").count(), "each says what to do");
    expressions_of_board(&serde_json::from_str(&file("grafana/dashboards/todo.json")).unwrap(), &mut expressions);
    let mut asked = 0;
    for expression in &expressions {
        for (name, labels) in metrics_in(expression) {
            let known = given.get(name.as_str()).unwrap_or_else(|| panic!("there is no {name}: {expression}"));
            for label in labels.iter().filter(|label| !OF_THE_SCRAPE.contains(&label.as_str())) {
                assert!(known.contains(label.as_str()), "{name} has no label {label:?}: {expression}");
            }
            asked += 1;
        }
    }
    assert!(asked > 50, "{asked}");
}
