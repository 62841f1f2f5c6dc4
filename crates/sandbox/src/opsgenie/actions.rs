//! What a request does once it is processed. What cannot be done is told in the request's status only.

use super::account::{Account, Named};
use super::alert::Alert;
use serde_json::{Map, Value};

/// A request that was taken.
#[derive(Debug, Clone)]
pub(super) struct Action {
    /// The path's last part: `close`, `notes` …; `create`, `delete`; `remove-tags`, `remove-details`; `action`.
    pub(super) name: String,
    /// A custom action's name.
    pub(super) custom: String,
    /// Which alert; none for a create.
    pub(super) named: Option<Named>,
    pub(super) body: Map<String, Value>,
}

/// The alert's id, and how it went in words.
type Applied = (Option<String>, Result<String, String>);

impl Action {
    fn text(&self, name: &str) -> &str {
        self.body
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn list(&self, name: &str) -> Vec<Value> {
        let list = self.body.get(name).and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    }

    fn texts(&self, name: &str) -> Vec<String> {
        let list = self.list(name);
        list.iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }

    fn user(&self) -> &str {
        match self.text("user") {
            "" => "System",
            user => user,
        }
    }

    /// The alias that the request named.
    pub(super) fn alias(&self) -> Option<String> {
        match &self.named {
            Some(Named::Alias(alias)) => Some(alias.clone()),
            Some(_) => None,
            None => Some(self.text("alias").to_owned()),
        }
    }

    /// As the request's status names it.
    pub(super) fn title(&self) -> String {
        match self.name.as_str() {
            "acknowledge" => "Acknowledge".into(),
            "unacknowledge" => "UnAcknowledge".into(),
            "notes" => "AddNote".into(),
            "assign" => "AssignOwnership".into(),
            "action" => self.custom.clone(),
            other => {
                let mut letters = other.chars();
                let first = letters.next().map(|c| c.to_ascii_uppercase());
                first.into_iter().chain(letters).collect()
            }
        }
    }
}

/// Does it.
pub(super) fn apply(account: &mut Account, action: &Action, now: i64) -> Applied {
    let Some(named) = &action.named else {
        return create(account, action, now);
    };
    if action.name == "delete" {
        return match account.remove(named) {
            Some(gone) => (Some(gone.id), Ok("Deleted alert".into())),
            None => (None, Err("Alert does not exist".into())),
        };
    }
    let done = account.change(named, |alert| {
        let user = action.user().to_owned();
        let result = one(alert, action, &user, now);
        if result.is_ok() && action.name != "notes" && !action.text("note").is_empty() {
            alert.note(action.text("note"), &user, now);
        }
        (Some(alert.id.clone()), result)
    });
    done.unwrap_or_else(|| (None, Err("Alert does not exist".into())))
}

/// While an alert with the alias is open, only its count rises: texts stay.
fn create(account: &mut Account, action: &Action, now: i64) -> Applied {
    let alias = action.text("alias").to_owned();
    let named = Named::Alias(alias.clone());
    if !alias.is_empty() && account.find(&named).is_some_and(|alert| !alert.closed) {
        let id = account.change(&named, |alert| {
            alert.count += 1;
            alert.last_occurred_at = now;
            let line = format!("Occurred again: {}", action.text("message"));
            alert.log(&line, action.user(), now);
            alert.id.clone()
        });
        return (id, Ok("Deduplicated alert".into()));
    }
    let priority = action.text("priority");
    let mut alert = Alert {
        alias,
        message: action.text("message").to_owned(),
        description: action.text("description").to_owned(),
        tags: action.texts("tags"),
        count: 1,
        last_occurred_at: now,
        created_at: now,
        updated_at: now,
        source: action.text("source").to_owned(),
        priority: if priority.is_empty() { "P3" } else { priority }.to_owned(),
        responders: action.list("responders"),
        visible_to: action.list("visibleTo"),
        actions: action.texts("actions"),
        entity: action.text("entity").to_owned(),
        details: details(action),
        ..Alert::default()
    };
    alert.log("Alert created", action.user(), now);
    if !action.text("note").is_empty() {
        alert.note(action.text("note"), action.user(), now);
    }
    (Some(account.add(alert, now)), Ok("Created alert".into()))
}

fn details(action: &Action) -> Map<String, Value> {
    let given = action.body.get("details").and_then(Value::as_object);
    given.cloned().unwrap_or_default()
}

fn one(alert: &mut Alert, action: &Action, user: &str, now: i64) -> Result<String, String> {
    let name = action.name.as_str();
    // A closed alert still takes notes, tags and details.
    if alert.closed
        && !matches!(
            name,
            "notes" | "tags" | "details" | "remove-tags" | "remove-details"
        )
    {
        return Err("Alert is already closed".into());
    }
    let said = match name {
        "acknowledge" if alert.acknowledged => return Err("Alert is already acknowledged".into()),
        "acknowledge" => {
            alert.acknowledged = true;
            alert.acked = Some((now, user.to_owned()));
            "Acknowledged alert"
        }
        "unacknowledge" if !alert.acknowledged => return Err("Alert is not acknowledged".into()),
        "unacknowledge" => {
            alert.acknowledged = false;
            "Unacknowledged alert"
        }
        "close" => {
            alert.closed = true;
            alert.snoozed_until = None;
            alert.close = Some((now, user.to_owned()));
            "Closed alert"
        }
        "snooze" => {
            alert.snoozed_until = action
                .text("endTime")
                .parse::<jiff::Timestamp>()
                .ok()
                .map(jiff::Timestamp::as_millisecond);
            "Snoozed alert"
        }
        "assign" => {
            let owner = action.body.get("owner");
            let by = |key| owner.and_then(|owner: &Value| owner[key].as_str());
            alert.owner = by("username").or(by("id")).unwrap_or_default().to_owned();
            "Assigned alert"
        }
        "notes" => {
            alert.note(action.text("note"), user, now);
            "Added note"
        }
        "message" | "description" | "priority" => {
            let value = action.text(name).to_owned();
            match name {
                "message" => alert.message = value,
                "description" => alert.description = value,
                _ => alert.priority = value,
            }
            "Updated alert"
        }
        "tags" => {
            let new = action.texts("tags");
            alert.tags.extend(new);
            alert.tags.dedup();
            "Added tags"
        }
        "remove-tags" => {
            let gone: Vec<_> = action.text("tags").split(',').collect();
            alert.tags.retain(|tag| !gone.contains(&tag.as_str()));
            "Removed tags"
        }
        "details" => {
            alert.details.extend(details(action));
            "Added details"
        }
        "remove-details" => {
            let gone: Vec<_> = action.text("keys").split(',').collect();
            alert.details.retain(|key, _| !gone.contains(&key.as_str()));
            "Removed details"
        }
        "responders" | "teams" => {
            let given = action
                .body
                .get(if name == "teams" { "team" } else { "responder" });
            alert.responders.extend(given.cloned());
            "Added responder"
        }
        "escalate" => {
            let given = action
                .body
                .get("escalation")
                .map(|e| e["name"].as_str().or(e["id"].as_str()));
            alert.escalated.extend(given.flatten().map(str::to_owned));
            "Escalated alert"
        }
        _ => "Executed action",
    };
    alert.log(said, user, now);
    Ok(said.into())
}
