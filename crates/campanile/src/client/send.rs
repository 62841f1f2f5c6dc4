//! `send`: one signal by hand, in the `generic` dialect.

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::cli::SendArgs;
use crate::client::error::HubError;
use crate::client::http::{Answer, Hub};
use crate::client::json::text;
use crate::client::text::{clean, cut};

/// Sends the signal and says what became of it.
pub async fn run(args: &SendArgs) -> anyhow::Result<String> {
    let body = signal(args);
    let (hub, path) = address(args)?;
    let answer = hub.ask(Method::POST, &path, Some(&body)).await?;
    if !answer.status.is_success() {
        return Err(refused(&hub, &answer));
    }
    let reply: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if args.json {
        let sent = json!({ "sent": body, "status": answer.status.as_u16(), "reply": reply });
        return Ok(format!("{sent:#}\n"));
    }
    Ok(told(&body, &reply))
}

/// What became of it, in the hub's words.
fn told(sent: &Value, reply: &Value) -> String {
    let result = &reply["results"][0];
    let outcome = match result["outcome"].as_str() {
        Some("opened") => "it opened an alert".to_owned(),
        Some("changed") => "it changed the alert".to_owned(),
        Some("repeated") => "it repeats what is known".to_owned(),
        Some("ignored") => match text(result, "reason") {
            reason if reason.is_empty() => "it changes nothing".to_owned(),
            reason => format!("it changes nothing: {reason}"),
        },
        _ => "the hub has taken it".to_owned(),
    };
    let alert = text(result, "alert");
    let next = if alert.is_empty() {
        let key = clean(sent["key"].as_str().unwrap_or_default());
        format!(
            "See what there is: campanile alerts list --all --key {}",
            quoted(&key)
        )
    } else {
        format!("See it: campanile alerts show {alert}")
    };
    format!("Sent, and on the hub's disk: {outcome}.\n{next}\n")
}

/// What is sent. The key is always given, so that `--resolve` with the same event and resource means the same alert.
fn signal(args: &SendArgs) -> Value {
    let made = match args.resource.as_str() {
        "" => args.event.clone(),
        resource => format!("{}/{resource}", args.event),
    };
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("key", json!(args.alert_key.as_ref().unwrap_or(&made)));
    put(
        "status",
        json!(if args.resolve { "resolved" } else { "firing" }),
    );
    put("event", json!(args.event));
    put("resource", json!(args.resource));
    let title = args
        .title
        .clone()
        .unwrap_or_else(|| match args.resource.as_str() {
            "" => args.event.clone(),
            resource => format!("{} on {resource}", args.event),
        });
    put("title", json!(title));
    if let Some(severity) = args.severity {
        put("severity", json!(severity));
    }
    for (name, value) in [("text", &args.text), ("value", &args.value)] {
        if let Some(value) = value {
            put(name, json!(value));
        }
    }
    if !args.labels.is_empty() {
        let labels = args
            .labels
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        put("labels", Value::Object(labels));
    }
    Value::Object(body)
}

/// The hub and the path at it. The key is in the path, so neither is shown in errors.
fn address(args: &SendArgs) -> Result<(Hub, String), HubError> {
    if let Some(url) = &args.url {
        let bad = |why| HubError::BadAddress {
            hub: "[address]".into(),
            why,
        };
        let url = url::Url::parse(url.expose()).map_err(|_| bad("it is not a URL"))?;
        let hub = Hub::new(&url[..url::Position::BeforePath], None)?;
        return Ok((
            hub,
            url[url::Position::BeforePath..url::Position::AfterQuery].to_owned(),
        ));
    }
    let key = args
        .key
        .as_ref()
        .map(|key| utf8_percent_encode(key.expose().trim(), NON_ALPHANUMERIC).to_string());
    let key = key.filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| {
        HubError::Token("which source? Give its --key (or CAMPANILE_KEY).".to_owned())
    })?;
    Ok((Hub::new(&args.hub, None)?, format!("/s/{key}")))
}

fn refused(hub: &Hub, answer: &Answer) -> anyhow::Error {
    let status = answer.status.as_u16();
    match hub.refused(answer.status, &answer.body) {
        HubError::Refused { title, detail, .. } => {
            let reply: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let problem = text(&reply["errors"][0], "problem");
            // A dialect answers in its own form; whatever it is, its words are better than none.
            let words = cut(&clean(&String::from_utf8_lossy(&answer.body)), 300);
            let detail = [detail, problem, words]
                .into_iter()
                .find(|words| !words.is_empty())
                .unwrap_or_default();
            let advice = match status {
                401 | 403 | 404 => {
                    "No source has this key: it stands in the configuration under `sources`, and its dialect must be `generic`."
                }
                other => crate::client::error::advice(other),
            };
            HubError::Refused {
                status,
                title,
                detail,
                advice,
            }
            .into()
        }
        other => other.into(),
    }
}

/// Fit for a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
