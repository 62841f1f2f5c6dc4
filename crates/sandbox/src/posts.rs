//! What simulated chats keep: messages in rooms, with their earlier versions, within limits.

use crate::exchange::Reply;
use crate::limits;
use crate::page::{day, escape, shell, time_of_day};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

/// A message as its vendor got it.
#[derive(Debug, Clone, Serialize)]
pub struct Post {
    pub id: u64,
    /// The channel, chat or topic.
    pub room: String,
    /// When it came, milliseconds since the epoch.
    pub at: i64,
    /// What it shows now, in the vendor's own form.
    pub content: Value,
    /// When it was last edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited: Option<i64>,
    /// The message that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// What it showed before its edits, oldest first.
    pub history: Vec<Value>,
    #[serde(skip)]
    bytes: usize,
}

/// The messages of one vendor. The oldest go first.
#[derive(Debug, Default)]
pub(crate) struct Posts {
    by_key: BTreeMap<(String, u64), Post>,
    order: VecDeque<(String, u64)>,
    bytes: usize,
}

impl Posts {
    pub(crate) fn add(
        &mut self,
        room: &str,
        id: u64,
        at: i64,
        content: Value,
        reply_to: Option<u64>,
    ) -> Post {
        let post = Post {
            id,
            room: room.to_owned(),
            at,
            edited: None,
            reply_to,
            history: Vec::new(),
            bytes: content.to_string().len(),
            content,
        };
        self.bytes += post.bytes;
        let key = (room.to_owned(), id);
        if let Some(old) = self.by_key.insert(key.clone(), post.clone()) {
            self.bytes -= old.bytes;
        } else {
            self.order.push_back(key);
        }
        self.make_room();
        post
    }

    pub(crate) fn get(&self, room: &str, id: u64) -> Option<&Post> {
        self.by_key.get(&(room.to_owned(), id))
    }

    pub(crate) fn edit(&mut self, room: &str, id: u64, at: i64, content: Value) -> Option<Post> {
        let post = self.by_key.get_mut(&(room.to_owned(), id))?;
        let before = std::mem::replace(&mut post.content, content);
        post.history.push(before);
        if post.history.len() > limits::CHAT_VERSIONS {
            post.history.remove(0);
        }
        post.edited = Some(at);
        self.bytes -= post.bytes;
        post.bytes = std::iter::once(&post.content)
            .chain(&post.history)
            .map(|content| content.to_string().len())
            .sum();
        self.bytes += post.bytes;
        let edited = post.clone();
        self.make_room();
        Some(edited)
    }

    pub(crate) fn remove(&mut self, room: &str, id: u64) -> Option<Post> {
        let post = self.by_key.remove(&(room.to_owned(), id))?;
        self.bytes -= post.bytes;
        Some(post)
    }

    /// The messages of a room, oldest first.
    pub(crate) fn of(&self, room: &str) -> impl Iterator<Item = &Post> {
        let (first, last) = ((room.to_owned(), 0), (room.to_owned(), u64::MAX));
        self.by_key.range(first..=last).map(|(_, post)| post)
    }

    /// Each room with its number of messages.
    pub(crate) fn rooms(&self) -> BTreeMap<&str, usize> {
        let mut rooms = BTreeMap::new();
        for (room, _) in self.by_key.keys() {
            *rooms.entry(room.as_str()).or_default() += 1;
        }
        rooms
    }

    fn make_room(&mut self) {
        while self.order.len() > limits::CHAT_MESSAGES || self.bytes > limits::CHAT_MESSAGE_BYTES {
            let Some((room, id)) = self.order.pop_front() else {
                break;
            };
            self.remove(&room, id);
        }
    }

    /// The vendor's pages: `/` lists its rooms, `/{word}/{room}` shows one, `/{word}/{room}.json` as data.
    pub(crate) fn page(
        &self,
        vendor: &str,
        title: &str,
        word: &str,
        path: &str,
        shown: fn(&Value) -> String,
    ) -> Option<Reply> {
        if path == "/" {
            return Some(self.index(vendor, title, word));
        }
        let asked = path.strip_prefix('/')?.strip_prefix(word)?;
        let asked = asked.strip_prefix('/')?.replace('+', "%2B");
        let asked = url::form_urlencoded::parse(format!("r={asked}").as_bytes())
            .next()?
            .1
            .into_owned();
        if let Some(room) = asked.strip_suffix(".json") {
            let messages: Vec<&Post> = self.of(room).collect();
            return Some(Reply::json(
                StatusCode::OK,
                &json!({ "messages": messages }),
            ));
        }
        Some(self.room(&asked, shown))
    }

    fn index(&self, vendor: &str, title: &str, word: &str) -> Reply {
        let title = escape(title);
        let mut main = format!(
            "<header class=\"bar\"><h1>{title}</h1><p>Simulated</p></header><ul class=\"list\">"
        );
        let rooms = self.rooms();
        for (room, count) in &rooms {
            let address: String = url::form_urlencoded::byte_serialize(room.as_bytes()).collect();
            let _ = write!(
                main,
                "<li><a href=\"/{vendor}/{word}/{address}\">{}</a><span>{count} message(s)</span></li>",
                escape(room)
            );
        }
        main.push_str("</ul>");
        if rooms.is_empty() {
            main.push_str("<p class=\"empty\">Nothing yet.</p>");
        }
        shell(&title, &main)
    }

    fn room(&self, room: &str, shown: fn(&Value) -> String) -> Reply {
        let all: Vec<&Post> = self.of(room).collect();
        let mut main = format!(
            "<header class=\"bar\"><h1>{}</h1><p>{} message(s)</p></header>",
            escape(room),
            all.len()
        );
        let mut last_day = String::new();
        for post in &all[all.len().saturating_sub(limits::PAGE_MESSAGES)..] {
            let today = day(post.at);
            if today != last_day {
                let _ = write!(main, "<div class=\"day\">{today}</div>");
                last_day = today;
            }
            let _ = write!(
                main,
                "<section class=\"hit\"><p><span class=\"when\">{}</span>",
                time_of_day(post.at)
            );
            if let Some(answered) = post.reply_to {
                let _ = write!(main, "<span class=\"tag\">answers {answered}</span>");
            }
            if post.edited.is_some() {
                main.push_str("<span class=\"edited\">(edited)</span>");
            }
            let _ = write!(main, "</p>{}</section>", shown(&post.content));
        }
        if all.is_empty() {
            main.push_str("<p class=\"empty\">Nobody has posted here yet.</p>");
        }
        shell(room, &main)
    }
}

/// A text of a message on a page: its lines, escaped.
pub(crate) fn text(text: &str) -> String {
    format!("<div>{}</div>", escape(text).replace('\n', "<br>"))
}

/// Does something with a switch's body, or says what is wrong with it.
pub(crate) fn with<'de, T: serde::Deserialize<'de>>(
    body: &'de [u8],
    then: impl FnOnce(T) -> Reply,
) -> Reply {
    match serde_json::from_slice(body) {
        Ok(switch) => then(switch),
        Err(error) => Reply::complaint(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

/// Puts a switch for one object (a webhook, a chat, a robot) into a vendor's table of them.
pub(crate) fn keep<T>(table: &mut BTreeMap<String, T>, key: String, value: T) -> Reply {
    if table.len() >= limits::CHAT_KNOBS && !table.contains_key(&key) {
        let problem = format!("at most {} of these", limits::CHAT_KNOBS);
        return Reply::complaint(StatusCode::BAD_REQUEST, &problem);
    }
    table.insert(key, value);
    Reply::json(StatusCode::OK, &json!({ "ok": true }))
}

/// A request as a vendor's own unit tests make it, with the answer's status and JSON.
#[cfg(test)]
pub(crate) mod trying {
    use crate::exchange::{Reply, Request};
    use crate::vendor::{Conditions, Vendor};
    use bytes::Bytes;
    use http::{HeaderMap, HeaderName, HeaderValue, Method};
    use serde_json::Value;
    use std::sync::Arc;

    /// 2026-03-03T12:00:00Z.
    pub(crate) const START: i64 = 1_772_539_200_000;

    pub(crate) fn call(
        vendor: &dyn Vendor,
        (method, at): (&str, &str),
        headers: &[(&'static str, &str)],
        body: &str,
        now: i64,
    ) -> Reply {
        let (path, query) = at.split_once('?').unwrap_or((at, ""));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(
                HeaderName::from_static(name),
                HeaderValue::from_str(value).expect("tests give good headers"),
            );
        }
        let request = Arc::new(Request {
            at: now,
            vendor: vendor.name(),
            method: Method::from_bytes(method.as_bytes()).expect("tests give good methods"),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: map,
            body: Bytes::from(body.to_owned()),
        });
        let conditions = Conditions { now, limits: true };
        vendor.handle(&request, conditions)
    }

    pub(crate) fn json(reply: &Reply) -> Value {
        serde_json::from_slice(&reply.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", reply.body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_keeps_what_was_shown_before_and_rooms_are_apart() {
        let mut posts = Posts::default();
        posts.add("a", 1, 10, json!("one"), None);
        posts.add("ab", 1, 10, json!("other"), None);
        let edited = posts.edit("a", 1, 20, json!("two")).unwrap();
        assert_eq!(
            (edited.content, edited.history, edited.edited),
            (json!("two"), vec![json!("one")], Some(20))
        );
        assert!(posts.edit("a", 2, 20, json!("x")).is_none());
        assert_eq!(posts.of("a").count(), 1);
        assert_eq!(posts.rooms(), BTreeMap::from([("a", 1), ("ab", 1)]));
        posts.remove("a", 1);
        assert_eq!(posts.of("a").count(), 0);
    }

    #[test]
    fn i10_the_oldest_messages_go_first() {
        let mut posts = Posts::default();
        for id in 0..=limits::CHAT_MESSAGES as u64 {
            posts.add("a", id, 0, json!(null), None);
        }
        assert_eq!(posts.of("a").count(), limits::CHAT_MESSAGES);
        assert!(posts.get("a", 0).is_none() && posts.get("a", 1).is_some());
    }

    #[test]
    fn hostile_names_and_texts_do_not_become_markup() {
        let mut posts = Posts::default();
        posts.add("<b>", 1, 0, json!("<script>"), None);
        let shown = |content: &Value| text(content.as_str().unwrap_or_default());
        for path in ["/", "/rooms/%3Cb%3E"] {
            let page = posts.page("x", "X", "rooms", path, shown).unwrap();
            let page = String::from_utf8(page.body.to_vec()).unwrap();
            assert!(page.contains("&lt;b&gt;"), "{page}");
            assert_eq!(page.matches("<script>").count(), 1, "only our own");
        }
        let data = posts
            .page("x", "X", "rooms", "/rooms/%3Cb%3E.json", shown)
            .unwrap();
        assert!(data.body.starts_with(b"{\"messages\":[{"));
        assert!(posts.page("x", "X", "rooms", "/other", shown).is_none());
    }
}
