//! Doing something to an alert.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use engine::ActError;
use http::StatusCode;
use model::{Action, ActionVerb, Actor, DurationMs, limits as model_limits};
use serde::Deserialize;
use utoipa::ToSchema;

use super::dto::AlertDto;
use super::json;
use super::request::{AlertPath, JsonBody, no_such_alert, parsed, said, short};
use crate::app::App;
use crate::limits::{LASTING_MAX, NAME_CHARS_MAX};
use crate::problem::{Problem, ProblemJson};

/// Who does it, and what the action needs. Everything may be left out unless said otherwise.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActionBody {
    /// In whose name; `admin` if left out.
    by: Option<String>,
    /// A remark that goes into the event; of `note` the note itself (or `text`).
    note: Option<String>,
    /// `acknowledge`, `shelve`: how long, such as `30m` or `2h`. `shelve` needs it.
    #[serde(rename = "for")]
    lasting: Option<String>,
    /// `note`: the note itself.
    text: Option<String>,
    /// `assign`: to whom; `null` takes the assignment away. `assign` needs it.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    to: Option<Option<String>>,
}

/// Does something to an alert and answers with the alert as it is then.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/{action}", operation_id = "act_on_alert", tag = "alerts",
    params(
        ("id" = String, Path, description = "The alert's id"),
        ("action" = String, Path, description =
            "`acknowledge`, `unacknowledge`, `close`, `reopen`, `shelve`, `unshelve`, `note` or `assign`"),
    ),
    request_body(content = inline(ActionBody), description = "May be empty for actions that need nothing."),
    responses(
        (status = 200, body = AlertDto),
        (status = 409, description = "The alert is in a state in which this cannot be done", body = ProblemJson,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn act(
    State(app): State<Arc<App>>,
    path: AlertPath,
    JsonBody(body): JsonBody<ActionBody>,
) -> Result<Response, Problem> {
    let action = action(&path.action, body)?;
    let alert = app.hub.intake().act(path.id, action, None).await;
    let alert = alert.map_err(|error| match error {
        ActError::NotFound => no_such_alert(),
        ActError::Refused(why) => Problem::new(StatusCode::CONFLICT, why),
        ActError::Busy(busy) => Problem::busy(busy.reason, busy.retry_after),
    })?;
    let catalog = app.hub.catalog();
    let dto = AlertDto::new(&alert, None, &catalog, &app.hub);
    Ok(json(&dto))
}

/// What is asked for, if it makes sense.
fn action(word: &str, body: ActionBody) -> Result<Action, Problem> {
    let lasting = lasting(body.lasting.as_deref())?;
    let note = short("note", body.note, model_limits::NOTE_CHARS_MAX)?;
    let text = short("text", body.text, model_limits::NOTE_CHARS_MAX)?;
    let by = short("by", body.by, NAME_CHARS_MAX)?.filter(|by| !by.trim().is_empty());
    let to = match body.to {
        Some(to) => Some(short("to", to, NAME_CHARS_MAX)?.filter(|to| !to.trim().is_empty())),
        None => None,
    };
    let takes = |name: &str, given: bool, takes: bool| match given && !takes {
        true => Err(Problem::bad_request(format!(
            "`{name}` means nothing to `{word}`"
        ))),
        false => Ok(()),
    };
    let needs = |name: &str| Problem::bad_request(format!("`{word}` needs `{name}`"));
    let verb = match word {
        "acknowledge" => ActionVerb::Acknowledge { lasting },
        "unacknowledge" => ActionVerb::Unacknowledge,
        "close" => ActionVerb::Close,
        "reopen" => ActionVerb::Reopen,
        "shelve" => ActionVerb::Shelve {
            lasting: lasting.ok_or_else(|| needs("for"))?,
        },
        "unshelve" => ActionVerb::Unshelve,
        "note" => ActionVerb::Note,
        "assign" => ActionVerb::Assign {
            to: to.clone().ok_or_else(|| needs("to"))?,
        },
        _ => {
            return Err(Problem::not_found(
                "there is no such action; there are: acknowledge, unacknowledge, close, reopen, shelve, unshelve, \
                 note, assign",
            ));
        }
    };
    takes(
        "for",
        lasting.is_some(),
        matches!(word, "acknowledge" | "shelve"),
    )?;
    takes("to", to.is_some(), word == "assign")?;
    takes("text", text.is_some(), word == "note")?;
    if text.is_some() && note.is_some() {
        return Err(Problem::bad_request(
            "`text` and `note` are the same here: send one of them",
        ));
    }
    let note = text.or(note).filter(|note| !note.trim().is_empty());
    if word == "note" && note.is_none() {
        return Err(needs("text"));
    }
    Ok(Action {
        verb,
        by: Actor {
            name: by.unwrap_or_else(|| "admin".to_owned()),
            via: "api".to_owned(),
        },
        note,
    })
}

fn lasting(text: Option<&str>) -> Result<Option<DurationMs>, Problem> {
    let lasting = parsed::<DurationMs>("for", text)?;
    match lasting {
        Some(lasting) if lasting <= DurationMs::ZERO || lasting > LASTING_MAX => {
            Err(Problem::bad_request(format!(
                "`for` must be more than 0s and at most {LASTING_MAX}"
            )))
        }
        lasting => Ok(lasting),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(word: &str, body: &str) -> Result<Action, ()> {
        let body: ActionBody = serde_json::from_str(body).map_err(|_| ())?;
        action(word, body).map_err(|_| ())
    }

    #[test]
    fn an_action_takes_what_it_needs_and_nothing_else() {
        let hour = DurationMs::from_hours(1);
        let assign = |to: Option<&str>| ActionVerb::Assign {
            to: to.map(str::to_owned),
        };
        for (word, body, verb) in [
            (
                "acknowledge",
                "{}",
                Some(ActionVerb::Acknowledge { lasting: None }),
            ),
            (
                "acknowledge",
                r#"{"for":"1h"}"#,
                Some(ActionVerb::Acknowledge {
                    lasting: Some(hour),
                }),
            ),
            ("acknowledge", r#"{"for":"0s"}"#, None),
            ("acknowledge", r#"{"for":"500d"}"#, None),
            ("acknowledge", r#"{"for":"soon"}"#, None),
            ("acknowledge", r#"{"to":"ann"}"#, None),
            ("acknowledge", r#"{"four":"1h"}"#, None),
            (
                "shelve",
                r#"{"for":"60m"}"#,
                Some(ActionVerb::Shelve { lasting: hour }),
            ),
            ("shelve", "{}", None),
            (
                "close",
                r#"{"by":"ann","note":"done"}"#,
                Some(ActionVerb::Close),
            ),
            ("close", r#"{"for":"1h"}"#, None),
            ("close", r#"{"text":"x"}"#, None),
            ("note", r#"{"text":"x"}"#, Some(ActionVerb::Note)),
            ("note", r#"{"note":"x"}"#, Some(ActionVerb::Note)),
            ("note", r#"{"note":"x","text":"y"}"#, None),
            ("note", r#"{"text":" "}"#, None),
            ("assign", r#"{"to":"ann"}"#, Some(assign(Some("ann")))),
            ("assign", r#"{"to":null}"#, Some(assign(None))),
            ("assign", "{}", None),
            ("explode", "{}", None),
        ] {
            assert_eq!(read(word, body).ok().map(|a| a.verb), verb, "{word} {body}");
        }
    }

    #[test]
    fn an_action_is_done_in_somebodys_name() {
        let by = |body| read("close", body).unwrap().by;
        assert_eq!(by("{}").name, "admin");
        assert_eq!(by(r#"{"by":"ann"}"#).name, "ann");
        assert_eq!(by("{}").via, "api");
    }
}
