//! What the Events API cannot say, over REST API v2: notes, snoozes, withdrawn acknowledgements.
//!
//! An incident is looked up by the alert's key each time: it may have been resolved and a new one opened since. (A
//! person's merge or a service's grouping may put several alerts under one incident; its alerts' keys are searched too:
//! "List incidents", parameter `incident_key`, read 2026-11.)

use http::Method;
use model::{Secret, Timestamp};
use serde_json::{Value, json};
use wire::http::{HttpReply, HttpRequest};

use crate::kit::SettingsError;

/// "Snooze an incident": the longest, in seconds. A longer shelving ends earlier there.
const SNOOZE_SECONDS_MAX: i64 = 604_800;
/// Longest id of an incident; those that PagerDuty makes have 7 or 14.
const ID_CHARS_MAX: usize = 64;

/// A REST credential.
pub struct Rest {
    pub base_url: String,
    token: Secret,
    /// `Token token=…`, as it stands in the header.
    authorization: Secret,
    /// The user in whose name it writes.
    from: Option<String>,
    /// Only incidents of this service.
    pub service: Option<String>,
}

/// An open incident.
#[derive(Debug, PartialEq, Eq)]
pub struct Incident {
    pub id: String,
    pub is_acknowledged: bool,
}

/// What a look-up gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    One(Incident),
    None,
    /// More than one service of the account has the key.
    Several,
    /// The answer is not PagerDuty's.
    Unreadable,
}

impl Rest {
    pub fn new(
        base_url: String,
        token: Secret,
        from: Option<String>,
        service: Option<String>,
    ) -> Rest {
        Rest {
            base_url,
            authorization: Secret::new(format!("Token token={}", token.expose())),
            token,
            from,
            service,
        }
    }

    pub fn secrets(&self) -> [&Secret; 2] {
        [&self.authorization, &self.token]
    }

    pub fn token(&self) -> &Secret {
        &self.token
    }

    /// Looks for the open incidents of a key, however old.
    pub fn find(&self, dedup_key: &str) -> HttpRequest {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("incident_key", dedup_key)
            .append_pair("statuses[]", "triggered")
            .append_pair("statuses[]", "acknowledged")
            .append_pair("date_range", "all")
            .append_pair("limit", "5");
        if let Some(service) = &self.service {
            query.append_pair("service_ids[]", service);
        }
        let url = format!("{}/incidents?{}", self.base_url, query.finish());
        self.with_headers(HttpRequest::get(url))
    }

    pub fn note(&self, incident: &Incident, content: &str) -> HttpRequest {
        let body = json!({ "note": { "content": content } });
        self.write(
            Method::POST,
            &format!("/incidents/{}/notes", incident.id),
            &body,
        )
    }

    /// Until `until`, at most seven days.
    pub fn snooze(&self, incident: &Incident, until: Timestamp, now: Timestamp) -> HttpRequest {
        // Rounded up: it shall not come back before its time.
        let seconds = (until.since(now).0.saturating_add(999) / 1000).clamp(1, SNOOZE_SECONDS_MAX);
        let body = json!({ "duration": seconds });
        self.write(
            Method::POST,
            &format!("/incidents/{}/snooze", incident.id),
            &body,
        )
    }

    /// `triggered` or `acknowledged`.
    pub fn status(&self, incident: &Incident, status: &str) -> HttpRequest {
        let body = json!({ "incident": { "type": "incident_reference", "status": status } });
        self.write(Method::PUT, &format!("/incidents/{}", incident.id), &body)
    }

    fn write(&self, method: Method, path: &str, body: &Value) -> HttpRequest {
        let url = format!("{}{path}", self.base_url);
        let request = self.with_headers(HttpRequest::new(method, url, body.to_string()));
        match &self.from {
            Some(from) => request.header("from", from.clone()),
            None => request,
        }
    }

    fn with_headers(&self, request: HttpRequest) -> HttpRequest {
        request
            .header("accept", "application/vnd.pagerduty+json;version=2")
            .header("content-type", "application/json")
            .secret_header("authorization", self.authorization.clone())
    }
}

/// Reads the answer to [`Rest::find`].
pub fn found(reply: &HttpReply) -> Found {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let Some(incidents) = body["incidents"].as_array() else {
        return Found::Unreadable;
    };
    let mut found = Vec::new();
    for incident in incidents {
        let status = incident["status"].as_str().unwrap_or_default();
        // A server that does not filter; `resolved` is not ours to touch.
        if !matches!(status, "triggered" | "acknowledged") {
            continue;
        }
        match incident["id"].as_str().filter(|id| is_id(id)) {
            Some(id) => found.push(Incident {
                id: id.to_owned(),
                is_acknowledged: status == "acknowledged",
            }),
            None => return Found::Unreadable,
        }
    }
    match found.len() {
        0 => Found::None,
        1 => found.pop().map_or(Found::None, Found::One),
        _ => Found::Several,
    }
}

/// It becomes part of an address.
fn is_id(text: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The e-mail address of a user, as it can stand in a header.
pub fn check_from(text: &str) -> Result<String, SettingsError> {
    let text = text.trim();
    let is_one = text
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if !is_one || !text.chars().all(|c| c.is_ascii_graphic()) || text.len() > 254 {
        return Err(SettingsError::new(
            "from",
            "give the e-mail address of a PagerDuty user, such as hub@example.org",
        ));
    }
    Ok(text.to_owned())
}

/// An API key as it can stand in a header.
pub fn check_token(text: &str) -> Result<Secret, SettingsError> {
    let text = text.trim();
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(SettingsError::new(
            "api_token",
            "this is no REST API key: copy it from PagerDuty's Integrations, API Access Keys",
        ));
    }
    Ok(Secret::new(text))
}

/// The id of a service, `P…`: the last part of its page's address.
pub fn check_service(text: &str) -> Result<String, SettingsError> {
    let text = text.trim();
    match is_id(text) {
        true => Ok(text.to_owned()),
        false => Err(SettingsError::new(
            "service",
            "give the service's id, such as PIJ90N7: the last part of its page's address in PagerDuty",
        )),
    }
}
