//! A registry that does not change when vendors do.

use std::sync::Arc;

use integrations::kit::{
    Accepted, Answer, Dialect, DialectManifest, Edition, Finish, Inbound, Next, Pace, Rejection,
    SecretText, SettingsError, SettingsMap, SignalOutcome, Sink, SinkKind, SinkManifest,
    SourceDefaults, SourceSettings, Step, Task, parse_settings,
};
use model::{Capabilities, DurationMs, Manner, Outcome, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

pub static SINKS: &[&dyn SinkKind] = &[&FakeSink(&CHAT), &FakeSink(&PAGER)];
pub static DIALECTS: &[&dyn Dialect] = &[&FakeDialect];

/// What the fake sinks are set with.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "some fields are there for their schema and types only"
)]
struct FakeSettings {
    /// Where it goes.
    channel: String,
    /// Proves who we are.
    token: SecretText,
    #[serde(default)]
    extra_tokens: Vec<SecretText>,
    #[serde(default)]
    retries: Option<u32>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    colours: std::collections::BTreeMap<String, String>,
}

const CAN: Capabilities = Capabilities {
    update: true,
    ack: true,
    unack: true,
    note: true,
    assign: true,
    snooze: false,
    ignores_unknown_close: true,
    idempotent: false,
    late_request_changes_state: true,
    pages: false,
};

static CHAT: SinkManifest = SinkManifest {
    name: "chat",
    vendor: "chat",
    title: "Chat",
    about: "",
    docs: "",
    manner: Manner::Mirror,
    can: CAN,
    setup: &[],
    errors: &[],
    schema: || schemars::schema_for!(FakeSettings),
    deadline_ms: 1000,
    requests_max: 1,
    takes_issues: true,
    takes_notifications: true,
    edition: Edition::Current,
};

static PAGER: SinkManifest = SinkManifest {
    name: "pager",
    vendor: "pager",
    title: "Pager",
    about: "",
    docs: "",
    manner: Manner::Lifecycle,
    can: Capabilities { pages: true, ..CAN },
    setup: &[],
    errors: &[],
    schema: || schemars::schema_for!(FakeSettings),
    deadline_ms: 1000,
    requests_max: 1,
    takes_issues: true,
    takes_notifications: false,
    edition: Edition::Current,
};

struct FakeSink(&'static SinkManifest);

impl SinkKind for FakeSink {
    fn manifest(&self) -> &'static SinkManifest {
        self.0
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: FakeSettings = parse_settings(settings)?;
        let mut errors = Vec::new();
        if !settings.channel.starts_with('#') {
            errors.push(SettingsError::new("channel", "a channel begins with `#`"));
        }
        // A careless vendor's check, which the loader has to keep from leaking (I9).
        if settings.token.expose().starts_with("hunter") {
            errors.push(SettingsError::new(
                "token",
                format!("{} is not a token", settings.token.expose()),
            ));
        }
        if settings.colours.contains_key("red") {
            errors.push(SettingsError::new("colours.red", "red is taken"));
        }
        if errors.is_empty() {
            Ok(Arc::new(Built(settings)))
        } else {
            Err(errors)
        }
    }

    fn example(&self, _base_url: &str) -> SettingsMap {
        SettingsMap::new()
    }
}

struct Built(FakeSettings);

impl Sink for Built {
    fn next(&self, _: &Task<'_>, _: Step<'_>) -> Next {
        let outcome = Outcome::Delivered;
        Next::Finish(Finish {
            outcome,
            handle: None,
            status: None,
            excerpt: String::new(),
        })
    }
    fn probe(&self, _: Step<'_>) -> Option<Next> {
        None
    }
    fn paces(&self, _: &Task<'_>) -> Vec<Pace> {
        Vec::new()
    }
    fn target(&self) -> String {
        self.0.channel.clone()
    }
    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.0.token.0]
    }
}

struct FakeDialect;

#[derive(Deserialize, JsonSchema)]
struct FakeDialectSettings {
    #[serde(default)]
    strict: bool,
}

static GENERIC: DialectManifest = DialectManifest {
    name: "generic",
    vendor: "generic",
    title: "Generic",
    about: "",
    docs: "",
    setup: &[],
    schema: || schemars::schema_for!(FakeDialectSettings),
};

impl Dialect for FakeDialect {
    fn manifest(&self) -> &'static DialectManifest {
        &GENERIC
    }
    fn settings(&self, settings: &SettingsMap) -> Result<SourceSettings, Vec<SettingsError>> {
        let settings: FakeDialectSettings = parse_settings(settings)?;
        if settings.strict {
            return Err(vec![SettingsError::new(
                "strict",
                "nobody can be that strict",
            )]);
        }
        let zero = DurationMs::ZERO;
        let defaults = SourceDefaults {
            reopen_window: zero,
            reopen_begun_before: false,
            live_after_close: zero,
            update_interval: zero,
            tracking_delay: zero,
        };
        Ok(SourceSettings {
            defaults,
            own: Box::new(()),
        })
    }
    fn accept(&self, _: &Inbound<'_>, _: &SourceSettings) -> Accepted {
        Accepted::Refused(Answer::empty(404))
    }
    fn answer(&self, _: &Inbound<'_>, _: &[SignalOutcome], _: &[Rejection]) -> Answer {
        Answer::empty(200)
    }
    fn unauthorized(&self) -> Answer {
        Answer::empty(401)
    }
    fn busy(&self, _: DurationMs) -> Answer {
        Answer::empty(503)
    }
    fn too_large(&self, _: usize) -> Answer {
        Answer::empty(413)
    }
}
