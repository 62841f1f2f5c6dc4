//! `list`, `show`, `explain`.

use serde_json::{Value, json};

use super::campanile;
use super::hub::{Canned, FakeHub};

pub fn alert(id_end: &str, severity: &str, status: &str, title: &str) -> Value {
    json!({
        "id": format!("0193486c-1000-7000-8000-0000{id_end}"), "key": format!("key-{id_end}"), "project": "shop",
        "source": "prometheus", "kind": "issue", "status": status, "severity": severity, "title": title,
        "text": "", "value": null, "resource": "db-1", "event": "disk_full", "labels": {}, "annotations": {},
        "links": [], "starts_at": "2026-11-20T11:15:00Z", "opened_at": "2026-11-20T11:15:02Z", "closed_at": null,
        "closed_because": null, "assignee": null, "acked_until": null, "shelved_until": null, "repeat_count": 3,
        "episode": 1, "last_seen": "2026-11-20T11:59:30Z", "seq": 2, "url": "http://hub/alerts/1"
    })
}

#[tokio::test]
async fn a_list_is_a_table_that_fits() {
    let long =
        "Disk /var/lib/postgresql of the primary is 95 % full and will be full in about two hours";
    let page = json!({ "alerts": [
        alert("aaaa1111", "critical", "open", long),
        alert("bbbb2222", "warning", "acknowledged", "evil \u{1b}[2J title"),
    ], "next_cursor": null });
    let (hub, address) = FakeHub::start(vec![Canned::json(200, &page)]).await;
    let out = campanile(&address, &["alerts", "list", "--token", "t-0123"])
        .await
        .unwrap();
    assert_eq!(
        out,
        "\
ID        SEVERITY  STATUS        AGE  RESOURCE  TITLE
aaaa1111  critical  open          45m  db-1      Disk /var/lib/postgresql of the primary is 95 % fu…
bbbb2222  warning   acknowledged  45m  db-1      evil  [2J title

2 alerts. Look at one: campanile alerts show aaaa1111
"
    );
    assert!(out.lines().all(|line| line.chars().count() <= 100));
    let asked = hub.asked();
    assert_eq!(
        asked[0].line,
        "GET /api/v1/alerts?status=tracking,open,acknowledged,shelved&limit=50"
    );
    assert_eq!(asked[0].token.as_deref(), Some("Bearer t-0123"));
}

#[tokio::test]
async fn a_list_follows_pages_up_to_its_limit() {
    let page = |end: &str, cursor: Value| {
        Canned::json(
            200,
            &json!({ "alerts": [alert(end, "info", "open", "x")], "next_cursor": cursor }),
        )
    };
    let answers = vec![
        page("aaaa1111", json!("c 1")),
        page("bbbb2222", json!("c2")),
    ];
    let (hub, address) = FakeHub::start(answers).await;
    let line = [
        "alerts",
        "list",
        "--limit",
        "2",
        "--severity",
        "info",
        "--text",
        "a&b ü",
        "--json",
    ];
    let out: Value = serde_json::from_str(&campanile(&address, &line).await.unwrap()).unwrap();
    assert_eq!(
        (out["alerts"].as_array().unwrap().len(), &out["next_cursor"]),
        (2, &json!("c2"))
    );
    assert_eq!(
        hub.lines(),
        [
            "GET /api/v1/alerts?status=tracking,open,acknowledged,shelved&severity=info&text=a%26b%20%C3%BC&limit=2",
            "GET /api/v1/alerts?status=tracking,open,acknowledged,shelved&severity=info&text=a%26b%20%C3%BC&limit=1&cursor=c%201",
        ]
    );
}

#[tokio::test]
async fn an_empty_list_says_what_else_there_may_be() {
    let empty = || Canned::json(200, &json!({ "alerts": [], "next_cursor": null }));
    let (_hub, address) = FakeHub::start(vec![empty(), empty(), empty()]).await;
    let out = campanile(&address, &["alerts", "list"]).await.unwrap();
    assert_eq!(out, "No alerts, but for closed ones (--all shows them).\n");
    let out = campanile(&address, &["alerts", "list", "--key", "k"])
        .await
        .unwrap();
    assert_eq!(
        out,
        "No such alerts, but perhaps closed ones (--all shows them).\n"
    );
    let out = campanile(&address, &["alerts", "list", "--all"])
        .await
        .unwrap();
    assert_eq!(out, "No such alerts.\n");
}

#[tokio::test]
async fn show_tells_everything_about_one_alert() {
    let mut whole = alert("aaaa1111", "critical", "acknowledged", "Disk is 95 % full");
    whole["text"] = json!("First line\nsecond line\u{7}");
    whole["labels"] = json!({ "env": "prod", "mount": "/var" });
    whole["links"] = json!([{ "href": "http://runbook/1", "text": "Runbook" }]);
    whole["assignee"] = json!("ann");
    whole["acked_until"] = json!("2026-11-20T14:00:00Z");
    whole["lanes"] = json!([{ "integration": "oncall", "sink": "slack", "target": "#ops", "told": "acked", "owed": true }]);
    let events = json!({ "events": [
        { "seq": 1, "at": "2026-11-20T11:15:02Z", "kind": "opened", "status": "open" },
        { "seq": 2, "at": "2026-11-20T11:58:00Z", "kind": "acknowledged", "status": "acknowledged",
          "by": { "name": "ann", "via": "slack" }, "note": "looking", "until": "2026-11-20T14:00:00Z" },
    ] });
    let (hub, address) =
        FakeHub::start(vec![Canned::json(200, &whole), Canned::json(200, &events)]).await;
    let id = "0193486c-1000-7000-8000-0000aaaa1111";
    let out = campanile(&address, &["alerts", "show", id]).await.unwrap();
    assert_eq!(
        out,
        "\
critical, acknowledged: Disk is 95 % full
  id            0193486c-1000-7000-8000-0000aaaa1111
  key           key-aaaa1111
  from          source prometheus of project shop
  resource      db-1
  event         disk_full
  since         45m ago (2026-11-20T11:15:00.000Z)
  last heard    30s ago, 3 repeat(s)
  assigned to   ann
  acknowledged  until in 2h (2026-11-20T14:00:00.000Z)
  page          http://hub/alerts/1

  First line
  second line

Labels
  env=prod
  mount=/var

Links
  Runbook http://runbook/1

Log
#  WHEN     EVENT         BY           DETAILS
1  44m ago  opened
2  2m ago   acknowledged  ann (slack)  until in 2h; looking

Told
INTEGRATION  SINK   TARGET  TOLD   STATE
oncall       slack  #ops    acked  more is owed

Who was told, and why: campanile alerts explain aaaa1111
"
    );
    assert_eq!(
        hub.lines(),
        [
            format!("GET /api/v1/alerts/{id}"),
            format!("GET /api/v1/alerts/{id}/events?after=0&limit=1000")
        ]
    );
}

#[tokio::test]
async fn explain_says_who_was_told_who_was_not_and_why() {
    let answer = json!({
        "alert": alert("aaaa1111", "critical", "open", "Disk is 95 % full"),
        "lanes": [{
            "integration": "oncall", "sink": "slack", "target": "#ops", "told": "open", "owed": true,
            "state": "Slack asked for a pause.", "next": "The update leaves when the pause ends.",
            "due_at": "2026-11-20T12:00:30Z",
            "history": [
                { "at": "2026-11-20T11:15:03Z", "kind": "open", "from": 0, "upto": 1, "outcome": "delivered", "status": 200, "text": "ok" },
                { "at": "2026-11-20T11:59:00Z", "kind": "update", "from": 1, "upto": 4, "outcome": "throttled", "status": 429, "text": "ratelimited" },
            ],
        }],
        "not_told": [{ "integration": "pager", "reason": "its matcher env=\"prod\" does not match: env is \"dev\"" }],
    });
    let (_hub, address) = FakeHub::start(vec![Canned::json(200, &answer)]).await;
    let id = "0193486c-1000-7000-8000-0000aaaa1111";
    let out = campanile(&address, &["alerts", "explain", id])
        .await
        .unwrap();
    assert_eq!(
        out,
        "\
critical, open: Disk is 95 % full

oncall (slack, #ops)
  told: open, more is owed
  Slack asked for a pause.
  The update leaves when the pause ends.
  next look: in 30s
WHEN     EVENTS  WHAT    OUTCOME    REPLY
44m ago  1       open    delivered  200 ok
1m ago   2-4     update  throttled  429 ratelimited

Not told
  pager: its matcher env=\"prod\" does not match: env is \"dev\"
"
    );
}
