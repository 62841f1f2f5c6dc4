//! Making silences, looking at them and ending them.

use serde_json::{Value, json};

use super::campanile;
use super::hub::{Canned, FakeHub};
use super::reading::alert;

fn silence(end: &str, state: &str, comment: &str) -> Value {
    json!({
        "id": format!("0193486c-2000-7000-8000-0000{end}"), "project": "shop", "state": state,
        "holds": state == "active", "matchers": ["env=\"prod\"", "service=~\"web.*\""],
        "starts_at": "2026-11-20T11:00:00.000Z", "ends_at": "2026-11-20T14:00:00.000Z", "windows": [],
        "created_by": "ann", "comment": comment, "updated_at": "2026-11-20T11:00:00.000Z",
    })
}

fn preview(holds: bool, alerts: &[Value], count: usize, windows: Value) -> Canned {
    Canned::json(
        200,
        &json!({ "holds": holds, "count": count, "complete": true, "alerts": alerts, "next_windows": windows }),
    )
}

fn page(silences: &[Value]) -> Canned {
    Canned::json(200, &json!({ "silences": silences, "next_cursor": null }))
}

#[tokio::test]
async fn a_silence_is_made_and_says_what_it_holds_and_how_to_end_it() {
    let held = [
        alert("aaaa1111", "critical", "open", "Disk full"),
        alert("bbbb2222", "info", "acknowledged", "Slow"),
    ];
    let (hub, address) = FakeHub::start(vec![
        preview(true, &held, 12, json!([])),
        Canned::json(200, &silence("cccc3333", "active", "deploy")),
    ])
    .await;
    let line = [
        "silences",
        "add",
        "-m",
        "env=\"prod\"",
        "-m",
        "service=~\"web.*\"",
        "--for",
        "120m",
        "--comment",
        "deploy",
        "--project",
        "shop",
    ];
    let out = campanile(&address, &line).await.unwrap();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "Silenced until 2026-11-20T14:00:00.000Z (in 2h): env=\"prod\", service=~\"web.*\"",
            "It holds 12 alerts that are not closed now.",
        ]
    );
    assert!(lines[3].starts_with("aaaa1111  critical  open"), "{out}");
    assert!(lines[4].contains("Slow"), "{out}");
    assert_eq!(
        lines[5..],
        ["and 10 more", "End it: campanile silences expire cccc3333"]
    );
    let asked = hub.asked();
    assert_eq!(asked[0].line, "POST /api/v1/silences/preview");
    assert_eq!(asked[1].line, "POST /api/v1/silences");
    let mut body = json!({
        "matchers": ["env=\"prod\"", "service=~\"web.*\""], "lasting": "2h", "project": "shop",
    });
    assert_eq!(asked[0].body, body);
    body["created_by"] = json!("ann");
    body["comment"] = json!("deploy");
    assert_eq!(asked[1].body, body);
}

#[tokio::test]
async fn a_window_over_midnight_is_asked_for_as_two_intervals() {
    let mut made = silence("cccc3333", "active", "nights");
    made["ends_at"] = json!(null);
    made["holds"] = json!(false);
    let windows =
        json!([{ "starts_at": "2026-11-20T21:00:00.000Z", "ends_at": "2026-11-21T05:00:00.000Z" }]);
    let (hub, address) = FakeHub::start(vec![
        preview(false, &[], 0, windows),
        Canned::json(200, &made),
    ])
    .await;
    let line = [
        "silences",
        "add",
        "-m",
        "env=prod",
        "--weekly",
        "mon-fri 22:00-06:00 Europe/Berlin",
        "--weekly",
        "sun 10:00-11:00",
        "--comment",
        "nights",
        "--by",
        "bob",
    ];
    let out = campanile(&address, &line).await.unwrap();
    assert_eq!(
        out,
        "Silenced until it is ended: env=\"prod\", service=~\"web.*\"\n\
         This is not its time. It matches no alert that is open now.\n\
         Windows:\n  2026-11-20T21:00:00.000Z to 2026-11-21T05:00:00.000Z (in 9h)\n\
         End it: campanile silences expire cccc3333\n"
    );
    assert_eq!(
        hub.asked()[1].body,
        json!({
            "matchers": ["env=prod"],
            "windows": [
                { "times": [{ "start_time": "22:00", "end_time": "24:00" }], "weekdays": ["monday:friday"],
                  "location": "Europe/Berlin" },
                { "times": [{ "start_time": "00:00", "end_time": "06:00" }], "weekdays": ["tuesday:saturday"],
                  "location": "Europe/Berlin" },
                { "times": [{ "start_time": "10:00", "end_time": "11:00" }], "weekdays": ["sunday"] },
            ],
            "created_by": "bob",
            "comment": "nights",
        })
    );
}

#[tokio::test]
async fn what_the_hub_refuses_is_not_made() {
    let problem = json!({ "title": "Bad Request", "status": 400, "detail": "`matchers`, \"env\": at character 4" });
    let (hub, address) = FakeHub::start(vec![Canned::json(400, &problem)]).await;
    let line = [
        "silences",
        "add",
        "-m",
        "env",
        "--for",
        "1h",
        "--comment",
        "x",
    ];
    let error = campanile(&address, &line).await.unwrap_err();
    assert!(error.contains("at character 4"), "{error}");
    assert_eq!(hub.lines(), ["POST /api/v1/silences/preview"]);
}

#[tokio::test]
async fn a_preview_makes_nothing() {
    let held = [alert("aaaa1111", "critical", "open", "Disk full")];
    let (hub, address) = FakeHub::start(vec![preview(true, &held, 1, json!([]))]).await;
    let line = [
        "silences",
        "preview",
        "-m",
        "env=prod",
        "--from",
        "2026-11-20T13:00:00+01:00",
        "--until",
        "2026-11-20T18:00:00Z",
        "--comment",
        "x",
    ];
    let out = campanile(&address, &line).await.unwrap();
    assert!(
        out.starts_with("It would hold 1 alert that is not closed now.\n"),
        "{out}"
    );
    assert!(
        out.ends_with("Nothing was made: `silences add` makes it.\n"),
        "{out}"
    );
    let asked = hub.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].body,
        json!({ "matchers": ["env=prod"], "starts_at": "2026-11-20T12:00:00.000Z",
            "ends_at": "2026-11-20T18:00:00.000Z", "comment": "x" })
    );
}

#[tokio::test]
async fn the_listing_says_when_each_ends_and_who_made_it() {
    let mut waiting = silence("aaaa1111", "active", "every night");
    waiting["holds"] = json!(false);
    waiting["ends_at"] = json!(null);
    let mut pending = silence("bbbb2222", "pending", "soon");
    pending["starts_at"] = json!("2026-11-20T13:00:00Z");
    let first = json!({ "silences": [waiting, pending], "next_cursor": "c 1" });
    let (hub, address) = FakeHub::start(vec![
        Canned::json(200, &first),
        page(&[silence("cccc3333", "active", "\u{1b}[2Jdeploy")]),
    ])
    .await;
    let out = campanile(&address, &["silences", "list", "--project", "shop"])
        .await
        .unwrap();
    let lines: Vec<&str> = out.lines().collect();
    for (line, words) in lines[1..].iter().zip([
        ["aaaa1111", "waiting", "until it is ended", "every night"],
        ["bbbb2222", "pending", "begins in 1h", "soon"],
        ["cccc3333", "active", "ends in 2h", "[2Jdeploy"],
    ]) {
        assert!(words.iter().all(|word| line.contains(word)), "{out}");
        assert!(line.contains(" ann ") && !line.contains('\u{1b}'), "{out}");
    }
    assert!(
        out.ends_with("3 silences. End one: campanile silences expire aaaa1111\n"),
        "{out}"
    );
    assert_eq!(
        hub.lines(),
        [
            "GET /api/v1/silences?state=pending,active&limit=500&project=shop",
            "GET /api/v1/silences?state=pending,active&limit=500&project=shop&cursor=c%201",
        ]
    );

    let (hub, address) = FakeHub::start(vec![page(&[])]).await;
    let out = campanile(&address, &["silences", "list", "--all"])
        .await
        .unwrap();
    assert_eq!(out, "No such silences.\n");
    assert!(hub.lines()[0].contains("state=pending,active,expired"));

    let (_hub, address) = FakeHub::start(vec![page(&[silence("cccc3333", "active", "x")])]).await;
    let out = campanile(&address, &["silences", "list", "--json"])
        .await
        .unwrap();
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["silences"][0]["comment"], "x");
}

#[tokio::test]
async fn several_are_ended_by_the_ends_of_their_ids() {
    let live = [
        silence("aaaa1111", "active", "one"),
        silence("bbbb2222", "pending", "two"),
    ];
    let mut ended = silence("aaaa1111", "expired", "one");
    ended["ends_at"] = json!("2026-11-20T12:00:00Z");
    let (hub, address) = FakeHub::start(vec![
        page(&live),
        page(&live),
        Canned::json(200, &ended),
        Canned::json(200, &ended),
    ])
    .await;
    let out = campanile(&address, &["silences", "expire", "aaaa1111", "2222"])
        .await
        .unwrap();
    assert_eq!(out.matches("Ended: env=\"prod\"").count(), 2, "{out}");
    assert_eq!(
        hub.lines()[2..],
        [
            "DELETE /api/v1/silences/0193486c-2000-7000-8000-0000aaaa1111",
            "DELETE /api/v1/silences/0193486c-2000-7000-8000-0000bbbb2222",
        ]
    );
}

#[tokio::test]
async fn an_id_that_is_not_clear_ends_nothing() {
    let both = [
        silence("aaaa1111", "active", "one"),
        silence("bbbb1111", "active", "two"),
    ];
    let (hub, address) = FakeHub::start(vec![page(&both), page(&both)]).await;
    let error = campanile(&address, &["silences", "expire", "aaaa1111", "1111"])
        .await
        .unwrap_err();
    assert!(
        error.starts_with("`1111` is short for several silences"),
        "{error}"
    );
    assert!(
        error.contains("0000aaaa1111  one") && error.contains("0000bbbb1111"),
        "{error}"
    );
    assert!(hub.lines().iter().all(|line| line.starts_with("GET")));

    for bad in ["111", "deploy"] {
        let error = campanile(&address, &["silences", "expire", bad])
            .await
            .unwrap_err();
        assert!(error.contains("is no silence's id"), "{error}");
    }

    let (_hub, address) = FakeHub::start(vec![page(&[]), page(&[])]).await;
    let error = campanile(&address, &["silences", "expire", "dddd"])
        .await
        .unwrap_err();
    assert!(
        error.starts_with("no silence's id begins or ends with `dddd`"),
        "{error}"
    );
}

#[tokio::test]
async fn one_that_had_ended_is_said_to() {
    let mut old = silence("aaaa1111", "expired", "old");
    old["ends_at"] = json!("2026-11-20T11:30:00Z");
    let id = "0193486c-2000-7000-8000-0000aaaa1111";
    let (hub, address) =
        FakeHub::start(vec![Canned::json(200, &old), Canned::json(200, &old)]).await;
    let out = campanile(&address, &["silences", "expire", id])
        .await
        .unwrap();
    assert_eq!(
        out,
        "It had ended already, 30m ago: env=\"prod\", service=~\"web.*\"\n"
    );
    assert_eq!(hub.lines()[0], format!("GET /api/v1/silences/{id}"));
}
