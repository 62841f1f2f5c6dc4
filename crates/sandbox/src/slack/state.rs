//! What a Slack workspace knows: channels, messages, tokens, hooks.

use super::names::{Ts, is_id, is_name, is_user, stable_id};
use crate::limits;
use crate::pace::Pace;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// What a message shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Content {
    pub text: String,
    pub attachments: Vec<Value>,
    pub blocks: Vec<Value>,
}

/// What a message showed until an edit.
#[derive(Debug, Clone, Serialize)]
pub struct Version {
    /// When the edit came, milliseconds since the epoch.
    pub until: i64,
    #[serde(flatten)]
    pub content: Content,
}

/// A message with its history.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    pub ts: String,
    /// The parent's `ts` if it is a reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_ts: Option<String>,
    /// The identity that wrote it, and alone may edit it.
    pub bot_id: String,
    pub user: String,
    /// The name shown.
    pub author: String,
    #[serde(flatten)]
    pub content: Content,
    /// When its text was last edited, milliseconds since the epoch. Edits of blocks do not show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited: Option<i64>,
    /// What `chat.postMessage` got as `metadata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// Earlier contents, oldest first.
    pub history: Vec<Version>,
    #[serde(skip)]
    pub(super) overrides: Map<String, Value>,
    #[serde(skip)]
    pub(super) bytes: usize,
}

/// A conversation.
#[derive(Debug, Clone, Serialize)]
pub struct Channel {
    pub id: String,
    pub name: String,
    pub private: bool,
    pub archived: bool,
    /// Whether the app is a member.
    pub member: bool,
    /// Whether the app may not post (a workspace preference).
    pub posting_restricted: bool,
    #[serde(skip)]
    pub(super) messages: BTreeMap<Ts, Message>,
    #[serde(skip)]
    last_ts: u64,
}

/// Who a token is.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) bot_id: String,
    pub(super) user: String,
    pub(super) name: String,
    pub(super) scopes: Vec<String>,
}

/// What was set for a token by hand.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TokenKnob {
    pub(super) error: Option<String>,
    pub(super) scopes: Option<Vec<String>>,
    pub(super) name: Option<String>,
}

/// What was set for an incoming webhook by hand.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct HookKnob {
    pub(super) error: Option<String>,
    pub(super) channel: Option<String>,
}

/// The whole workspace.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) channels: BTreeMap<String, Channel>,
    pub(super) tokens: HashMap<String, TokenKnob>,
    pub(super) hooks: HashMap<String, HookKnob>,
    /// How long after posting a message may be edited; `None` is always.
    pub(super) edit_window_ms: Option<i64>,
    /// Whether a public channel name that is posted to for the first time makes the channel.
    pub(super) create_channels: bool,
    pub(super) pace: Pace,
    order: VecDeque<(String, Ts)>,
    bytes: usize,
}

impl Default for Workspace {
    fn default() -> Self {
        Self {
            channels: BTreeMap::new(),
            tokens: HashMap::new(),
            hooks: HashMap::new(),
            edit_window_ms: None,
            create_channels: true,
            pace: Pace::default(),
            order: VecDeque::new(),
            bytes: 0,
        }
    }
}

impl Channel {
    pub(super) fn new(id: String, name: String) -> Self {
        Self {
            id,
            name,
            private: false,
            archived: false,
            member: true,
            posting_restricted: false,
            messages: BTreeMap::new(),
            last_ts: 0,
        }
    }

    /// A new message's `ts`: now, but later than every one before.
    fn next_ts(&mut self, now: i64) -> Ts {
        let micros = u64::try_from(now).unwrap_or(0).saturating_mul(1_000);
        self.last_ts = micros.max(self.last_ts + 1);
        Ts(self.last_ts)
    }
}

impl Workspace {
    /// A channel by name, with or without `#`.
    pub(super) fn by_name(&self, name: &str) -> Option<&Channel> {
        let name = name.trim_start_matches('#');
        self.channels.values().find(|channel| channel.name == name)
    }

    /// A channel by name or id.
    pub(super) fn find(&self, name_or_id: &str) -> Option<&Channel> {
        self.channels
            .get(name_or_id)
            .or_else(|| self.by_name(name_or_id))
    }

    /// Finds where a message goes: an id, or the name of a public channel (made when first seen), or a user's
    /// id, whose direct conversation is opened. `None` is `channel_not_found`.
    pub(super) fn resolve(&mut self, given: &str) -> Option<String> {
        if is_id(given) {
            let visible = |found: &&Channel| !found.private || found.member;
            return self
                .channels
                .get(given)
                .filter(visible)
                .map(|found| found.id.clone());
        }
        if is_user(given) {
            let name = format!("direct-{}", given.to_lowercase());
            let mut direct = Channel::new(stable_id('D', given), name);
            direct.private = true;
            return self.add_channel(direct).map(|channel| channel.id.clone());
        }
        let name = given.strip_prefix('#').unwrap_or(given);
        match self.by_name(name) {
            // Private channels go by id only, for members too.
            Some(channel) => (!channel.private).then(|| channel.id.clone()),
            None if self.create_channels && is_name(name) => {
                let channel = Channel::new(stable_id('C', name), name.to_owned());
                self.add_channel(channel).map(|channel| channel.id.clone())
            }
            None => None,
        }
    }

    /// Adds a channel; `None` if there are too many.
    pub(super) fn add_channel(&mut self, channel: Channel) -> Option<&mut Channel> {
        if self.channels.len() >= limits::SLACK_CHANNELS && !self.channels.contains_key(&channel.id)
        {
            return None;
        }
        Some(self.channels.entry(channel.id.clone()).or_insert(channel))
    }

    /// Adds a message to a channel that exists, drops the oldest of the workspace above the limits.
    pub(super) fn add_message(
        &mut self,
        channel: &str,
        mut message: Message,
        now: i64,
    ) -> Option<Message> {
        let home = self.channels.get_mut(channel)?;
        let ts = home.next_ts(now);
        message.ts = ts.to_string();
        message.bytes = weight(&message.content);
        self.bytes += message.bytes;
        home.messages.insert(ts, message.clone());
        self.order.push_back((channel.to_owned(), ts));
        self.make_room();
        Some(message)
    }

    /// Puts a new content in a message's place; the old one goes into its history.
    pub(super) fn edit(
        &mut self,
        channel: &str,
        ts: Ts,
        content: Content,
        now: i64,
    ) -> Option<Message> {
        let message = self.channels.get_mut(channel)?.messages.get_mut(&ts)?;
        if message.content.text != content.text {
            message.edited = Some(now);
        }
        let until = std::mem::replace(&mut message.content, content);
        message.history.push(Version {
            until: now,
            content: until,
        });
        if message.history.len() > limits::SLACK_VERSIONS {
            message.history.remove(0);
        }
        self.bytes -= message.bytes;
        message.bytes = weight(&message.content)
            + message
                .history
                .iter()
                .map(|version| weight(&version.content))
                .sum::<usize>();
        self.bytes += message.bytes;
        let edited = message.clone();
        self.make_room();
        Some(edited)
    }

    pub(super) fn delete(&mut self, channel: &str, ts: Ts) {
        if let Some(message) = self
            .channels
            .get_mut(channel)
            .and_then(|home| home.messages.remove(&ts))
        {
            self.bytes -= message.bytes;
        }
    }

    fn make_room(&mut self) {
        while self.order.len() > limits::SLACK_MESSAGES || self.bytes > limits::SLACK_MESSAGE_BYTES
        {
            let Some((channel, ts)) = self.order.pop_front() else {
                break;
            };
            self.delete(&channel, ts);
        }
    }
}

/// About how many bytes a content keeps.
fn weight(content: &Content) -> usize {
    fn of(value: &Value) -> usize {
        16 + match value {
            Value::String(text) => text.len(),
            Value::Array(list) => list.iter().map(of).sum(),
            Value::Object(map) => map
                .iter()
                .map(|(name, value)| name.len() + 48 + of(value))
                .sum(),
            _ => 0,
        }
    }
    256 + content.text.len()
        + content.attachments.iter().map(of).sum::<usize>()
        + content.blocks.iter().map(of).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Message {
        Message {
            ts: String::new(),
            thread_ts: None,
            bot_id: "B1".into(),
            user: "U1".into(),
            author: "bot".into(),
            content: Content {
                text: text.into(),
                ..Content::default()
            },
            edited: None,
            metadata: None,
            history: Vec::new(),
            overrides: Map::new(),
            bytes: 0,
        }
    }

    #[test]
    fn ts_are_unique_and_increase_even_if_the_clock_stands_or_goes_back() {
        let mut workspace = Workspace::default();
        workspace
            .add_channel(Channel::new("C1".into(), "ops".into()))
            .unwrap();
        let times = [1_000, 1_000, 1_000, 500, 2_000];
        let all: Vec<_> = times
            .map(|now| workspace.add_message("C1", message("a"), now).unwrap().ts)
            .to_vec();
        assert_eq!(
            all,
            ["1.000000", "1.000001", "1.000002", "1.000003", "2.000000"]
        );
    }

    #[test]
    fn i10_the_oldest_messages_go_when_the_workspace_is_full() {
        let mut workspace = Workspace::default();
        workspace
            .add_channel(Channel::new("C1".into(), "ops".into()))
            .unwrap();
        let text = "x".repeat(limits::SLACK_MESSAGE_BYTES / 4);
        let first = workspace.add_message("C1", message(&text), 1).unwrap();
        for now in 2..5 {
            workspace.add_message("C1", message(&text), now).unwrap();
        }
        let left = &workspace.channels["C1"].messages;
        assert_eq!(left.len(), 3);
        assert!(!left.contains_key(&Ts::parse(&first.ts).unwrap()));
        for now in 5..(limits::SLACK_MESSAGES as i64 + 100) {
            workspace.add_message("C1", message("x"), now).unwrap();
        }
        assert!(workspace.channels["C1"].messages.len() <= limits::SLACK_MESSAGES);
    }
}
