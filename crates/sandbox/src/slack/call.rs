//! One call of a method: what every method needs of its arguments and its caller.

use super::args::Args;
use super::names::{Ts, is_id};
use super::reply::Refusal;
use super::state::{Caller, Workspace};
use crate::pace::Allowance;
use crate::vendor::Conditions;
use serde_json::{Value, json};

/// One call: the workspace, who calls, with what.
pub(super) struct Call<'a> {
    pub(super) workspace: &'a mut Workspace,
    pub(super) caller: Caller,
    pub(super) args: Args,
    pub(super) conditions: Conditions,
    pub(super) problems: &'a mut Vec<String>,
}

impl Call<'_> {
    /// An argument that must be there.
    pub(super) fn required(&mut self, name: &str) -> Result<String, Refusal> {
        let missing = format!("[ERROR] missing required field: {name}");
        let value = self.args.text(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| {
            Refusal::broken("invalid_arguments", &format!("no {name}"), self.problems)
                .with("response_metadata", json!({ "messages": [missing] }))
        })
    }

    /// A channel by its id; a name is unknown here.
    pub(super) fn channel_by_id(&mut self) -> Result<String, Refusal> {
        let channel = self.required("channel")?;
        if !is_id(&channel) {
            return Err(Refusal::broken(
                "channel_not_found",
                "this method needs a channel's id, not its name",
                self.problems,
            ));
        }
        let visible = self
            .workspace
            .channels
            .get(&channel)
            .is_some_and(|found| !found.private || found.member);
        if visible {
            Ok(channel)
        } else {
            Err("channel_not_found".into())
        }
    }

    /// The `ts` argument, which must be text: as a number it loses digits.
    pub(super) fn ts(&mut self) -> Result<Ts, Refusal> {
        let ts = self.required("ts")?;
        if self.args.get("ts").is_some_and(Value::is_number) {
            return Err(Refusal::broken(
                "message_not_found",
                "ts must stay text, as a number it loses digits",
                self.problems,
            ));
        }
        Ts::parse(&ts).ok_or_else(|| {
            Refusal::broken(
                "message_not_found",
                "ts is not seconds.micros",
                self.problems,
            )
        })
    }

    /// Takes one from a bucket if limits apply.
    pub(super) fn pace(&mut self, bucket: &str, allowance: Allowance) -> Result<(), Refusal> {
        if !self.conditions.limits {
            return Ok(());
        }
        self.workspace
            .pace
            .take(bucket, allowance, self.conditions.now)
            .map_err(Refusal::ratelimited)
    }

    pub(super) fn has_scope(&self, scope: &str) -> bool {
        self.caller.scopes.iter().any(|has| has == scope)
    }
}
