//! Naming an alert and working on it.

use serde_json::{Value, json};

use super::campanile;
use super::hub::{Canned, FakeHub};
use super::reading::alert;

fn page(alerts: &[Value]) -> Canned {
    Canned::json(200, &json!({ "alerts": alerts, "next_cursor": null }))
}

#[tokio::test]
async fn the_end_of_an_id_is_enough_and_the_answer_says_how_it_is_now() {
    let open = [
        alert("aaaa1111", "critical", "open", "Disk full"),
        alert("bbbb2222", "info", "open", "x"),
    ];
    let mut acked = alert("aaaa1111", "critical", "acknowledged", "Disk full");
    acked["acked_until"] = json!("2026-11-20T14:00:00Z");
    let (hub, address) = FakeHub::start(vec![page(&open), Canned::json(200, &acked)]).await;
    let line = [
        "alerts", "ack", "aaaa1111", "--for", "120m", "--note", "looking",
    ];
    let out = campanile(&address, &line).await.unwrap();
    assert_eq!(
        out,
        "Acknowledged: Disk full\nIt is acknowledged now, and open again in 2h.\nWho was told, and why: campanile alerts explain aaaa1111\n"
    );
    let asked = hub.asked();
    assert_eq!(
        asked[1].line,
        "POST /api/v1/alerts/0193486c-1000-7000-8000-0000aaaa1111/acknowledge"
    );
    assert_eq!(
        asked[1].body,
        json!({ "by": "ann", "for": "2h", "note": "looking" })
    );
}

#[tokio::test]
async fn every_verb_has_its_path_and_its_body() {
    let id = "0193486c-1000-7000-8000-0000aaaa1111";
    for (words, verb, body) in [
        (vec!["unack"], "unacknowledge", json!({ "by": "ann" })),
        (
            vec!["close", "--by", "bob"],
            "close",
            json!({ "by": "bob" }),
        ),
        (vec!["reopen"], "reopen", json!({ "by": "ann" })),
        (
            vec!["shelve", "--for", "30m"],
            "shelve",
            json!({ "by": "ann", "for": "30m" }),
        ),
        (vec!["unshelve"], "unshelve", json!({ "by": "ann" })),
        (
            vec!["note", "--text", "hm"],
            "note",
            json!({ "by": "ann", "text": "hm" }),
        ),
        (
            vec!["assign", "--to", "bob"],
            "assign",
            json!({ "by": "ann", "to": "bob" }),
        ),
        (
            vec!["assign", "--to", ""],
            "assign",
            json!({ "by": "ann", "to": null }),
        ),
    ] {
        let answer = alert("aaaa1111", "critical", "open", "x");
        let (hub, address) = FakeHub::start(vec![Canned::json(200, &answer)]).await;
        let line: Vec<&str> = ["alerts"].into_iter().chain(words).chain([id]).collect();
        campanile(&address, &line).await.unwrap();
        let asked = hub.asked();
        assert_eq!(asked[0].line, format!("POST /api/v1/alerts/{id}/{verb}"));
        assert_eq!(asked[0].body, body, "{verb}");
    }
}

#[tokio::test]
async fn a_short_id_that_several_have_names_them() {
    let both = [
        alert("aaaa1111", "critical", "open", "one"),
        alert("bbbb1111", "info", "open", "two"),
    ];
    let (hub, address) = FakeHub::start(vec![page(&both)]).await;
    let error = campanile(&address, &["alerts", "close", "1111"])
        .await
        .unwrap_err();
    assert!(
        error.starts_with("`1111` is short for several alerts"),
        "{error}"
    );
    assert!(
        error.contains("0000aaaa1111  prometheus  one") && error.contains("0000bbbb1111"),
        "{error}"
    );
    assert_eq!(hub.asked().len(), 1, "nothing was closed");

    for bad in ["111", "xyz!", "disk full"] {
        let error = campanile(&address, &["alerts", "close", bad])
            .await
            .unwrap_err();
        assert!(error.contains("is no alert's id"), "{error}");
    }
}

#[tokio::test]
async fn a_short_id_is_looked_for_among_closed_alerts_last() {
    let closed = [alert("cccc3333", "info", "closed", "old")];
    let (hub, address) = FakeHub::start(vec![
        page(&[]),
        page(&closed),
        Canned::json(200, &closed[0]),
    ])
    .await;
    campanile(&address, &["alerts", "reopen", "0193-486C-1000"])
        .await
        .unwrap();
    assert_eq!(
        hub.lines()[2],
        "POST /api/v1/alerts/0193486c-1000-7000-8000-0000cccc3333/reopen"
    );

    let (_hub, address) = FakeHub::start(vec![page(&[]), page(&[])]).await;
    let error = campanile(&address, &["alerts", "reopen", "dddd"])
        .await
        .unwrap_err();
    assert!(
        error.starts_with("no alert's id begins or ends with `dddd`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_key_means_the_live_episode_or_else_the_newest() {
    let episodes = [
        alert("aaaa1111", "info", "closed", "x"),
        alert("bbbb2222", "info", "open", "x"),
    ];
    let (hub, address) =
        FakeHub::start(vec![page(&episodes), Canned::json(200, &episodes[1])]).await;
    campanile(&address, &["alerts", "close", "--key", "disk/db 1"])
        .await
        .unwrap();
    let lines = hub.lines();
    assert!(lines[0].contains("key=disk%2Fdb%201"), "{}", lines[0]);
    assert!(lines[1].contains("0000bbbb2222/close"), "{}", lines[1]);

    let closed = [
        alert("bbbb2222", "info", "closed", "x"),
        alert("aaaa1111", "info", "closed", "x"),
    ];
    let (hub, address) = FakeHub::start(vec![page(&closed), Canned::json(200, &closed[0])]).await;
    campanile(&address, &["alerts", "reopen", "--key", "k"])
        .await
        .unwrap();
    assert!(hub.lines()[1].contains("0000bbbb2222/reopen"));

    let (_hub, address) = FakeHub::start(vec![page(&[])]).await;
    let error = campanile(&address, &["alerts", "reopen", "--key", "k"])
        .await
        .unwrap_err();
    assert!(error.starts_with("no alert has the key `k`"), "{error}");
}
