//! Nothing goes wrong, and all nodes are busy with the same keys.

use pgtest::Server;

use crate::check::{self, Expected};
use crate::cluster::Cluster;
use crate::load::Load;
use crate::{full, none};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_i4_three_nodes_and_twelve_senders_lose_nothing_and_say_nothing_twice() {
    let mut cluster = Cluster::start(Server::shared(), 3).await;
    let signals = if full() { 100_000 } else { 6_000 };
    let load = Load::start(&cluster.addresses, signals, 0);
    let truth = load.done().await;
    assert!(truth.accepted >= signals, "{}", truth.accepted);
    let problems = check::all("steady", &mut cluster, &truth, Expected::NothingTwice).await;
    // Of all databases of this server, so at least those of this test.
    let deadlocks = Server::shared().log().matches("deadlock detected").count();
    println!("steady: deadlocks in the server's log: {deadlocks}");
    none(&problems);
}
