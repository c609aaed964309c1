//! What is likely wrong with a run of which most requests failed for one reason.

use crate::failure::{NO_SUCH_TODO, NOT_THE_SERVICE};
use crate::summary::Summary;

/// A failure that comes to less than this share of all requests needs no explanation.
const SHARE: f64 = 0.1;
/// A smaller share of requests that are due and not sent is the end of the run.
const BEHIND: f64 = 0.02;

/// A line for each frequent failure whose likely cause is known.
pub(crate) fn hints(summary: &Summary) -> Vec<String> {
    let frequent = summary.errors.iter().filter(|error| error.count as f64 >= SHARE * summary.requests as f64);
    let mut hints: Vec<String> = frequent.filter_map(|error| hint(&error.name, summary)).collect();
    hints.dedup();
    hints.extend(behind(summary));
    hints
}

/// Requests that were due and never sent are in no latency.
fn behind(summary: &Summary) -> Option<String> {
    let (due, rate) = (summary.due?, summary.parameters.rate.as_ref()?);
    let unsent = due.saturating_sub(summary.requests);
    (unsent as f64 > BEHIND * due as f64).then(|| {
        format!(
            "the rate {rate} was not reached: {unsent} of {due} requests that were due were never sent, and are in no latency, as all \
             {} users waited for answers: the service is slower, or more --users",
            summary.parameters.users
        )
    })
}

fn hint(failure: &str, summary: &Summary) -> Option<String> {
    let (host, ids) = (&summary.parameters.host, &summary.parameters.ids);
    Some(if failure == NOT_THE_SERVICE {
        format!("something answers at {host}, but not the todo service: look at --host, its port and its path")
    } else if failure.starts_with(NO_SUCH_TODO) {
        format!(
            "ids {ids} are asked for, and not all of them are there: fill the store (seeder generate), or name those that are \
             there (--ids)"
        )
    } else if ["301", "302", "307", "308"].iter().any(|status| failure.starts_with(&format!("status {status}"))) {
        format!("{host} redirects, and loadgen does not follow: look at --host (https:// ?), or at a login in between")
    } else if failure.starts_with("status 401") || failure.starts_with("status 403") {
        format!("{host} asks who you are: --host http://NAME:PASSWORD@HOST sends a name and a password")
    } else if failure.starts_with("status 429") {
        "the service, or a proxy before it, limits the rate: throughput and latency are those of its limit".to_owned()
    } else if failure.contains("cannot assign requested address") {
        "this machine has no local ports left: fewer --users, or a service that keeps connections open".to_owned()
    } else {
        return None;
    })
}
