//! What the hub answers otherwise than Alertmanager 0.25, on purpose. The same list, in words, is in `docs/alertmanager.md`.

/// One call that shows a difference.
pub struct Difference {
    pub method: &'static str,
    pub path: &'static str,
    pub body: &'static str,
    /// How its answer begins: the status, then the body.
    pub theirs: &'static str,
    pub ours: &'static str,
    pub why: &'static str,
}

pub const ALL: &[Difference] = &[
    Difference {
        method: "POST",
        path: "/api/v2/alerts",
        body: r#"[{"labels":{"alertname":"Good"}},{"labels":{"alertname":5}}]"#,
        theirs: r#"400 {"code":400,"message":"parsing alerts body from"#,
        ours: r#"400 "alert 1: invalid type"#,
        why: "one alert of a wrong type spoils only itself: the others are kept",
    },
    Difference {
        method: "POST",
        path: "/api/v2/alerts",
        body: "[{}]",
        theirs: r#"422 {"code":602,"message":"0.labels in body is required"}"#,
        ours: r#"400 "labels in body is required""#,
        why: "one alert without labels spoils only itself: the others are kept",
    },
    Difference {
        method: "POST",
        path: "/api/v2/alerts",
        body: "[",
        theirs: r#"400 {"code":400,"message":"parsing alerts body from \"\" failed, because unexpected EOF"}"#,
        ours: r#"400 {"code":400,"message":"parsing alerts body from \"\" failed, because it is not a JSON array of alerts: EOF while parsing a list at line 1 column 1"}"#,
        why: "the place of the mistake is named, in the words of another JSON reader",
    },
    Difference {
        method: "DELETE",
        path: "/api/v2/silence/00000000-0000-0000-0000-000000000000",
        body: "",
        theirs: r#"500 "silence not found""#,
        ours: "404",
        why: "a silence that is not there is the client's mistake; later versions of Alertmanager answer so too",
    },
    Difference {
        method: "GET",
        path: "/api/v2/receivers",
        body: "",
        theirs: r#"200 [{"name":"nobody"},"#,
        ours: r#"200 [{"name":"everything"},"#,
        why: "the hub needs no receiver for what nobody takes",
    },
    Difference {
        method: "GET",
        path: "/api/v1/alerts",
        body: "",
        theirs: "200",
        ours: "410",
        why: "the API v1 left Alertmanager with its version 0.27",
    },
    Difference {
        method: "OPTIONS",
        path: "/api/v2/silences",
        body: "",
        theirs: "405",
        ours: "204",
        why: "browsers that ask first get an answer",
    },
    Difference {
        method: "GET",
        path: "/api/v2/status",
        body: "",
        theirs: r#"200 {"cluster":{"peers":[],"status":"disabled"},"config":{"original":"global:"#,
        ours: r##"200 {"cluster":{"peers":[],"status":"disabled"},"config":{"original":"# How this hub"##,
        why: "the configuration is written from the hub's integrations",
    },
];
