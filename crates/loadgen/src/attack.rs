//! The run, on goose: users that each send a request, wait for its answer, and send the next: at once (a closed loop), or when it
//! is due (an open one, as far as there are users).

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction, TransactionResult};
use goose::{GooseAttack, trigger_killswitch};
use tokio::sync::{Mutex, watch};
use tokio::time::{interval, sleep};

use crate::client::User;
use crate::connector::Connector;
use crate::crew::Crew;
use crate::descriptors;
use crate::ending::Ending;
use crate::error::LoadgenError;
use crate::figures::Second;
use crate::hints::hints;
use crate::keys::Ids;
use crate::live::{LivePage, Watched};
use crate::options::Options;
use crate::own_cost::{self, OwnCost};
use crate::plan::{Due, Plan};
use crate::probe;
use crate::recorder::{Record, Recorder};
use crate::request::{Ask, Sample};
use crate::signals::Signals;
use crate::summary::Summary;
use crate::threshold;

/// How long a user rests at a time once all is sent, until goose ends it.
const REST: Duration = Duration::from_millis(20);
/// What a timer may be late by: that is not the service's doing.
const TIMER: Duration = Duration::from_millis(2);
/// How often the run is looked at from outside.
const LOOK: Duration = Duration::from_millis(50);

/// Goose has one switch a process that ends a run, so runs of one process take turns.
static TURN: Mutex<()> = Mutex::const_new(());

/// What a person may want to see while a run goes on.
pub enum Event<'a> {
    /// Something to know before it begins.
    Note(&'a str),
    /// What the last second came to.
    Second(&'a Second),
}

/// In the place of a user that sends nothing any more: its connection is closed.
#[derive(Clone)]
struct Away;

/// What all users share.
struct Run {
    options: Options,
    ids: Ids,
    plan: Plan,
    recorder: Recorder,
    users: Vec<User>,
    crew: Crew,
    /// CPU time of this process before the run.
    cpu: Duration,
    grace: Duration,
    /// Turns true when nobody waits for answers any more.
    cut: watch::Sender<bool>,
}

/// Runs the load, and sums it up.
///
/// # Errors
/// The options contradict each other, nobody answers at the host, or goose does not take the plan. Requests that fail
/// are no errors but figures.
pub async fn run(options: &Options) -> Result<Summary, LoadgenError> {
    run_watched(options, &mut Signals::none(), |_| ()).await
}

/// As [`run`], until a signal comes, and tells what happens.
///
/// # Errors
/// As [`run`]; or a signal came before the first request.
pub async fn run_watched(
    options: &Options,
    signals: &mut Signals,
    mut watch: impl FnMut(Event<'_>),
) -> Result<Summary, LoadgenError> {
    options.check()?;
    let live = match options.live {
        Some(address) => Some(LivePage::bind(address).await?),
        None => None,
    };
    let crew = Crew::new(options.users, live.is_some());
    descriptors::raise(crew.most())?;
    let connector = Connector::new(options)?;
    let found = tokio::select! {
        found = probe::find(options, &connector) => found?,
        () = signals.next() => return Err(LoadgenError::Interrupted),
    };
    found.note.iter().for_each(|note| watch(Event::Note(note)));
    let _turn = TURN.lock().await;
    let run = Arc::new(Run::new(options, &found.ids, &connector, crew)?);
    if let Some(url) = live.as_ref().and_then(LivePage::url) {
        watch(Event::Note(&format!("live: {url}")));
    }
    let _live = live.map(|live| live.serve(Arc::clone(&run)));
    let mut ending = Ending::new(options.grace);
    let mut attack = pin!(attack(options, Arc::clone(&run)));
    let (mut look, mut told) = (interval(LOOK), 0);
    loop {
        tokio::select! {
            ended = &mut attack => break ended?,
            () = signals.next() => {
                run.plan.interrupt();
                ending.hurry();
            }
            _ = look.tick() => {
                let Some(began) = run.plan.has_begun() else { continue };
                if began.elapsed().as_secs() > told && ending.is_not_begun() {
                    told = began.elapsed().as_secs();
                    run.recorder.last_second(began).iter().for_each(|second| watch(Event::Second(second)));
                }
            }
        }
        if run.plan.is_stopped() {
            ending.begin();
            // Again and again: goose forgets it when it starts.
            trigger_killswitch("the run is over");
        }
        if ending.is_over() {
            run.cut.send_replace(true);
        }
    }
    let mut summary = run.summary(&run.recorder.finish());
    summary.hints = hints(&summary);
    summary.missed = threshold::missed(options, &summary);
    Ok(summary)
}

async fn attack(options: &Options, run: Arc<Run>) -> Result<(), LoadgenError> {
    let users = run.crew.most();
    let next = Transaction::new(Arc::new(move |user: &mut GooseUser| {
        let run = Arc::clone(&run);
        Box::pin(async move { run.next(user).await })
    }));
    // Users have clients of their own: goose needs none, and would make one for each.
    let unused = GooseClientBuilder::new().without_cookies();
    let goose = GooseAttack::initialize_with_config(configuration(options, users)).map_err(failed)?;
    let goose = goose.set_client_builder_without_cookies(unused).map_err(failed)?;
    goose.register_scenario(Scenario::new("todos").register_transaction(next)).execute().await.map_err(failed)?;
    Ok(())
}

/// Goose's own metrics are off: they know nothing of bodies and caches, and cost time that the service needs. Its run
/// time is not set: it counts whole seconds and begins when all users are there.
fn configuration(options: &Options, users: usize) -> GooseConfiguration {
    let mut goose = GooseConfiguration::default();
    goose.host = Some(options.host.to_string());
    goose.users = Some(users);
    goose.increase_rate = Some(options.hatch_rate.to_string());
    goose.no_metrics = true;
    goose.no_print_metrics = true;
    goose.no_telnet = true;
    goose.quiet = 3;
    goose
}

impl Watched for Run {
    fn so_far(&self) -> Summary {
        self.summary(&self.recorder.so_far())
    }

    fn stop(&self) {
        self.plan.interrupt();
    }

    fn change_users(&self, users: usize) -> Result<(), usize> {
        if self.crew.change(users) { Ok(()) } else { Err(self.crew.most()) }
    }
}

impl Run {
    fn new(options: &Options, ids: &Ids, connector: &Connector, crew: Crew) -> Result<Self, LoadgenError> {
        let plan = Plan::new(options, ids);
        let users = (0..crew.most()).map(|user| User::new(connector, options.base(), plan.rng(user)));
        let users = users.collect::<Result<_, _>>()?;
        let (options, ids) = (options.clone(), ids.clone());
        let (grace, cut) = (options.grace, watch::Sender::new(false));
        let (recorder, cpu) = (Recorder::new(), own_cost::cpu_time());
        Ok(Self { options, ids, plan, recorder, users, crew, cpu, grace, cut })
    }

    /// What is recorded comes to this.
    fn summary(&self, record: &Record) -> Summary {
        let mut summary =
            Summary::new(&self.options, &self.ids, self.plan.has_begun().unwrap_or_else(Instant::now), record);
        summary.interrupted = self.plan.interrupted();
        summary.own_cost = OwnCost::of(own_cost::cpu_time().saturating_sub(self.cpu), &summary);
        summary.due = self.plan.due_within(Duration::from_secs_f64(summary.seconds), self.options.requests);
        summary
    }

    /// One request of one user.
    async fn next(&self, user: &mut GooseUser) -> TransactionResult {
        let number = user.weighted_users_index;
        if !self.crew.wants(number) && !self.plan.is_stopped() {
            if user.get_session_data::<User>().is_some() {
                user.set_session_data(Away);
                self.recorder.leave();
            }
            self.crew.wait(number).await;
            return Ok(());
        }
        if !self.plan.takes_one() {
            trigger_killswitch("all requests are sent");
            sleep(REST).await;
            return Ok(());
        }
        if user.get_session_data::<User>().is_none() {
            user.set_session_data(self.users[user.weighted_users_index % self.users.len()].clone());
            self.recorder.join();
        }
        if let Some(own) = user.get_session_data_mut::<User>() {
            let ask = self.plan.ask(&mut own.rng);
            let Some(began) = self.until_due().await else { return Ok(()) };
            match self.send(own, &ask, began).await {
                Some(sample) => self.recorder.add(self.plan.began(), sample),
                None => self.recorder.cut_off(),
            }
        }
        Ok(())
    }

    /// Waits until the next request is due; the moment that its latency counts from. `None` if the run ends before. Who was not free
    /// in time sends at once, and the request has waited since it was due (Gil Tene: "coordinated omission").
    async fn until_due(&self) -> Option<Instant> {
        let due = match self.plan.next_due() {
            Due::Now => return Some(Instant::now()),
            Due::At(due) => Some(due),
            Due::Never => None,
        };
        loop {
            let now = Instant::now();
            if let Some(due) = due.filter(|due| now >= *due) {
                return Some(if now - due <= TIMER { now } else { due });
            }
            if self.plan.is_stopped() {
                return None;
            }
            sleep(due.map_or(LOOK, |due| LOOK.min(due - now))).await;
        }
    }

    /// Sends it, and waits for the answer until the run is cut. Who had less than the grace to answer has not failed.
    async fn send(&self, user: &mut User, ask: &Ask, began: Instant) -> Option<Sample> {
        let mut cut = self.cut.subscribe();
        tokio::select! {
            biased;
            sample = user.send(ask, began) => Some(sample),
            _ = cut.wait_for(|cut| *cut) => {
                let (ended, took) = (Instant::now(), began.elapsed());
                let failure = Some("no answer when the run ended (--grace)".to_owned().into());
                let sample = Sample { kind: ask.kind(), ended, took, status: None, outcome: None, failure, retried: false };
                (took >= self.grace).then_some(sample)
            }
        }
    }
}

fn failed(error: goose::GooseError) -> LoadgenError {
    LoadgenError::Goose(error.to_string())
}
