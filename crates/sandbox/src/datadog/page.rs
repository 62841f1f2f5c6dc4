//! The event stream as a person sees it: aggregates together, newest first.

use super::state::{Event, State};
use crate::exchange::Reply;
use crate::limits;
use crate::page::{escape, shell, time_of_day};
use std::fmt::Write as _;

pub(super) fn stream(state: &State) -> Reply {
    let mut main = format!(
        "<header class=\"bar\"><h1>Datadog events</h1><p>{} in all</p></header>",
        state.events.total()
    );
    if state.events.total() == 0 {
        main.push_str("<p class=\"empty\">Nothing yet.</p>");
    }
    let newest: Vec<&Event> = state
        .events
        .iter()
        .rev()
        .take(limits::PAGE_MESSAGES)
        .collect();
    let mut shown = vec![false; newest.len()];
    for (place, event) in newest.iter().enumerate() {
        if shown[place] {
            continue;
        }
        main.push_str("<section class=\"hit\">");
        for (other, same) in newest.iter().enumerate().skip(place) {
            let together =
                event.aggregation_key.is_some() && same.aggregation_key == event.aggregation_key;
            if other == place || together {
                shown[other] = true;
                one(&mut main, same);
            }
        }
        main.push_str("</section>");
    }
    shell("Datadog events", &main)
}

fn one(out: &mut String, event: &Event) {
    let tone = match event.alert_type.as_str() {
        "success" => "good",
        "error" => "bad",
        _ => "",
    };
    let _ = write!(
        out,
        "<p><span class=\"when\">{}</span><span class=\"tag {tone}\">{}</span><b>{}</b><span class=\"when\">{}</span></p>",
        time_of_day(event.at),
        escape(&event.alert_type),
        escape(&event.title),
        escape(&event.tags.join(" "))
    );
    let text: String = event.text.chars().take(limits::PAGE_BODY_CHARS).collect();
    let _ = write!(out, "<pre>{}</pre>", escape(&text));
}
