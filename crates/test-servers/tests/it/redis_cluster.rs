use test_servers::{RedisCluster, Reply};

#[test]
fn slots_move_with_what_is_in_them_and_a_replica_takes_the_place_of_its_primary() {
    let mut cluster = RedisCluster::start(3, 1);
    let slot = cluster.slot("{1}");
    let owner = cluster.owner(0, slot).unwrap();
    let (next, other) = ((owner + 1) % 3, (owner + 2) % 3);
    assert_eq!(cluster.ask(owner, &["SET", "{1}", "one"]).text(), "OK");
    assert!(cluster.ask(next, &["GET", "{1}"]).text().starts_with("MOVED"));

    cluster.move_slots(owner, next, [slot]);
    assert_eq!(cluster.owner(owner, slot), Some(next));
    assert_eq!(cluster.ask(next, &["GET", "{1}"]).text(), "one");
    // `WAIT` says nothing of what another connection wrote.
    cluster.wait_until("the replica has it", |cluster| cluster.ask(3 + next, &["DBSIZE"]) == Reply::Int(1));

    cluster.node_mut(next).stop();
    cluster.wait_until("the replica is promoted", |cluster| cluster.owner(other, slot) == Some(3 + next));
    assert_eq!(cluster.ask(3 + next, &["GET", "{1}"]).text(), "one");
}
