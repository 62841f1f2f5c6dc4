//! `send`.

use serde_json::{Value, json};

use super::campanile;
use super::hub::{Canned, FakeHub};

const KEY: &str = "key-0123456789abcdef";

#[tokio::test]
async fn a_signal_goes_to_its_sources_address() {
    let reply = json!({ "accepted": 1, "results": [{ "index": 0, "outcome": "opened", "alert": "0193486c", "reason": null }], "errors": [] });
    let (hub, address) =
        FakeHub::start(vec![Canned::json(200, &reply), Canned::json(200, &reply)]).await;
    let line = [
        "send",
        "--key",
        KEY,
        "--event",
        "disk_full",
        "--resource",
        "db-1",
        "--severity",
        "critical",
        "--label",
        "env=prod",
        "--value",
        "-95",
    ];
    let out = campanile(&address, &line).await.unwrap();
    assert_eq!(
        out,
        "Sent, and on the hub's disk: it opened an alert.\nSee it: campanile alerts show 0193486c\n"
    );
    let asked = &hub.asked()[0];
    assert_eq!(asked.line, format!("POST /s/{}", KEY.replace('-', "%2D")));
    assert_eq!(asked.token, None);
    assert_eq!(
        asked.body,
        json!({ "key": "disk_full/db-1", "status": "firing", "event": "disk_full", "resource": "db-1",
            "title": "disk_full on db-1", "severity": "critical", "value": "-95", "labels": { "env": "prod" } })
    );
    let url = format!("{address}/hub/s/{KEY}");
    let line = [
        "send",
        "--url",
        &url,
        "--event",
        "e",
        "--title",
        "T",
        "--alert-key",
        "k",
        "--resolve",
        "--json",
    ];
    let out: Value =
        serde_json::from_str(&campanile("http://127.0.0.1:1", &line).await.unwrap()).unwrap();
    assert_eq!(
        (&out["status"], &out["reply"]["accepted"]),
        (&json!(200), &json!(1))
    );
    let asked = &hub.asked()[1];
    assert_eq!(asked.line, format!("POST /hub/s/{KEY}"));
    assert_eq!(
        asked.body,
        json!({ "key": "k", "status": "resolved", "event": "e", "resource": "", "title": "T" })
    );
}

#[tokio::test]
async fn what_the_hub_made_of_it_is_said() {
    for (result, expected) in [
        (
            json!({ "outcome": "changed", "alert": "a1" }),
            "it changed the alert.\nSee it: campanile alerts show a1\n",
        ),
        (
            json!({ "outcome": "repeated", "alert": "a1" }),
            "it repeats what is known.\nSee it: campanile alerts show a1\n",
        ),
        (
            json!({ "outcome": "ignored", "reason": "nothing is open" }),
            "it changes nothing: nothing is open.\nSee what there is: campanile alerts list --all --key 'it'\\''s'\n",
        ),
        (
            json!({}),
            "the hub has taken it.\nSee what there is: campanile alerts list --all --key 'it'\\''s'\n",
        ),
    ] {
        let (_hub, address) =
            FakeHub::start(vec![Canned::json(200, &json!({ "results": [result] }))]).await;
        let out = campanile(&address, &["send", "--key", KEY, "--event", "it's"])
            .await
            .unwrap();
        assert_eq!(out, format!("Sent, and on the hub's disk: {expected}"));
    }
}

#[tokio::test]
async fn i9_a_refused_signal_says_why_without_the_key() {
    for (status, body, expected) in [
        (
            401,
            json!({ "error": "unknown key" }),
            "No source has this key",
        ),
        (
            400,
            json!({ "accepted": 0, "errors": [{ "index": 0, "problem": "`labels` is no object" }] }),
            "`labels` is no object",
        ),
        (503, json!({}), "try again"),
    ] {
        let (_hub, address) = FakeHub::start(vec![Canned::json(status, &body)]).await;
        let error = campanile(&address, &["send", "--key", KEY, "--event", "e"])
            .await
            .unwrap_err();
        assert!(error.contains(expected) && !error.contains(KEY), "{error}");
    }
    let line = [
        "send",
        "--url",
        "http://127.0.0.1:1/s/key-0123456789abcdef",
        "--event",
        "e",
    ];
    let error = campanile("", &line).await.unwrap_err();
    assert!(
        error.starts_with("no hub answers at http://127.0.0.1:1 ") && !error.contains(KEY),
        "{error}"
    );
    let error = campanile(
        "",
        &["send", "--url", "key-0123456789abcdef", "--event", "e"],
    )
    .await
    .unwrap_err();
    assert!(
        error.contains("it is not a URL") && !error.contains(KEY),
        "{error}"
    );
}
