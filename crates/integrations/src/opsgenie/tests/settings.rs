//! Settings, probe, pace.

use super::*;

#[test]
fn m17_the_region_chooses_the_host_and_base_url_wins() {
    let url = |more: Value| {
        let mut settings = settings(json!({}));
        settings.remove("base_url");
        settings.extend(more.as_object().cloned().unwrap());
        let sink = OPSGENIE.build(&settings).unwrap();
        let saying = Saying::of(samples::alert(Status::Open));
        (request(&*sink, &saying.task(Verb::Open)).url, sink.target())
    };
    for (more, host) in [
        (json!({}), "api.opsgenie.com"),
        (json!({ "region": "us" }), "api.opsgenie.com"),
        (json!({ "region": "eu" }), "api.eu.opsgenie.com"),
        (json!({ "region": "sandbox" }), "api.sandbox.opsgenie.com"),
    ] {
        assert_eq!(
            url(more),
            (format!("https://{host}/v2/alerts"), host.to_owned())
        );
    }
    let bridge = url(json!({ "region": "eu", "base_url": "http://bridge.example:8080/og/" }));
    assert_eq!(bridge.0, "http://bridge.example:8080/og/v2/alerts");
}

#[test]
fn settings_are_checked_each_with_its_field() {
    let many: Vec<String> = (0..51).map(|i| format!("t{i}")).collect();
    let table = [
        (json!({ "api_key": "GenieKey abc" }), "api_key"),
        (json!({ "api_key": "" }), "api_key"),
        (json!({ "region": "mars" }), "region"),
        (json!({ "preset": "other" }), "preset"),
        (json!({ "base_url": "api.opsgenie.com" }), "base_url"),
        (json!({ "priorities": { "critical": "P0" } }), "priorities"),
        (json!({ "priorities": { "fatal": "P1" } }), "priorities"),
        (json!({ "teams": many }), "teams"),
        (json!({ "teams": [" "] }), "teams"),
        (json!({ "visible_to_teams": many }), "visible_to_teams"),
        (json!({ "actions": vec!["a"; 11] }), "actions"),
        (json!({ "actions": ["a".repeat(51)] }), "actions"),
        (json!({ "tags": vec!["a"; 21] }), "tags"),
        (json!({ "tags": ["a".repeat(51)] }), "tags"),
        (json!({ "source": "" }), "source"),
        (json!({ "user": "u".repeat(101) }), "user"),
        (json!({ "per_second": 0 }), "per_second"),
    ];
    for (more, field) in table {
        let errors = OPSGENIE
            .build(&settings(more.clone()))
            .err()
            .unwrap_or_default();
        assert!(
            errors.iter().any(|e| e.field == field),
            "{more}: {errors:?}"
        );
        assert!(!format!("{errors:?}").contains("GenieKey abc"));
    }
    // All at once.
    let errors = OPSGENIE
        .build(&settings(json!({ "tags": [""], "per_second": 0 })))
        .err()
        .unwrap();
    assert_eq!(errors.len(), 2);
}

#[test]
fn a_probe_counts_alerts_and_tells_a_bad_key_from_one_that_may_not_read() {
    let sink = opsgenie();
    let Some(Next::Request { request, .. }) = sink.probe(step(None)) else {
        panic!("no request")
    };
    assert_eq!(
        (request.method, request.url),
        (Method::GET, format!("{ALERTS}/count"))
    );
    let judged = |reply: Reply| match sink.probe(step(Some(&reply))) {
        Some(Next::Finish(finish)) => finish.outcome,
        _ => panic!("no verdict"),
    };
    assert_eq!(
        judged(reply(200, r#"{"data":{"count":0}}"#)),
        Outcome::Delivered
    );
    assert_eq!(judged(reply(401, "{}")), Outcome::CredentialBad);
    assert_eq!(judged(reply(403, "{}")), Outcome::Accepted);
    assert_eq!(judged(reply(404, "{}")), Outcome::TargetGone);
    assert_eq!(judged(broken(Sent::Never)), Outcome::Retry);
}

#[test]
fn the_pace_is_the_keys() {
    let saying = Saying::of(samples::alert(Status::Open));
    let task = saying.task(Verb::Open);
    let own = with(json!({ "per_second": 2 })).paces(&task);
    let usual = opsgenie().paces(&task);
    assert_eq!((usual[0].every, usual[0].burst), (DurationMs(100), 50));
    assert_eq!((own[0].every, own[0].burst), (DurationMs(500), 10));
    assert_eq!(own[0].bucket, usual[0].bucket);
    let other = with(json!({ "api_key": "another-key" })).paces(&task);
    assert_ne!(other[0].bucket, usual[0].bucket);
}
