//! How a task goes on: its calls one after the other, and the question what became of them, because the answer 202 only
//! says that a request was understood.
//!
//! The create is asked after before anything follows it (later calls need the alert), and so is the last call; what lies
//! between stands or falls with them.

use model::{DurationMs, Handle, Outcome, Verb};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wire::http::{HttpReply, HttpRequest};

use super::api::AlertApi;
use super::calls::{self, alias, of_alias};
use super::judge::{self, Answer, Fate};
use super::plan::{CALLS_MAX, Call, object, plan};
use super::render::Shown;
use crate::kit::{Finish, Next, Reply, Step, Task};

/// When to ask after one request: soon at first, because most are quick.
const ASK_AFTER_MS: [i64; 4] = [300, 700, 1500, 2000];
/// Questions in one task.
const QUESTIONS_MAX: u32 = 6;
/// Requests of one task: calls, questions, and one look at the alert.
pub(crate) const REQUESTS_MAX: u32 = CALLS_MAX + QUESTIONS_MAX + 1;

/// Where a task stands.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Memo {
    /// The call that the reply belongs to.
    call: usize,
    phase: Phase,
    /// Questions so far, about this call and in all.
    asked: usize,
    asked_all: u32,
    /// The alert's id there.
    alert: Option<String>,
    /// Why it is not certain that everything was applied.
    unsure: Option<String>,
    /// The vendor's words about what was applied.
    words: String,
}

/// What the reply answers.
#[derive(Default, Serialize, Deserialize)]
enum Phase {
    #[default]
    Call,
    /// What became of this request?
    Question(String),
    /// How does the alert look? A call was refused with these words.
    Look(String),
}

impl AlertApi {
    /// The next request of a task, or its end.
    pub(super) fn talk(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        let calls = plan(task, &self.form, self.product.full);
        let memo: Memo = serde_json::from_value(step.memo.clone()).unwrap_or_default();
        let Some(reply) = step.reply else {
            return match calls.first() {
                Some(call) => self.send(task, call, memo),
                None => Next::Finish(self.judge(task.now).finish(
                    Outcome::Delivered,
                    None,
                    "Nothing has changed that is shown there.",
                    "",
                )),
            };
        };
        let (id, words) = match &memo.phase {
            Phase::Question(id) => (Some(id.clone()), None),
            Phase::Look(words) => (None, Some(words.clone())),
            Phase::Call => (None, None),
        };
        match (id, words, reply) {
            (Some(id), _, reply) => self.told(task, &calls, memo, id, reply),
            (_, Some(words), reply) => self.looked(task, &calls, memo, &words, reply),
            (_, _, Ok(reply)) => self.answered(task, &calls, memo, reply),
            (_, _, Err(error)) => {
                let finish = self.judge(task.now).transport(error);
                self.failed(task, &calls, memo, finish)
            }
        }
    }

    fn send(&self, task: &Task<'_>, call: &Call<'_>, memo: Memo) -> Next {
        let made = calls::request(task, &self.form, call);
        let request = self.to(made.method, &made.path, Some(&made.body));
        after(request, &memo, 0)
    }

    fn go_on(&self, task: &Task<'_>, calls: &[Call<'_>], mut memo: Memo) -> Next {
        memo.call += 1;
        memo.asked = 0;
        memo.phase = Phase::Call;
        match calls.get(memo.call) {
            Some(call) => self.send(task, call, memo),
            None => Next::Finish(self.done(task, &memo)),
        }
    }

    /// All calls were made.
    fn done(&self, task: &Task<'_>, memo: &Memo) -> Finish {
        let judge = self.judge(task.now);
        let mut finish = match &memo.unsure {
            None => judge.finish(Outcome::Delivered, Some(200), "", &memo.words),
            Some(why) => judge.finish(Outcome::Accepted, Some(202), why, &memo.words),
        };
        finish.handle = self.handle(task, memo);
        finish
    }

    fn handle(&self, task: &Task<'_>, memo: &Memo) -> Option<Handle> {
        let shows_all = match task.verb {
            Verb::Open | Verb::Inform | Verb::Update => true,
            Verb::Set(told) | Verb::Repeat(told) => told != model::Told::Closed,
            _ => false,
        };
        let known = task.handle.and_then(object);
        let id = memo.alert.as_deref().or(known);
        if !shows_all || id.is_none() {
            return None;
        }
        // What may not have been applied is not remembered as shown.
        let told = (memo.unsure.is_none() && self.product.full)
            .then(|| Shown::of(task, &self.form).told());
        Some(Handle {
            object: id?.to_owned(),
            data: json!({ "alias": alias(task), "told": told }),
        })
    }

    /// The answer to a call.
    fn answered(&self, task: &Task<'_>, calls: &[Call<'_>], memo: Memo, reply: &HttpReply) -> Next {
        let mut memo = memo;
        let call = calls.get(memo.call);
        let answer = Answer::read(reply);
        if !(200..300).contains(&reply.status) {
            // The API itself knows no such alert; without its form it is the address that is wrong.
            let is_unknown = reply.status == 404
                && !matches!(call, Some(Call::Create))
                && answer.is_some_and(|a| a.request_id.is_some());
            return match call {
                Some(Call::Close(_) | Call::CloseObject(_)) if is_unknown => {
                    memo.words = "There was no such alert any more.".to_owned();
                    self.go_on(task, calls, memo)
                }
                _ if is_unknown => self.refused(task, "There is no such alert.", reply.status),
                _ => {
                    let finish = judge::error(&self.judge(task.now), reply);
                    self.failed(task, calls, memo, finish)
                }
            };
        }
        let Some(answer) = answer else {
            let sentence = format!(
                "The answer is not one of {}'s: check `base_url`, or a proxy in between.",
                self.product.name
            );
            let judge = self.judge(task.now);
            let status = Some(reply.status);
            return Next::Finish(judge.finish(
                Outcome::Ambiguous,
                status,
                &sentence,
                &reply.text(),
            ));
        };
        if judge::is_slowed(reply) {
            memo.words = format!("{} slows this key's requests down.", self.product.name);
        }
        let is_last = memo.call + 1 >= calls.len();
        let is_asked_after = is_last || matches!(call, Some(Call::Create));
        match answer.request_id {
            Some(id) if self.form.confirm && is_asked_after => self.ask(task, calls, memo, id),
            Some(_) if self.form.confirm => self.go_on(task, calls, memo),
            Some(_) => self.unsure(
                task,
                calls,
                memo,
                "It was taken; what becomes of it is not asked.",
            ),
            None => self.unsure(
                task,
                calls,
                memo,
                "It was taken, but the answer names no request to ask after.",
            ),
        }
    }

    /// A call failed. Of an update whose earlier calls were taken, the handle no longer says rightly what is shown there:
    /// the lane has to hear that, because a repeat leaves out what seems to be shown already.
    fn failed(&self, task: &Task<'_>, calls: &[Call<'_>], memo: Memo, finish: Finish) -> Next {
        if memo.call == 0 || task.verb != Verb::Update {
            return Next::Finish(finish);
        }
        match finish.outcome {
            // Repeating it would not help; the other texts may pass.
            Outcome::PayloadBad => self.unsure(task, calls, memo, &finish.excerpt),
            _ => Next::Finish(Finish {
                outcome: Outcome::Ambiguous,
                ..finish
            }),
        }
    }

    /// Asks what became of a request, after a pause that grows.
    fn ask(&self, task: &Task<'_>, calls: &[Call<'_>], mut memo: Memo, id: String) -> Next {
        let pause = ASK_AFTER_MS.get(memo.asked);
        let Some(pause) = pause.filter(|_| memo.asked_all < QUESTIONS_MAX) else {
            return self.unsure(
                task,
                calls,
                memo,
                "It was taken, but not processed while the hub waited.",
            );
        };
        memo.asked += 1;
        memo.asked_all += 1;
        let request = self.to(http::Method::GET, &format!("/requests/{id}"), None);
        memo.phase = Phase::Question(id);
        after(request, &memo, *pause)
    }

    /// The answer to a question.
    fn told(
        &self,
        task: &Task<'_>,
        calls: &[Call<'_>],
        mut memo: Memo,
        id: String,
        reply: &Reply,
    ) -> Next {
        let fate = match reply {
            Ok(reply) => judge::fate(reply),
            // The request itself was taken; only the question was lost.
            Err(_) => Fate::NotYet,
        };
        match fate {
            Fate::NotYet => self.ask(task, calls, memo, id),
            Fate::Unknown(why) => self.unsure(task, calls, memo, why),
            Fate::Done { alert, words } => {
                memo.alert = alert.or(memo.alert);
                memo.words = words;
                self.go_on(task, calls, memo)
            }
            Fate::Refused { words } => self.not_applied(task, calls, memo, words),
        }
    }

    /// A call was looked at and not applied. That is well where its state was there already.
    fn not_applied(
        &self,
        task: &Task<'_>,
        calls: &[Call<'_>],
        mut memo: Memo,
        words: String,
    ) -> Next {
        let call = calls.get(memo.call);
        if call.is_some_and(|call| is_there_already(call, &words)) {
            memo.words = words;
            return self.go_on(task, calls, memo);
        }
        let path = match call {
            Some(Call::Acknowledge(_) | Call::Unacknowledge(_) | Call::Close(_)) => {
                of_alias(&alias(task), "")
            }
            Some(Call::CloseObject(id)) => format!("/{}?identifierType=id", calls::segment(id)),
            _ => return self.refused(task, &words, 202),
        };
        // Words may change: how the alert looks now decides.
        if self.product.full {
            memo.phase = Phase::Look(words);
            return after(self.to(http::Method::GET, &path, None), &memo, 0);
        }
        self.unseen(task, calls, memo, &words)
    }

    /// How the alert looks after a call that was not applied.
    fn looked(
        &self,
        task: &Task<'_>,
        calls: &[Call<'_>],
        mut memo: Memo,
        words: &str,
        reply: &Reply,
    ) -> Next {
        let state = match reply {
            Ok(reply) if reply.status == 404 => Some((true, false)),
            Ok(reply) if (200..300).contains(&reply.status) => {
                let body: Option<Value> = serde_json::from_slice(&reply.body).ok();
                body.and_then(|body| {
                    let data = &body["data"];
                    let is_closed = data["status"].as_str()? == "closed";
                    Some((
                        is_closed,
                        data["acknowledged"].as_bool().unwrap_or_default(),
                    ))
                })
            }
            _ => None,
        };
        let Some((is_closed, is_acked)) = state else {
            return self.unseen(task, calls, memo, words);
        };
        let is_well = match calls.get(memo.call) {
            Some(Call::Close(_) | Call::CloseObject(_)) => is_closed,
            Some(Call::Acknowledge(_)) => !is_closed && is_acked,
            Some(Call::Unacknowledge(_)) => !is_closed && !is_acked,
            _ => false,
        };
        if is_well {
            memo.words = words.to_owned();
            return self.go_on(task, calls, memo);
        }
        self.refused(task, words, 202)
    }

    /// A state was not applied, and how the alert looks cannot be seen. Where the create before it went well, the
    /// alert is open, and most likely in that state already.
    fn unseen(&self, task: &Task<'_>, calls: &[Call<'_>], mut memo: Memo, words: &str) -> Next {
        if memo.call == 0 {
            return self.refused(task, words, 202);
        }
        memo.words = words.to_owned();
        self.unsure(
            task,
            calls,
            memo,
            "It was taken and not applied; perhaps it was so already.",
        )
    }

    fn unsure(&self, task: &Task<'_>, calls: &[Call<'_>], mut memo: Memo, why: &str) -> Next {
        memo.unsure.get_or_insert_with(|| why.to_owned());
        self.go_on(task, calls, memo)
    }

    fn refused(&self, task: &Task<'_>, words: &str, status: u16) -> Next {
        let sentence = format!(
            "{} took the request and then did not apply it: the alert may be closed or deleted there, or a rule of the integration may leave it out.",
            self.product.name
        );
        let judge = self.judge(task.now);
        Next::Finish(judge.finish(Outcome::PayloadBad, Some(status), &sentence, words))
    }
}

/// The known words for a state that was there already, or for an alert that is not there to be closed.
fn is_there_already(call: &Call<'_>, words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    let known: &[&str] = match call {
        Call::Close(_) | Call::CloseObject(_) => {
            &["already closed", "is closed", "not exist", "not found"]
        }
        Call::Acknowledge(_) => &["already acknowledged"],
        Call::Unacknowledge(_) => &["not acknowledged", "already unacknowledged"],
        _ => &[],
    };
    known.iter().any(|known| words.contains(known))
}

fn after(request: HttpRequest, memo: &Memo, pause_ms: i64) -> Next {
    Next::Request {
        request: Box::new(request),
        memo: serde_json::to_value(memo).unwrap_or_default(),
        after: DurationMs(pause_ms),
    }
}
