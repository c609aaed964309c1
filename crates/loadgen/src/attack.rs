//! The run, on goose: users that each send a request, wait for its answer, and send the next (a closed loop).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction, TransactionResult};
use goose::{GooseAttack, trigger_killswitch};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use reqwest::Client;
use url::Url;

use crate::client::{Ask, message, send};
use crate::error::LoadgenError;
use crate::keys::KeySource;
use crate::options::Options;
use crate::recorder::Recorder;
use crate::summary::Summary;
use crate::threshold;

/// How long the service may take to be found.
const FIND: Duration = Duration::from_secs(4);

/// What all users share.
struct Plan {
    base: Url,
    keys: KeySource,
    missing: f64,
    write: f64,
    timeout: Duration,
    /// Requests that may still be sent.
    left: Option<AtomicU64>,
    /// Makes new ids of this run different from those of others.
    run: u64,
    created: AtomicU64,
    recorder: Recorder,
}

/// One user's own.
#[derive(Clone)]
struct User {
    client: Client,
    rng: SmallRng,
}

/// Runs the load, and sums it up.
///
/// # Errors
/// Nobody answers at the host, or goose does not take the plan. Requests that fail are no errors but figures.
pub async fn run(options: &Options) -> Result<Summary, LoadgenError> {
    let base = base_of(&options.host);
    find(&base, options).await?;
    let plan = Arc::new(Plan::new(base, options));
    attack(options, Arc::clone(&plan)).await?;
    let (took, record) = plan.recorder.finish();
    let mut summary = Summary::new(options, took, &record);
    summary.missed = threshold::missed(options, &summary);
    Ok(summary)
}

/// Any HTTP answer will do: other services have no `/livez`.
async fn find(base: &Url, options: &Options) -> Result<(), LoadgenError> {
    let no_server = |reason| LoadgenError::NoServer { host: options.host.to_string(), reason };
    let client = Client::builder().timeout(FIND).no_proxy().build().map_err(|error| no_server(error.to_string()))?;
    let found = client.get(format!("{base}livez")).send().await;
    found.map(drop).map_err(|error| no_server(message(&error)))
}

async fn attack(options: &Options, plan: Arc<Plan>) -> Result<(), LoadgenError> {
    let user = Transaction::new(Arc::new(move |user: &mut GooseUser| {
        let plan = Arc::clone(&plan);
        Box::pin(async move { plan.next(user).await })
    }));
    let goose = GooseAttack::initialize_with_config(configuration(options)).map_err(failed)?;
    goose.register_scenario(Scenario::new("todos").register_transaction(user)).execute().await.map_err(failed)?;
    Ok(())
}

/// Goose's own metrics are off: they know nothing of bodies and caches, and cost time that the service needs.
fn configuration(options: &Options) -> GooseConfiguration {
    let mut goose = GooseConfiguration::default();
    goose.host = Some(options.host.to_string());
    goose.users = Some(options.users);
    goose.increase_rate = Some(options.hatch_rate.to_string());
    goose.run_time = Some(options.run_time.as_secs().to_string());
    goose.no_metrics = true;
    goose.no_print_metrics = true;
    goose.no_telnet = true;
    goose.quiet = 3;
    goose
}

impl Plan {
    fn new(base: Url, options: &Options) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            base,
            keys: KeySource::new(&options.ids, options.keys),
            missing: options.missing,
            write: options.write,
            timeout: options.timeout,
            left: options.requests.map(|requests| AtomicU64::new(requests as u64)),
            run: since.as_micros() as u64,
            created: AtomicU64::new(0),
            recorder: Recorder::new(),
        }
    }

    /// One request of one user.
    async fn next(&self, user: &mut GooseUser) -> TransactionResult {
        if !self.takes_one() {
            trigger_killswitch("all requests are sent");
            // Until goose ends the users, they have nothing to do.
            tokio::time::sleep(Duration::from_millis(50)).await;
            return Ok(());
        }
        if user.get_session_data::<User>().is_none() {
            user.set_session_data(self.new_user());
        }
        if let Some(own) = user.get_session_data_mut::<User>() {
            let ask = self.ask(&mut own.rng);
            self.recorder.add(send(&own.client, &self.base, &ask).await);
        }
        Ok(())
    }

    fn takes_one(&self) -> bool {
        let Some(left) = &self.left else { return true };
        left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok()
    }

    /// A connection of its own, as a user's browser would have.
    fn new_user(&self) -> User {
        let client = Client::builder().timeout(self.timeout).no_proxy().tcp_nodelay(true).build();
        User { client: client.unwrap_or_default(), rng: SmallRng::from_rng(&mut rand::rng()) }
    }

    fn ask(&self, rng: &mut SmallRng) -> Ask {
        let dice: f64 = rng.random();
        if dice < self.write {
            let number = self.created.fetch_add(1, Ordering::Relaxed);
            Ask::Create(format!("loadgen-{}-{number}", self.run))
        } else if dice < self.write + self.missing {
            Ask::Missing(format!("missing-{}", rng.random_range(0..1_000_000)))
        } else {
            Ask::Existing(self.keys.draw(rng))
        }
    }
}

/// With a slash at the end, so that paths can be appended.
fn base_of(host: &Url) -> Url {
    let mut base = host.clone();
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", host.path()));
    }
    base
}

fn failed(error: goose::GooseError) -> LoadgenError {
    LoadgenError::Goose(error.to_string())
}
