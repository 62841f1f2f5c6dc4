//! For whoever runs the hub.

use bytes::Bytes;

use crate::harness::{World, eventually, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_says_without_a_token_that_it_lives_works_and_what_it_counts() {
    let world = World::new().await;
    world.fire("db-1").await;
    let open = |path| world.send(request("GET", path, Bytes::new(), None));
    assert_eq!(open("/healthz").await.text(), "ok\n");
    assert_eq!(open("/readyz").await.text(), "ready\n");
    let front = open("/").await;
    assert!(front.text().contains("Campanile") && front.text().contains("1.2.3-test"));
    assert!(
        front
            .header("content-security-policy")
            .contains("default-src 'none'")
    );
    let metrics = eventually("figures", || async {
        let text = open("/metrics").await.text();
        text.contains("campanile_live_alerts").then_some(text)
    })
    .await;
    assert!(metrics.contains("# HELP campanile_signals_total Signals by what became of them"));
    assert!(
        metrics.contains("campanile_signals_total{outcome=\"opened\"}"),
        "{metrics}"
    );
}
