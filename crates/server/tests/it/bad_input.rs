//! What senders and clients get wrong: exact answers, and silence in the log.

use bytes::Bytes;
use model::limits::BODY_BYTES_MAX;
use serde_json::{Value, json};

use crate::harness::{ERRORS, GENERIC_KEY, PROM_KEY, TOKEN, World, request};

const PROM: &str = "/alertmanager/api/v2/alerts";
const AM_JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

struct Case {
    what: &'static str,
    method: &'static str,
    path: String,
    token: Option<&'static str>,
    body: Bytes,
    status: u16,
    content_type: &'static str,
    /// What the answer says.
    says: &'static str,
}

fn case(
    what: &'static str,
    (method, path): (&'static str, &str),
    token: Option<&'static str>,
    body: impl Into<Bytes>,
    (status, content_type, says): (u16, &'static str, &'static str),
) -> Case {
    Case {
        what,
        method,
        path: path.to_owned(),
        token,
        body: body.into(),
        status,
        content_type,
        says,
    }
}

// As a table: one case a line.
#[rustfmt::skip]
fn cases(id: &str) -> Vec<Case> {
    let labels: serde_json::Map<String, Value> =
        (0..5000).map(|n| (format!("l{n}"), json!("v"))).collect();
    let many_labels = json!([{ "labels": labels }]).to_string();
    let too_large = vec![b' '; BODY_BYTES_MAX + 1];
    let alert = format!("/api/v1/alerts/{id}");
    let close = format!("{alert}/close");
    let prom = Some(PROM_KEY);
    let admin = Some(TOKEN);
    let unknown_id = "/api/v1/alerts/00000000-0000-7000-8000-000000000000";
    vec![
        case("a body over the limit", ("POST", PROM), prom, too_large.clone(), (413, AM_JSON, "10485760 bytes")),
        case("the same by URL", ("POST", &format!("/s/{PROM_KEY}/api/v2/alerts")), None, too_large, (413, AM_JSON, "smaller")),
        case("5,000 labels", ("POST", PROM), prom, many_labels, (400, AM_JSON, "labels")),
        case("JSON that breaks off", ("POST", PROM), prom, "[{\"labels\":", (400, AM_JSON, "line 1 column 11")),
        case("invalid UTF-8", ("POST", PROM), prom, &b"[{\"labels\":{\"a\":\"\xff\"}}]"[..], (400, AM_JSON, "not UTF-8")),
        case("JSON of another shape", ("POST", "/in/generic"), Some(GENERIC_KEY), "42", (400, AM_JSON, "not a JSON object")),
        case("nothing", ("POST", "/in/generic"), Some(GENERIC_KEY), "", (400, AM_JSON, "JSON")),
        case("a wrong key at a dialect's address", ("POST", PROM), Some("nope"), "[]", (401, AM_JSON, "unknown or missing key")),
        case("no key at a dialect's address", ("POST", PROM), None, "[]", (401, AM_JSON, "unknown or missing key")),
        case("a wrong key in the URL", ("POST", "/s/nope/api/v2/alerts"), None, "[]", (404, PROBLEM, "no source has this key")),
        case("a key in the URL that is no text", ("POST", "/s/%ff/api/v2/alerts"), None, "[]", (404, PROBLEM, "no source has this key")),
        case("the admin token as key", ("POST", PROM), admin, "[]", (401, AM_JSON, "key")),
        case("a key of another dialect", ("POST", "/in/generic"), prom, "{}", (403, PROBLEM, "speaks alertmanager")),
        case("an unknown dialect", ("POST", "/in/morse"), prom, "{}", (404, PROBLEM, "alertmanager, alertmanager_webhook, generic")),
        case("an unknown path of a dialect", ("POST", "/alertmanager/api/v2/nope"), prom, "[]", (404, AM_JSON, "was not found")),
        case("a wrong method of a dialect", ("DELETE", PROM), prom, "", (405, AM_JSON, "DELETE")),
        case("an unknown path", ("GET", "/nope"), None, "", (404, PROBLEM, "/api/v1")),
        case("an unknown path of the API", ("GET", "/api/v1/nope"), admin, "", (404, PROBLEM, "/api/v1")),
        case("a wrong method of the API", ("DELETE", "/api/v1/alerts"), admin, "", (405, PROBLEM, "Allow")),
        case("no token", ("GET", "/api/v1/alerts"), None, "", (401, PROBLEM, "Bearer")),
        case("a wrong token", ("GET", "/api/v1/alerts"), Some("nope"), "", (401, PROBLEM, "not the admin token")),
        case("a sender's key as token", ("GET", "/api/v1/alerts"), prom, "", (401, PROBLEM, "not the admin token")),
        case("an unknown parameter", ("GET", "/api/v1/alerts?stauts=open"), admin, "", (400, PROBLEM, "`stauts`, expected one of `status`, `severity`")),
        case("a parameter twice", ("GET", "/api/v1/alerts?key=a&key=b"), admin, "", (400, PROBLEM, "duplicate field `key`")),
        case("an unknown status", ("GET", "/api/v1/alerts?status=opne"), admin, "", (400, PROBLEM, "\"opne\" is none of tracking, open")),
        case("an unknown severity", ("GET", "/api/v1/alerts?severity=bad"), admin, "", (400, PROBLEM, "`severity`: not a severity")),
        case("an unknown project", ("GET", "/api/v1/alerts?project=x"), admin, "", (400, PROBLEM, "there are: shop")),
        case("an unknown source", ("GET", "/api/v1/alerts?source=x"), admin, "", (400, PROBLEM, "prometheus, tools")),
        case("a limit of nothing", ("GET", "/api/v1/alerts?limit=0"), admin, "", (400, PROBLEM, "1 to 1000")),
        case("a limit over the limit", ("GET", "/api/v1/alerts?limit=1001"), admin, "", (400, PROBLEM, "1 to 1000")),
        case("a limit that is no number", ("GET", "/api/v1/alerts?limit=x"), admin, "", (400, PROBLEM, "limit")),
        case("a made-up cursor", ("GET", "/api/v1/alerts?cursor=MTIz"), admin, "", (400, PROBLEM, "next_cursor")),
        case("an unknown outcome", ("GET", "/api/v1/attempts?outcome=x"), admin, "", (400, PROBLEM, "delivered")),
        case("an unknown integration", ("GET", "/api/v1/attempts?integration=x"), admin, "", (400, PROBLEM, "hook")),
        case("a time that is none", ("GET", "/api/v1/attempts?since=noon"), admin, "", (400, PROBLEM, "RFC 3339")),
        case("an id that is none", ("GET", "/api/v1/alerts/x"), admin, "", (404, PROBLEM, "no alert")),
        case("an unknown id", ("GET", unknown_id), admin, "", (404, PROBLEM, "no alert")),
        case("an unknown id's events", ("GET", &format!("{unknown_id}/events")), admin, "", (404, PROBLEM, "no alert")),
        case("an unknown id's story", ("GET", &format!("{unknown_id}/explain")), admin, "", (404, PROBLEM, "no alert")),
        case("an action on an unknown id", ("POST", &format!("{unknown_id}/close")), admin, "{}", (404, PROBLEM, "no alert")),
        case("an unknown action", ("POST", &format!("{alert}/explode")), admin, "{}", (404, PROBLEM, "acknowledge")),
        case("an action by GET", ("GET", &close), admin, "", (405, PROBLEM, "Allow")),
        case("an action with broken JSON", ("POST", &close), admin, "{\n \"by\": ann}", (400, PROBLEM, "line 2 column 8")),
        case("an action with invalid UTF-8", ("POST", &close), admin, &b"{\"by\":\"\xff\"}"[..], (400, PROBLEM, "line 1 column")),
        case("an action with an unknown field", ("POST", &close), admin, "{\"bye\":\"ann\"}", (400, PROBLEM, "unknown field `bye`")),
        case("an action with a field of another", ("POST", &close), admin, "{\"for\":\"1h\"}", (400, PROBLEM, "means nothing to `close`")),
        case("an action with a large body", ("POST", &close), admin, vec![b' '; 600_000], (413, PROBLEM, "524288")),
        case("a stream from nowhere", ("GET", "/api/v1/stream?project=x"), admin, "", (400, PROBLEM, "there are: shop")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn i10_bad_input_is_refused_with_its_reason_and_is_no_error_of_ours() {
    let world = World::new().await;
    let id = world.fire("db-1").await;
    let mut failed = Vec::new();
    for case in cases(&id) {
        let sent = request(case.method, &case.path, case.body, case.token);
        let answer = world.send(sent).await;
        let content_type = answer.header("content-type");
        if answer.status != case.status
            || content_type != case.content_type
            || !answer.text().contains(&case.says.replace('"', "\\\""))
        {
            failed.push(format!(
                "{}: {} {content_type} {}",
                case.what,
                answer.status,
                answer.text()
            ));
        }
        if case.content_type == PROBLEM {
            answer.problem(case.status);
            assert_eq!(answer.header("cache-control"), "no-store", "{}", case.what);
        }
        for secret in [TOKEN, PROM_KEY, GENERIC_KEY] {
            assert!(!answer.text().contains(secret), "{}", case.what);
        }
        match answer.status {
            401 => assert!(
                !answer.header("www-authenticate").is_empty(),
                "{}",
                case.what
            ),
            405 => assert!(!answer.header("allow").is_empty(), "{}", case.what),
            _ => {}
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let alert = world.read(&format!("/api/v1/alerts/{id}")).await;
    assert_eq!(alert["status"], "open", "nothing was done");
    assert_eq!(*ERRORS.lock(), Vec::<String>::new(), "at error level");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_a_foreign_page_cannot_act() {
    let world = World::new().await;
    let id = world.fire("db-1").await;
    let mut sent = request(
        "POST",
        &format!("/api/v1/alerts/{id}/close"),
        "{}",
        Some(TOKEN),
    );
    sent.headers_mut()
        .insert("content-type", "text/plain".parse().unwrap());
    assert!(
        world
            .send(sent)
            .await
            .problem(415)
            .contains("application/json")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_alert_of_a_batch_does_not_spoil_the_others() {
    let world = World::new().await;
    let batch = json!([{ "labels": { "alertname": "Good" } }, { "labels": {} }]);
    let answer = world
        .send(request("POST", PROM, batch.to_string(), Some(PROM_KEY)))
        .await;
    assert_eq!(answer.status, 400);
    assert!(answer.json().is_string());
    let page = world.read("/api/v1/alerts?source=prometheus").await;
    assert_eq!(page["alerts"][0]["labels"]["alertname"], "Good");
}
