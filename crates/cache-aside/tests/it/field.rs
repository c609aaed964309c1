//! Redis as people run it: users with few rights, memory that is full, keys of others under our prefix.

use std::time::Duration;

use cache_aside::{CacheAside, CacheUrl, Health, Loaded, Outcome, Published, ReadOptions, Source};
use deadpool_redis::redis::{Client, Connection, cmd};
use test_servers::RedisServer;

use crate::support::{FakeStore, Setup, StoreDown, body, engine_at, get, options, outcome, put, redis_url, until};

/// The rule that README gives, under the name and prefix of a test.
pub(crate) fn smallest_rule(prefix: &str) -> Vec<String> {
    let readme = include_str!("../../../../README.md");
    let rule = readme.lines().find_map(|line| line.strip_prefix("ACL SETUSER todo ")).expect("README has the rule");
    rule.replace("todo:", &format!("{prefix}:")).split_whitespace().map(str::to_owned).collect()
}

fn admin(redis: &RedisServer) -> Connection {
    Client::open(redis.url()).unwrap().get_connection().unwrap()
}

fn run(admin: &mut Connection, words: &[&str]) {
    cmd(words[0]).arg(&words[1..]).exec(admin).unwrap();
}

fn url_of(redis: &RedisServer, user: &str) -> CacheUrl {
    format!("redis://{user}:secret@127.0.0.1:{}/", redis.port()).parse().unwrap()
}

fn add_user(redis: &RedisServer, user: &str, rule: &[String]) -> CacheUrl {
    let mut command = cmd("ACL");
    command.arg("SETUSER").arg(user).arg(rule).arg(">secret");
    command.exec(&mut admin(redis)).unwrap();
    url_of(redis, user)
}

#[tokio::test]
async fn the_smallest_rule_of_the_readme_is_enough() {
    let (redis, store, options) = (RedisServer::start(), FakeStore::new(), options());
    let url = add_user(&redis, "small", &smallest_rule(&options.prefix));
    let engine = engine_at(&url, &store, options);
    assert_eq!(engine.missing_rights().await, Some(Vec::new()));
    assert_eq!(put(&engine, "1", "one").await.published, Published::Yes);
    assert_eq!(outcome(&engine, "1").await, Outcome::Hit);
    store.set("2", "two");
    assert_eq!(outcome(&engine, "2").await, Outcome::Miss);
    assert_eq!(outcome(&engine, "2").await, Outcome::Hit);
}

#[tokio::test]
async fn each_missing_right_is_one_line_that_names_it_and_the_rule_to_add() {
    let redis = RedisServer::start();
    for (taken, named, added) in [
        ("-publish", "the command PUBLISH", "+publish"),
        ("-subscribe", "the command SUBSCRIBE", "+subscribe"),
        ("-info", "the command INFO", "+info"),
        ("-getrange", "the command GETRANGE", "+getrange"),
        ("-setrange", "the command SETRANGE", "+setrange"),
        ("-rename", "the command RENAME", "+rename"),
        ("-scan", "the command SCAN", "+scan"),
        ("-time", "the command TIME", "+time"),
        ("-eval", "the command EVAL", "+eval"),
        ("resetchannels", "channels PREFIX:*", "&PREFIX:*"),
        ("resetkeys", "keys PREFIX:*", "~PREFIX:*"),
    ] {
        let options = options();
        let mut rule = smallest_rule(&options.prefix);
        rule.push(taken.to_owned());
        let (prefix, user) = (options.prefix.clone(), format!("without{}", taken.replace('-', "")));
        let engine = engine_at(&add_user(&redis, &user, &rule), &FakeStore::new(), options);
        let missing = engine.missing_rights().await.expect("the cache answers");
        let expected = [named, added].map(|text| text.replace("PREFIX", &prefix));
        let said = missing.join("\n").replace("PREFIX", &prefix);
        assert!(missing.len() == 1 && expected.iter().all(|text| said.contains(text)), "{taken}: {missing:?}");
    }
}

#[tokio::test]
async fn each_command_that_a_managed_redis_does_not_have_is_one_line() {
    for command in ["INFO", "EVALSHA", "PUBLISH", "SUBSCRIBE"] {
        let redis = RedisServer::start_with(&["--rename-command", command, "", "--rename-command", "CONFIG", ""]);
        let (store, options) = (FakeStore::new(), options());
        let engine = engine_at(&redis_url(&redis), &store, options);
        let missing = engine.missing_rights().await.expect("the cache answers");
        let line =
            format!("this Redis does not have the command {command}, which is needed: it is disabled or renamed");
        assert_eq!(missing, [line]);
        // The database answers, and what refuses the rest is said.
        store.set("1", "one");
        assert_eq!(body(&get(&engine, "1").await), Some("one"), "{command}");
        let refusal = engine.write_refusal().unwrap_or_default();
        assert!(command != "EVALSHA" || refusal.contains("EVALSHA"), "{refusal:?}");
    }
}

#[tokio::test]
async fn a_user_without_channels_info_or_time_has_hits_all_the_same() {
    let redis = RedisServer::start();
    for taken in ["resetchannels", "-publish", "-info", "-time"] {
        let (store, options) = (FakeStore::new(), options());
        let mut rule = smallest_rule(&options.prefix);
        rule.push(taken.to_owned());
        let engine = engine_at(&add_user(&redis, &format!("no{}", taken.replace('-', "")), &rule), &store, options);
        assert_eq!(put(&engine, "1", "one").await.published, Published::Yes, "{taken}");
        assert_eq!(outcome(&engine, "1").await, Outcome::Hit, "{taken}");
        assert_eq!(put(&engine, "1", "two").await.published, Published::Yes, "{taken}");
        assert_eq!(body(&get(&engine, "1").await), Some("two"), "{taken}");
    }
}

/// A Redis whose memory is full, and which evicts nothing.
fn fill_memory(admin: &mut Connection) {
    run(admin, &["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    run(admin, &["CONFIG", "SET", "maxmemory", "1"]);
}

#[tokio::test]
async fn with_memory_full_cells_answer_nothing_says_stored_and_writes_still_invalidate() {
    let (redis, store) = (RedisServer::start(), FakeStore::new());
    let mut admin = admin(&redis);
    let options = options();
    let engine = engine_at(&redis_url(&redis), &store, options.clone());
    let other = engine_at(&redis_url(&redis), &store, options);
    put(&engine, "1", "one").await;
    put(&engine, "2", "two").await;
    fill_memory(&mut admin);
    assert_eq!(outcome(&other, "2").await, Outcome::Hit, "reads go on");
    assert_eq!(put(&engine, "1", "new").await.published, Published::Yes, "a removal needs no memory");
    let answer = get(&other, "1").await;
    assert_eq!((body(&answer), answer.outcome), (Some("new"), Outcome::Bypass));
    assert_eq!(outcome(&other, "2").await, Outcome::Hit, "the breaker stayed closed");
    assert_eq!(engine.health().await, Health::ReadOnly);
    assert!(engine.write_refusal().is_some_and(|cause| cause.contains("OOM")), "{:?}", engine.write_refusal());
    run(&mut admin, &["CONFIG", "SET", "maxmemory", "0"]);
    until("writes are accepted again", || async { engine.health().await == Health::Up }).await;
    assert_eq!(engine.write_refusal(), None);
    until("values are cached again", || async { outcome(&other, "1").await == Outcome::Hit }).await;
}

#[tokio::test]
async fn a_redis_that_refuses_every_write_is_known_to_and_deferred_publishes_arrive_when_it_takes_them() {
    let (redis, store) = (RedisServer::start(), FakeStore::new());
    let mut admin = admin(&redis);
    let options = options();
    let engine = engine_at(&redis_url(&redis), &store, options.clone());
    let other = engine_at(&redis_url(&redis), &store, options);
    put(&engine, "1", "one").await;
    // As with a replica that is away for good (Redis manual, "Allow writes only with N attached replicas").
    run(&mut admin, &["CONFIG", "SET", "min-replicas-to-write", "1"]);
    assert_eq!(put(&engine, "1", "new").await.published, Published::Deferred);
    assert_eq!(body(&get(&engine, "1").await), Some("new"), "the writer's own process knows");
    assert_eq!(engine.health().await, Health::ReadOnly);
    assert!(engine.write_refusal().is_some_and(|cause| cause.contains("NOREPLICAS")), "{:?}", engine.write_refusal());
    run(&mut admin, &["CONFIG", "SET", "min-replicas-to-write", "0"]);
    assert_eq!(engine.deliver_deferred(Duration::from_secs(60)).await, 0);
    assert_eq!(body(&get(&other, "1").await), Some("new"));
}

#[tokio::test]
async fn keys_of_another_type_or_layout_under_our_names_are_replaced_not_waited_for() {
    let (redis, store) = (RedisServer::start(), FakeStore::new());
    let mut admin = admin(&redis);
    let options = options();
    let prefix = options.prefix.clone();
    let engine = engine_at(&redis_url(&redis), &store, options);
    for (id, command, suffix) in [
        ("hash", &["HSET", "KEY", "name", "foreign"][..], ""),
        ("layout", &["SET", "KEY", "9V of a later release, longer than a header is"], ""),
        ("number", &["SET", "KEY", "12345"], ""),
        ("version", &["SET", "KEY", "1V99999999999999990173670000012300001234{}"], ""),
        ("empty", &["SET", "KEY", ""], ""),
        ("lease", &["RPUSH", "KEY", "foreign"], ":lease"),
    ] {
        let key = format!("{prefix}:{{{id}}}{suffix}");
        let words: Vec<&str> = command.iter().map(|word| if *word == "KEY" { key.as_str() } else { word }).collect();
        store.set(id, "value");
        run(&mut admin, &words);
        until("a read fills", || async { outcome(&engine, id).await == Outcome::Hit }).await;
        run(&mut admin, &["DEL", &key]);
        run(&mut admin, &words);
        assert_eq!(put(&engine, id, "new").await.published, Published::Yes, "{id}");
        assert_eq!(body(&get(&engine, id).await), Some("new"), "{id}");
    }
}

#[tokio::test]
async fn announcements_of_another_database_are_not_ours() {
    let (redis, store) = (RedisServer::start(), FakeStore::new());
    let mut admin = admin(&redis);
    let setup = Setup { l1: Some(Duration::from_secs(60)), ..options() };
    let prefix = setup.prefix.clone();
    let url = format!("redis://127.0.0.1:{}/3", redis.port()).parse().unwrap();
    let _engine = engine_at(&url, &store, setup);
    let channels = |admin: &mut Connection| -> Vec<String> {
        cmd("PUBSUB").arg("CHANNELS").arg(format!("{prefix}:*")).query(admin).unwrap()
    };
    until("it has subscribed", || {
        let subscribed = channels(&mut admin).len() == 2;
        async move { subscribed }
    })
    .await;
    assert!(channels(&mut admin).iter().all(|channel| channel.ends_with("@3")), "{:?}", channels(&mut admin));
}

/// What the server allows is tried before a store of 10,000 readers' places is full.
#[tokio::test]
async fn more_deferred_writes_than_there_are_places_invalidate_everything_instead_of_being_lost() {
    let (mut redis, store) = (RedisServer::start_with(&["--appendonly", "yes"]), FakeStore::new());
    let options = options().with(|options| {
        options.repair_max = 2;
        options.redis_timeout = Duration::from_millis(500);
        options.publish_timeout = Duration::from_millis(500);
    });
    let engine = engine_at(&redis_url(&redis), &store, options.clone());
    let other = engine_at(&redis_url(&redis), &store, options);
    let ids: Vec<String> = (0..10).map(|id| id.to_string()).collect();
    for id in &ids {
        put(&engine, id, "old").await;
    }
    redis.suspend();
    for id in &ids {
        assert_eq!(put(&engine, id, "new").await.published, Published::Deferred);
    }
    redis.resume();
    assert_eq!(engine.deliver_deferred(Duration::from_secs(60)).await, 0);
    for id in &ids {
        until("no process answers what was before", || async {
            other.read(id, ReadOptions::default()).await.is_ok_and(|answer| body(&answer) == Some("new"))
        })
        .await;
        assert_eq!(body(&get(&engine, id).await), Some("new"));
    }
    redis.stop();
}

/// A store with a name.
#[derive(Clone)]
pub(crate) struct Named(pub(crate) FakeStore, pub(crate) &'static str);

impl Source for Named {
    type Error = StoreDown;

    async fn load(&self, id: &str) -> Result<Loaded, StoreDown> {
        self.0.load(id).await
    }

    fn identity(&self) -> Option<String> {
        Some(self.1.to_owned())
    }

    /// One that lists its servers: `first, of a` and `first, of a b`.
    fn is_same_store(&self, identity: &str) -> bool {
        self.1.split(',').next() == identity.split(',').next()
    }
}

#[tokio::test]
async fn a_second_store_under_one_prefix_is_refused_while_the_first_is_followed_and_else_finds_no_cells_of_it() {
    let (redis, setup) = (RedisServer::start(), options());
    let builder = |store: &FakeStore, name| {
        let setup = setup.clone();
        CacheAside::builder(redis_url(&redis), Named(store.clone(), name)).prefix(setup.prefix).options(setup.options)
    };
    let (first, second) = (FakeStore::new(), FakeStore::new());
    first.set("1", "of the first");
    second.set("1", "of the second");
    let engine = builder(&first, "first").start().await.unwrap();
    assert_eq!(engine.read("1", ReadOptions::default()).await.unwrap().outcome, Outcome::Miss);
    assert_eq!(engine.read("1", ReadOptions::default()).await.unwrap().outcome, Outcome::Hit);
    drop(engine);
    let engine = builder(&second, "second").start().await.unwrap();
    assert_eq!(body(&engine.read("1", ReadOptions::default()).await.unwrap()), Some("of the second"));
    // What is loaded in the millisecond of the takeover is of before it.
    until("a cell is of after the takeover", || async {
        engine.read("1", ReadOptions::default()).await.is_ok_and(|answer| answer.outcome == Outcome::Hit)
    })
    .await;
    // As the leader of a change stream does.
    run(&mut admin(&redis), &["SET", &format!("{}:lead", setup.prefix), "somebody"]);
    let Err(refused) = builder(&first, "first").start().await else { panic!("the second store is followed") };
    let said = refused.to_string();
    assert!(said.contains("(second)") && said.contains(&setup.prefix) && said.contains("another prefix"), "{said}");
    let engine = builder(&second, "second, of two servers").start().await.expect("its own prefix");
    assert_eq!(engine.read("1", ReadOptions::default()).await.unwrap().outcome, Outcome::Hit, "nothing was given up");
    builder(&second, "second").start().await.expect("a process from before the second server came");
}
