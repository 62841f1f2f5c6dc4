//! The sink `pagerduty`: a service's integration key over Events API v2, and with a REST credential what that API cannot
//! say.

use model::{Capabilities, DurationMs, Outcome, Secret, Verb};
use serde_json::{Value, json};
use wire::http::{HttpRequest, host_of};

use super::kind::AcknowledgeFrom;
use super::manifest::{MANIFEST, NO_INCIDENT};
use super::plan::{Say, Write};
use super::rest::{Found, Rest, found};
use super::settings::events_pace;
use super::{judge, render};
use crate::kit::{
    AFTER_MAX, Finish, Judge, Next, Pace, Reply, Sink, SinkManifest, Step, Task, account_name,
};

/// "dedup_key": longest, in characters (Events API v2, read 2026-11).
const DEDUP_KEY_CHARS_MAX: usize = 255;

/// A service.
pub struct PagerDuty {
    pub routing_key: Secret,
    /// Names the key in buckets.
    pub key_name: String,
    pub base_url: String,
    pub acknowledge_from: AcknowledgeFrom,
    pub rest: Option<Rest>,
    pub events_per_minute: Option<u32>,
}

impl PagerDuty {
    pub fn acks_from_anywhere(&self) -> bool {
        self.acknowledge_from == AcknowledgeFrom::Anywhere
    }

    /// The key of the alert's object: what was used before, else the alert's id.
    fn dedup_key(&self, task: &Task<'_>) -> String {
        let kept = task.handle.map(|handle| handle.object.as_str());
        let kept = kept.filter(|key| !key.is_empty() && key.chars().count() <= DEDUP_KEY_CHARS_MAX);
        kept.map_or_else(|| task.alert.id.to_string(), str::to_owned)
    }

    fn enqueue(&self, body: String, at: &str) -> Next {
        let url = format!("{}/v2/enqueue", self.base_url);
        Next::request_with(HttpRequest::post_json(url, body), json!({ "at": at }))
    }

    fn find(&self, key: &str, is_second: bool) -> Next {
        let Some(rest) = &self.rest else {
            return refused(NO_INCIDENT);
        };
        let (at, after) = match is_second {
            false => ("find", DurationMs::ZERO),
            // Events are queued: what was triggered a moment ago is listed a moment later.
            true => ("find_again", AFTER_MAX),
        };
        Next::Request {
            request: Box::new(rest.find(key)),
            memo: json!({ "at": at }),
            after,
        }
    }

    fn begin(&self, task: &Task<'_>, say: Say) -> Next {
        let dedup_key = self.dedup_key(task);
        let head = render::Head {
            routing_key: self.routing_key.expose(),
            dedup_key: &dedup_key,
        };
        match say {
            Say::Trigger | Say::TriggerThenAcknowledge | Say::TriggerThenWithdraw => {
                self.enqueue(render::trigger(task, &head), "event")
            }
            Say::Acknowledge => self.enqueue(render::action("acknowledge", &head), "event"),
            Say::Resolve => self.enqueue(render::action("resolve", &head), "event"),
            Say::Write(_) => self.find(&dedup_key, false),
            Say::Refuse(why) => refused(why),
            Say::Leave(why) => Next::Finish(Finish {
                outcome: Outcome::Delivered,
                handle: None,
                status: None,
                excerpt: why.to_owned(),
            }),
        }
    }

    /// An event was answered.
    fn after_event(&self, task: &Task<'_>, say: Say, reply: &Reply, is_last: bool) -> Next {
        let dedup_key = self.dedup_key(task);
        let triggers = matches!(
            say,
            Say::Trigger | Say::TriggerThenAcknowledge | Say::TriggerThenWithdraw
        );
        let judge = self.judge(task);
        let finish = judge::events(&judge, reply, triggers.then_some(&dedup_key));
        let head = render::Head {
            routing_key: self.routing_key.expose(),
            dedup_key: &dedup_key,
        };
        match say {
            _ if is_last || finish.outcome != Outcome::Accepted => Next::Finish(finish),
            Say::TriggerThenAcknowledge => {
                self.enqueue(render::action("acknowledge", &head), "last_event")
            }
            Say::TriggerThenWithdraw => self.find(&dedup_key, false),
            _ => Next::Finish(finish),
        }
    }

    /// A look-up was answered.
    fn after_find(&self, task: &Task<'_>, say: Say, reply: &Reply, is_second: bool) -> Next {
        let dedup_key = self.dedup_key(task);
        let mut finish = judge::rest(&self.judge(task), reply);
        let (Ok(answer), Outcome::Delivered) = (reply, &finish.outcome) else {
            // A look-up changes nothing, so nothing is in doubt.
            if finish.outcome == Outcome::Ambiguous {
                finish.outcome = Outcome::Retry;
            }
            return Next::Finish(settled(say, finish, &dedup_key));
        };
        let judge = self.judge(task);
        let end = |outcome, sentence| {
            let finish = judge.finish(outcome, Some(answer.status), sentence, "");
            Next::Finish(settled(say, finish, &dedup_key))
        };
        let (Found::One(incident), Some(rest)) = (found(answer), &self.rest) else {
            return match found(answer) {
                Found::None if !is_second => self.find(&dedup_key, true),
                Found::Several => end(
                    Outcome::PayloadBad,
                    "More than one service of the account has an open incident with this alert's key, so this was left out: set `service`.",
                ),
                Found::Unreadable => end(
                    Outcome::Retry,
                    "The answer is not PagerDuty's: check `api_base_url`, or a proxy in between.",
                ),
                Found::None | Found::One(_) => end(Outcome::PayloadBad, NO_INCIDENT),
            };
        };
        let request = match say {
            Say::Write(Write::Note) => {
                let event = match task.verb {
                    Verb::Note(seq) => task.events.iter().find(|event| event.seq == seq),
                    _ => None,
                };
                rest.note(&incident, &render::note(task, event))
            }
            Say::Write(Write::Snooze(until)) => rest.snooze(&incident, until, task.now),
            Say::Write(Write::Acknowledged) if incident.is_acknowledged => {
                return end(Outcome::Delivered, "It was so already.");
            }
            Say::Write(Write::Acknowledged) => rest.status(&incident, "acknowledged"),
            _ if !incident.is_acknowledged => {
                return end(Outcome::Delivered, "It was so already.");
            }
            _ => rest.status(&incident, "triggered"),
        };
        Next::request_with(request, json!({ "at": "write" }))
    }

    fn judge(&self, task: &Task<'_>) -> Judge<'_> {
        Judge {
            manifest: &MANIFEST,
            secrets: self.secrets(),
            now: task.now,
            overrides: &[],
        }
    }
}

/// After a trigger that was taken, what the REST API refuses takes nothing away from it: the incident is open.
fn settled(say: Say, mut finish: Finish, dedup_key: &str) -> Finish {
    if say == Say::TriggerThenWithdraw {
        finish.handle = Some(judge::handle(dedup_key));
        if finish.outcome == Outcome::PayloadBad {
            finish.outcome = Outcome::Accepted;
        }
    }
    finish
}

fn refused(why: &str) -> Next {
    Next::Finish(Finish {
        outcome: Outcome::PayloadBad,
        handle: None,
        status: None,
        excerpt: why.to_owned(),
    })
}

impl Sink for PagerDuty {
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        let say = self.say(task);
        let Some(reply) = step.reply else {
            return self.begin(task, say);
        };
        match step.memo.get("at").and_then(Value::as_str) {
            Some("find") => self.after_find(task, say, reply, false),
            Some("find_again") => self.after_find(task, say, reply, true),
            Some("write") => {
                let finish = judge::rest(&self.judge(task), reply);
                Next::Finish(settled(say, finish, &self.dedup_key(task)))
            }
            Some("last_event") => self.after_event(task, say, reply, true),
            _ => self.after_event(task, say, reply, false),
        }
    }

    /// Every request to the Events API is an event.
    fn probe(&self, _: Step<'_>) -> Option<Next> {
        None
    }

    /// M6: a setting leaves acknowledging to PagerDuty alone; a snooze acknowledges there too.
    fn can(&self, manifest: &'static SinkManifest) -> Capabilities {
        let (anywhere, rest) = (self.acks_from_anywhere(), self.rest.is_some());
        Capabilities {
            ack: anywhere,
            unack: anywhere && rest,
            note: rest,
            snooze: anywhere && rest,
            ..manifest.can
        }
    }

    fn paces(&self, task: &Task<'_>) -> Vec<Pace> {
        let say = self.say(task);
        let mut paces = Vec::new();
        if !matches!(say, Say::Write(_)) {
            let bucket = format!("pagerduty:events:{}", self.key_name);
            paces.push(events_pace(bucket, self.events_per_minute));
        }
        if let (Say::Write(_) | Say::TriggerThenWithdraw, Some(rest)) = (say, &self.rest) {
            // REST API v2, "Rate limits", read 2026-11: 960 requests a minute for one key; a task makes up to three.
            paces.push(Pace {
                bucket: format!(
                    "pagerduty:rest:{}",
                    account_name(&rest.base_url, rest.token())
                ),
                every: DurationMs(200),
                burst: 20,
            });
        }
        paces
    }

    fn target(&self) -> String {
        let host = host_of(&self.base_url);
        match self.rest.as_ref().and_then(|rest| rest.service.as_deref()) {
            Some(service) => format!("{service} at {host}"),
            None => host,
        }
    }

    fn secrets(&self) -> Vec<&Secret> {
        let mut secrets = vec![&self.routing_key];
        secrets.extend(self.rest.iter().flat_map(Rest::secrets));
        secrets
    }
}
