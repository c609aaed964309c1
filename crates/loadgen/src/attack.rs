//! The run, on goose: users that each send a request, wait for its answer, and send the next (a closed loop).

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction, TransactionResult};
use goose::{GooseAttack, trigger_killswitch};
use tokio::sync::Mutex;
use tokio::time::{Instant, interval_at, sleep};

use crate::client::User;
use crate::error::LoadgenError;
use crate::options::Options;
use crate::plan::Plan;
use crate::probe;
use crate::recorder::Recorder;
use crate::summary::{Second, Summary};
use crate::threshold;

/// How long a user rests at a time once all is sent, until goose ends it.
const REST: Duration = Duration::from_millis(20);

/// Goose has one switch a process that ends a run, so runs of one process take turns.
static TURN: Mutex<()> = Mutex::const_new(());

/// What all users share.
struct Run {
    plan: Plan,
    recorder: Recorder,
    users: Vec<User>,
}

/// Runs the load, and sums it up.
///
/// # Errors
/// The options contradict each other, nobody answers at the host, or goose does not take the plan. Requests that fail
/// are no errors but figures.
pub async fn run(options: &Options) -> Result<Summary, LoadgenError> {
    run_watched(options, |_| ()).await
}

/// As [`run`], and tells each second what the last one came to.
///
/// # Errors
/// As [`run`].
pub async fn run_watched(options: &Options, mut watch: impl FnMut(&Second)) -> Result<Summary, LoadgenError> {
    options.check()?;
    probe::find(options).await?;
    let _turn = TURN.lock().await;
    let run = Arc::new(Run::new(options)?);
    let mut attack = pin!(attack(options, Arc::clone(&run)));
    let mut seconds = interval_at(Instant::now() + Duration::from_secs(1), Duration::from_secs(1));
    loop {
        tokio::select! {
            ended = &mut attack => break ended?,
            _ = seconds.tick() => run.recorder.last_second().iter().for_each(&mut watch),
        }
    }
    let record = run.recorder.finish();
    let mut summary = Summary::new(options, run.plan.began(), &record);
    summary.interrupted = !run.plan.is_over();
    summary.missed = threshold::missed(options, &summary);
    Ok(summary)
}

async fn attack(options: &Options, run: Arc<Run>) -> Result<(), LoadgenError> {
    let next = Transaction::new(Arc::new(move |user: &mut GooseUser| {
        let run = Arc::clone(&run);
        Box::pin(async move { run.next(user).await })
    }));
    // Users have clients of their own: goose needs none, and would make one for each.
    let unused = GooseClientBuilder::new().without_cookies();
    let goose = GooseAttack::initialize_with_config(configuration(options)).map_err(failed)?;
    let goose = goose.set_client_builder_without_cookies(unused).map_err(failed)?;
    goose.register_scenario(Scenario::new("todos").register_transaction(next)).execute().await.map_err(failed)?;
    Ok(())
}

/// Goose's own metrics are off: they know nothing of bodies and caches, and cost time that the service needs. Its run
/// time is not set: it counts whole seconds and begins when all users are there.
fn configuration(options: &Options) -> GooseConfiguration {
    let mut goose = GooseConfiguration::default();
    goose.host = Some(options.host.to_string());
    goose.users = Some(options.users);
    goose.increase_rate = Some(options.hatch_rate.to_string());
    goose.no_metrics = true;
    goose.no_print_metrics = true;
    goose.no_telnet = true;
    goose.quiet = 3;
    goose
}

impl Run {
    fn new(options: &Options) -> Result<Self, LoadgenError> {
        let plan = Plan::new(options);
        let users = (0..options.users).map(|user| User::new(options, plan.rng(user))).collect::<Result<_, _>>()?;
        Ok(Self { plan, recorder: Recorder::new(), users })
    }

    /// One request of one user.
    async fn next(&self, user: &mut GooseUser) -> TransactionResult {
        if !self.plan.takes_one() {
            trigger_killswitch("all requests are sent");
            sleep(REST).await;
            return Ok(());
        }
        if user.get_session_data::<User>().is_none() {
            user.set_session_data(self.users[user.weighted_users_index % self.users.len()].clone());
        }
        if let Some(own) = user.get_session_data_mut::<User>() {
            let ask = self.plan.ask(&mut own.rng);
            let sample = own.send(&ask).await;
            self.recorder.add(self.plan.began(), sample);
        }
        Ok(())
    }
}

fn failed(error: goose::GooseError) -> LoadgenError {
    LoadgenError::Goose(error.to_string())
}
