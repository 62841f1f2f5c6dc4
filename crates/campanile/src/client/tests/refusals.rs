//! What is said when it does not work.

use serde_json::json;

use super::campanile;
use super::hub::{Canned, FakeHub};

#[tokio::test]
async fn a_refusal_is_title_detail_and_what_to_do() {
    let problem = json!({ "type": "about:blank", "title": "Not signed in", "status": 401, "detail": "The token is unknown." });
    let canned = Canned {
        status: 401,
        content_type: "application/problem+json",
        body: problem.to_string(),
    };
    let (_hub, address) = FakeHub::start(vec![canned]).await;
    let error = campanile(&address, &["alerts", "list", "--token", "wrong-token"])
        .await
        .unwrap_err();
    assert_eq!(
        error,
        "Not signed in (status 401)\nThe token is unknown.\nGive the hub's token: --token-file FILE, --token, or --data-dir with the hub's data folder (it is in `admin-token` there)."
    );
    let (_hub, address) = FakeHub::start(vec![Canned {
        status: 503,
        content_type: "text/plain",
        body: "x".into(),
    }])
    .await;
    let error = campanile(&address, &["alerts", "list"]).await.unwrap_err();
    assert_eq!(
        error,
        "Service Unavailable (status 503)\nThe hub is busy; try again in a moment."
    );
}

#[tokio::test]
async fn where_no_hub_answers_it_says_how_to_start_one() {
    // A port that was free a moment ago.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = campanile(&address, &["alerts", "list"]).await.unwrap_err();
    assert!(
        error.starts_with(&format!("no hub answers at {address} (")),
        "{error}"
    );
    assert!(
        error.contains("campanile serve --config FILE") && error.contains("--hub"),
        "{error}"
    );
    assert!(error.to_lowercase().contains("refused"), "{error}");
}

#[tokio::test]
async fn what_is_no_hub_and_no_address_is_said() {
    let (_hub, address) = FakeHub::start(vec![Canned {
        status: 200,
        content_type: "text/html",
        body: "<p>".into(),
    }])
    .await;
    let error = campanile(&address, &["alerts", "list"]).await.unwrap_err();
    assert!(
        error.contains("is not a hub's API (its answer is not JSON)"),
        "{error}"
    );
    for (bad, expected) in [
        ("localhost:8080", "does not begin with http"),
        ("", "it is not a URL"),
        ("ftp://x", "does not begin with http"),
        ("http://user:pa55@h", "leave user, password"),
    ] {
        let error = campanile(bad, &["alerts", "list"]).await.unwrap_err();
        assert!(
            error.contains(expected) && !error.contains("pa55"),
            "{bad}: {error}"
        );
    }
}

#[tokio::test]
async fn a_token_file_is_read_and_its_problems_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("admin-token");
    std::fs::write(&file, "from-the-file\n").unwrap();
    let empty = json!({ "alerts": [], "next_cursor": null });
    let (hub, address) =
        FakeHub::start(vec![Canned::json(200, &empty), Canned::json(200, &empty)]).await;
    let data_dir = folder.path().to_str().unwrap();
    campanile(&address, &["alerts", "list", "--data-dir", data_dir])
        .await
        .unwrap();
    assert_eq!(
        hub.asked()[0].token.as_deref(),
        Some("Bearer from-the-file")
    );
    // A default that is not there is no token; one that was asked for is a problem.
    campanile(&address, &["alerts", "list", "--data-dir", "/nowhere"])
        .await
        .unwrap();
    assert_eq!(hub.asked()[1].token, None);
    let error = campanile(&address, &["alerts", "list", "--token-file", "/nowhere/t"])
        .await
        .unwrap_err();
    assert!(
        error.starts_with("the token file /nowhere/t cannot be read"),
        "{error}"
    );
    let error = campanile(&address, &["alerts", "list", "--token", "a\nb"])
        .await
        .unwrap_err();
    assert_eq!(error, "the token has characters that no header may have");
}
