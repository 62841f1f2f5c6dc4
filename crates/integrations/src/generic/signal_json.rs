//! The hub's own JSON: the fields of a signal, by their names. Unknown fields are passed over, `null` is absent.

use model::limits::KEY_BYTES_MAX;
use model::{DurationMs, Labels, Link, Severity, Signal, SignalKind, Timestamp};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::kit::address;

/// 9999-12-31T23:59:59Z, the last second that RFC 3339 can show.
const LAST_MS: i64 = 253_402_300_799_000;
/// Numbers from here on are milliseconds: as seconds it would be the year 5138, as milliseconds it is 1973.
const MILLISECONDS_FROM: f64 = 1e11;

/// The signals in a body: an array's, those of `{"signals": […]}`, or the body itself.
pub fn items(body: &Value) -> Vec<&Value> {
    match (body, body.get("signals")) {
        (Value::Array(items), _) | (_, Some(Value::Array(items))) => items.iter().collect(),
        _ => vec![body],
    }
}

/// Reads one signal.
///
/// Without a `key` the thing is recognised by `resource` and `event`; without those by all its labels; without labels
/// by its title. A fire whose `ends_at` has passed is a resolve.
pub fn read(
    item: &Value,
    now: Timestamp,
    default_timeout: Option<DurationMs>,
) -> Result<Signal, String> {
    let object = item.as_object().ok_or("it is not a JSON object")?;
    let fields = Fields(object);
    let labels = fields.pairs("labels")?;
    let resource = fields.text(&["resource"])?.unwrap_or_default();
    let event = fields.text(&["event"])?.unwrap_or_default();
    let title = fields.text(&["title", "summary"])?.unwrap_or_default();
    let key = match fields.text(&["key"])?.filter(|key| !key.is_empty()) {
        Some(key) => key,
        None => derived_key(&resource, &event, &labels, &title)?,
    };
    let starts_at = fields.time("starts_at")?;
    let timeout = fields.span("resolve_timeout")?.or(default_timeout);
    let ends_at = fields.time("ends_at")?;
    let kind = match fields.text(&["kind", "status"])? {
        Some(word) => kind(&word)?,
        None if ends_at.is_some_and(|at| at <= now) => SignalKind::Resolve,
        None => SignalKind::Fire,
    };
    if starts_at
        .zip(ends_at)
        .is_some_and(|(starts, ends)| ends < starts)
    {
        return Err("`ends_at` is before `starts_at`".to_owned());
    }
    let ends_at = match kind {
        SignalKind::Fire => ends_at.or(timeout.map(|timeout| now + timeout)),
        _ => ends_at,
    };
    let severity = fields.text(&["severity"])?;
    let severity = severity.or_else(|| labels.get("severity").map(str::to_owned));
    Ok(Signal {
        key,
        kind,
        severity: severity.as_deref().and_then(Severity::from_common_word),
        title: if title.is_empty() {
            event.clone()
        } else {
            title
        },
        resource,
        event,
        text: fields
            .text(&["text", "message", "description"])?
            .unwrap_or_default(),
        value: fields.text(&["value"])?,
        annotations: fields.pairs("annotations")?,
        links: fields.links()?,
        labels,
        starts_at,
        ends_at,
        message_id: fields.text(&["id"])?.filter(|id| !id.is_empty()),
        origin: None,
        group_key: None,
        via: fields.texts("via")?,
    })
}

/// The words for what a signal says.
fn kind(word: &str) -> Result<SignalKind, String> {
    Ok(match word.trim().to_ascii_lowercase().as_str() {
        "fire" | "firing" | "open" | "opened" | "alert" | "alerting" | "problem" | "trigger"
        | "triggered" | "active" | "true" => SignalKind::Fire,
        "resolve" | "resolved" | "close" | "closed" | "ok" | "recovery" | "recovered"
        | "normal" | "false" => SignalKind::Resolve,
        "inform" | "informed" | "notification" | "notify" => SignalKind::Inform,
        "cancel" | "cancelled" | "canceled" => SignalKind::Cancel,
        other => {
            let other = wire::text::cut_chars(other, 40);
            return Err(format!(
                "`{other}` is no kind: say fire, resolve, inform or cancel"
            ));
        }
    })
}

/// Resource and event, parted by a slash that neither has; long or nameless things by a hash.
fn derived_key(
    resource: &str,
    event: &str,
    labels: &Labels,
    title: &str,
) -> Result<String, String> {
    let part = |text: &str| text.replace('%', "%25").replace('/', "%2F");
    let (word, text) = if !resource.is_empty() || !event.is_empty() {
        ("", format!("{}/{}", part(resource), part(event)))
    } else if !labels.is_empty() {
        (
            "labels:",
            labels
                .iter()
                .map(|(n, v)| format!("{}={v:?}\n", part(n)))
                .collect(),
        )
    } else if !title.trim().is_empty() {
        ("title:", title.to_owned())
    } else {
        return Err("nothing names the problem: give `key`, or `resource` and `event`, or `labels`, or `title`".to_owned());
    };
    if word.is_empty() && text.len() <= KEY_BYTES_MAX {
        return Ok(text);
    }
    Ok(format!(
        "{word}{}",
        hex::encode(&Sha256::digest(text)[..16])
    ))
}

/// A signal's object, read field by field.
struct Fields<'a>(&'a Map<String, Value>);

impl Fields<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// The first of these names that is there; numbers and truth values become texts.
    fn text(&self, names: &[&str]) -> Result<Option<String>, String> {
        let found = names.iter().find_map(|name| Some((*name, self.get(name)?)));
        found
            .map(|(name, value)| as_text(value).ok_or_else(|| format!("`{name}` must be a text")))
            .transpose()
    }

    fn pairs(&self, name: &str) -> Result<Labels, String> {
        let Some(value) = self.get(name) else {
            return Ok(Labels::new());
        };
        let object = value
            .as_object()
            .ok_or_else(|| format!("`{name}` must be an object of texts"))?;
        let pair = |(key, value): (&String, &Value)| match value {
            Value::Null => None,
            value => Some(
                as_text(value)
                    .map(|text| (key.clone(), text))
                    .ok_or_else(|| {
                        format!("`{name}.{}` must be a text", wire::text::cut_chars(key, 80))
                    }),
            ),
        };
        let pairs: Result<Vec<(String, String)>, String> = object.iter().filter_map(pair).collect();
        Ok(pairs?
            .into_iter()
            .filter(|(name, _)| !name.is_empty())
            .collect())
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, String> {
        let problem = || format!("`{name}` must be a list of texts");
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned).ok_or_else(problem))
                .collect(),
            Some(_) => Err(problem()),
        }
    }

    /// Addresses, or objects with `href` and perhaps `text`. What is no web address is left out.
    fn links(&self) -> Result<Vec<Link>, String> {
        let problem = || "`links` must be a list of addresses, or of {href, text}".to_owned();
        let items = match self.get("links") {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(problem()),
        };
        let read = |item: &Value| match item {
            Value::String(href) => Ok((href.clone(), String::new())),
            item => {
                let href = item["href"].as_str().ok_or_else(problem)?;
                Ok((
                    href.to_owned(),
                    item["text"].as_str().unwrap_or_default().to_owned(),
                ))
            }
        };
        let links: Result<Vec<(String, String)>, String> = items.iter().map(read).collect();
        let shown = links?
            .into_iter()
            .filter(|(href, _)| address::looks_like_link(href));
        Ok(shown
            .map(|(href, text)| Link {
                href,
                text: wire::text::cut_chars(&text, 200).into_owned(),
            })
            .collect())
    }

    fn time(&self, name: &str) -> Result<Option<Timestamp>, String> {
        let Some(value) = self.get(name).filter(|value| value.as_str() != Some("")) else {
            return Ok(None);
        };
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse::<f64>().ok(),
            _ => None,
        };
        let time = match (number, value) {
            (Some(number), _) if number.abs() < MILLISECONDS_FROM => {
                Some(Timestamp((number * 1000.0) as i64))
            }
            (Some(number), _) => Some(Timestamp(number as i64)),
            (None, Value::String(text)) => text.parse().ok(),
            _ => None,
        };
        let time = time.ok_or_else(|| {
            format!("`{name}` must be an RFC 3339 time such as 2026-01-31T12:00:00Z, or seconds or milliseconds since 1970")
        })?;
        if (0..=LAST_MS).contains(&time.0) {
            Ok(Some(time))
        } else {
            Err(format!("`{name}` must lie between the years 1970 and 9999"))
        }
    }

    /// A text such as `5m`, or seconds.
    fn span(&self, name: &str) -> Result<Option<DurationMs>, String> {
        /// A year: longer means "never", which is said by leaving it out.
        const SPAN_MS_MAX: i64 = 366 * 86_400_000;
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let span = match value {
            Value::Number(seconds) => seconds
                .as_f64()
                .map(|seconds| DurationMs((seconds * 1000.0) as i64)),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        match span {
            Some(span) if (1..=SPAN_MS_MAX).contains(&span.0) => Ok(Some(span)),
            _ => Err(format!(
                "`{name}` must be a time such as 5m, or seconds, up to a year"
            )),
        }
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
