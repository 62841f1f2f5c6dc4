//! What the demo's hub is told to do, as a configuration file would say it.

use engine::desired::{
    DebugHidden, Desired, DesiredIntegration, DesiredProject, DesiredSource, Existing, Of, Policy,
    SourceWay,
};
use model::DurationMs;
use monitors::host::HostSettings;
use serde_json::{Map, Value, json};

/// The channel in the simulated Slack.
pub const CHANNEL: &str = "#ops";
/// The key for `campanile send`; with `-prometheus` behind it, for Alertmanager's clients.
pub const KEY_OF_TOOLS: &str = "demo-key-0123456789";
/// What the simulated Slack takes as a bot token.
const TOKEN: &str = "xoxb-demo-token";

/// One project; three ways in; Slack for issues and for notifications, and a webhook.
pub fn desired(host: &HostSettings, vendors: &str) -> anyhow::Result<Desired> {
    let slack =
        json!({ "channel": CHANNEL, "token": TOKEN, "base_url": format!("{vendors}/slack") });
    let webhook = json!({ "url": format!("{vendors}/webhook/demo") });
    let policy = Policy {
        edit_interval: DurationMs::from_secs(15),
        ..Policy::default()
    };
    let integration = |name: &str, of, sink: &str, settings: Value| DesiredIntegration {
        name: name.to_owned(),
        of,
        matchers: Vec::new(),
        except: Vec::new(),
        receiver: None,
        sink: sink.to_owned(),
        settings: DebugHidden(object(settings)),
        policy: policy.clone(),
        enabled: true,
        existing: Existing::Tell,
    };
    let dialect = |name: &str, dialect: &str, key: String| DesiredSource {
        name: name.to_owned(),
        way: SourceWay::Dialect {
            name: dialect.to_owned(),
            settings: DebugHidden::default(),
        },
        keys: vec![super::text(&key)],
    };
    let this_host = DesiredSource {
        name: "this-host".to_owned(),
        way: SourceWay::Monitor {
            name: "host".to_owned(),
            settings: object(serde_json::to_value(host)?),
        },
        keys: Vec::new(),
    };
    Ok(Desired {
        organization: "demo".to_owned(),
        projects: vec![DesiredProject {
            name: "demo".to_owned(),
            owner_email: None,
            inhibitions: Vec::new(),
            sources: vec![
                this_host,
                dialect("tools", "generic", KEY_OF_TOOLS.to_owned()),
                dialect(
                    "prometheus",
                    "alertmanager",
                    format!("{KEY_OF_TOOLS}-prometheus"),
                ),
            ],
            integrations: vec![
                integration("slack", Of::Issues, "slack", slack.clone()),
                integration("slack-notifications", Of::Notifications, "slack", slack),
                integration("webhook", Of::Issues, "webhook", webhook),
            ],
        }],
    })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
