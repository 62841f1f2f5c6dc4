//! The inbox as a person sees it: threads, the newest first.

use super::Mail;
use crate::exchange::Reply;
use crate::kept::Kept;
use crate::limits;
use crate::page::{escape, shell, time_of_day};
use std::fmt::Write as _;

pub(super) fn inbox(mails: &Kept<Mail>) -> Reply {
    let mut main = format!(
        "<header class=\"bar\"><h1>SendGrid inbox</h1><p>{} mails</p></header>",
        mails.total()
    );
    if mails.total() == 0 {
        main.push_str("<p class=\"empty\">Nothing yet.</p>");
    }
    let newest: Vec<&Mail> = mails.iter().rev().take(limits::PAGE_DELIVERIES).collect();
    let mut shown = vec![false; newest.len()];
    for (place, mail) in newest.iter().enumerate() {
        if shown[place] {
            continue;
        }
        main.push_str("<section class=\"hit\">");
        for (other, same) in newest.iter().enumerate().skip(place) {
            if other == place || (thread(mail).is_some() && thread(same) == thread(mail)) {
                shown[other] = true;
                one(&mut main, same);
            }
        }
        main.push_str("</section>");
    }
    shell("SendGrid inbox", &main)
}

/// The message at the root of a mail's thread.
fn thread(mail: &Mail) -> Option<&str> {
    mail.header("references")
        .and_then(|list| list.split_whitespace().next())
        .or_else(|| mail.header("message-id"))
}

fn one(out: &mut String, mail: &Mail) {
    let _ = write!(
        out,
        "<p><span class=\"when\">{}</span><b>{}</b><span class=\"when\">{} to {}</span></p>",
        time_of_day(mail.at),
        escape(&mail.subject),
        escape(&mail.from),
        escape(&mail.recipients.join(", "))
    );
    // As plain text: a mail's HTML is its sender's.
    if let Some((_, text)) = mail.content.first() {
        let text: String = text.chars().take(limits::PAGE_BODY_CHARS).collect();
        let _ = write!(out, "<pre>{}</pre>", escape(&text));
    }
}
