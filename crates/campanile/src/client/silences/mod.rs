//! `silences`: from a command to requests, and from their answers to what is printed.

mod find;
mod show;

use std::io::Write;

use model::{Clock, Timestamp};
use serde_json::{Value, json};

use crate::cli::{AddArgs, DraftArgs, SilenceListArgs, SilencesArgs, SilencesCommand};
use crate::client::http::Hub;
use crate::client::json::{list, text};
use crate::client::list::listing;

/// What has not ended.
const LIVE: &str = "pending,active";
/// What has.
const ENDED: &str = "expired";
const PATH: &str = "/api/v1/silences";
/// Rows asked for at once.
const PAGE: usize = 500;
/// Pages that are read: a project has at most 5,000 silences, ended ones included.
const PAGES_MAX: usize = 100;

/// Does what was asked and prints it to `out`. `user` is who acts unless told otherwise.
pub async fn run(
    args: &SilencesArgs,
    user: &str,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let work = Work {
        hub: &Hub::from_args(&args.hub)?,
        json: args.json,
        now: clock.now(),
    };
    let printed = match &args.command {
        SilencesCommand::List(list_args) => work.list(list_args).await?,
        SilencesCommand::Add(add) => work.add(add, user).await?,
        SilencesCommand::Expire(expire) => work.expire(&expire.ids).await?,
        SilencesCommand::Preview(preview) => {
            let mut body = wanted(&preview.draft);
            let told = [("created_by", &preview.by), ("comment", &preview.comment)];
            for (name, value) in told {
                if let Some(value) = value {
                    body[name] = json!(value);
                }
            }
            let answer = work.preview(&body).await?;
            work.print(&answer, || show::preview(&answer, work.now))
        }
    };
    out.write_all(printed.as_bytes())?;
    Ok(())
}

/// The body that asks for this silence.
fn wanted(draft: &DraftArgs) -> Value {
    let mut body = json!({ "matchers": draft.matchers });
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    };
    set("project", draft.project.clone());
    set("starts_at", draft.from.map(|at| at.to_string()));
    set("ends_at", draft.until.map(|at| at.to_string()));
    set("lasting", draft.lasting.map(|lasting| lasting.to_string()));
    if !draft.weekly.is_empty() {
        let windows: Vec<_> = draft.weekly.iter().flat_map(|weekly| &weekly.0).collect();
        body["windows"] = json!(windows);
    }
    body
}

/// All silences in these states, newest first.
async fn fetch(hub: &Hub, parameters: &[(&str, String)]) -> anyhow::Result<Vec<Value>> {
    let mut silences: Vec<Value> = Vec::new();
    let mut cursor: Option<String> = None;
    for _page in 0..PAGES_MAX {
        let page = hub
            .get(&listing(PATH, parameters, cursor.as_deref()))
            .await?;
        silences.extend_from_slice(list(&page, "silences"));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    Ok(silences)
}

fn in_states(states: &str) -> Vec<(&'static str, String)> {
    vec![("state", states.to_owned()), ("limit", PAGE.to_string())]
}

struct Work<'a> {
    hub: &'a Hub,
    json: bool,
    now: Timestamp,
}

impl Work<'_> {
    fn print(&self, answer: &Value, for_people: impl FnOnce() -> String) -> String {
        if self.json {
            format!("{answer:#}\n")
        } else {
            for_people()
        }
    }

    async fn list(&self, args: &SilenceListArgs) -> anyhow::Result<String> {
        let states = match args.all {
            true => format!("{LIVE},{ENDED}"),
            false => LIVE.to_owned(),
        };
        let mut parameters = in_states(&states);
        let optional = |value: &Option<String>| value.clone().unwrap_or_default();
        parameters.push(("project", optional(&args.project)));
        parameters.push(("matcher", optional(&args.matcher)));
        let silences = fetch(self.hub, &parameters).await?;
        let answer = json!({ "silences": silences });
        Ok(self.print(&answer, || show::table_of(&silences, args.all, self.now)))
    }

    async fn preview(&self, body: &Value) -> anyhow::Result<Value> {
        Ok(self.hub.post(&format!("{PATH}/preview"), body).await?)
    }

    async fn add(&self, args: &AddArgs, user: &str) -> anyhow::Result<String> {
        let mut body = wanted(&args.draft);
        // Looked at first: what cannot be made is refused here, and nothing was done.
        let preview = self.preview(&body).await?;
        body["created_by"] = json!(args.by.as_deref().unwrap_or(user));
        body["comment"] = json!(args.comment);
        let mut silence = self.hub.post(PATH, &body).await?;
        if self.json {
            silence["preview"] = preview;
            return Ok(format!("{silence:#}\n"));
        }
        Ok(show::made(&silence, &preview, self.now))
    }

    /// Ends all of them, or says which of them is not clear before it ends any.
    async fn expire(&self, typed: &[String]) -> anyhow::Result<String> {
        let mut found = Vec::new();
        for id in typed {
            found.push(find::find(self.hub, id).await?);
        }
        let mut ended = Vec::new();
        let mut printed = String::new();
        for silence in &found {
            let answer = self
                .hub
                .delete(&format!("{PATH}/{}", text(silence, "id")))
                .await?;
            let had_ended = text(silence, "state") == ENDED;
            printed.push_str(&show::ended(&answer, had_ended, self.now));
            ended.push(answer);
        }
        Ok(self.print(&json!({ "silences": ended }), || printed))
    }
}
