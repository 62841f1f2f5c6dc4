//! From what people type to one silence.

use model::SilenceId;
use serde_json::Value;

use super::{ENDED, LIVE, PATH, fetch, in_states};
use crate::client::http::Hub;
use crate::client::json::{short_id, text};
use crate::client::text::{clean, cut};

/// Fewer characters would mean another silence tomorrow.
const ABBREVIATION_CHARS_MIN: usize = 4;
/// Silences that a message names.
const NAMED_MAX: usize = 10;

/// The silence that is meant: by its id, or the beginning or the end of it.
pub async fn find(hub: &Hub, typed: &str) -> anyhow::Result<Value> {
    if let Ok(id) = typed.parse::<SilenceId>() {
        return Ok(hub.get(&format!("{PATH}/{id}")).await?);
    }
    let wanted = typed.trim().replace('-', "").to_lowercase();
    let shown = clean(typed);
    if wanted.len() < ABBREVIATION_CHARS_MIN || !wanted.chars().all(|c| c.is_ascii_hexdigit()) {
        anyhow::bail!(
            "`{shown}` is no silence's id: give at least {ABBREVIATION_CHARS_MIN} of the hexadecimal digits at its beginning or end.\n`campanile silences list` shows the ends of ids."
        );
    }
    // Those that hold something, or will, are usually meant.
    for states in [LIVE, ENDED] {
        let mut found = fetch(hub, &in_states(states)).await?;
        found.retain(|silence| is_abbreviated(silence, &wanted));
        match found.len() {
            0 => {}
            1 => return Ok(found.remove(0)),
            _ => anyhow::bail!(several(&shown, &found)),
        }
    }
    anyhow::bail!(
        "no silence's id begins or ends with `{shown}`.\n`campanile silences list --all` shows what there is."
    )
}

fn is_abbreviated(silence: &Value, wanted: &str) -> bool {
    let id = text(silence, "id").replace('-', "");
    id.starts_with(wanted) || id.ends_with(wanted)
}

fn several(shown: &str, found: &[Value]) -> String {
    let line = |silence: &Value| {
        let (id, comment) = (text(silence, "id"), text(silence, "comment"));
        format!("  {id}  {}", cut(&comment, 50))
    };
    let mut lines: Vec<String> = found.iter().take(NAMED_MAX).map(line).collect();
    if found.len() > NAMED_MAX {
        lines.push(format!("  and {} more", found.len() - NAMED_MAX));
    }
    format!(
        "`{shown}` is short for several silences; say which one by its id:\n{}\n(The last digits are enough, such as `{}`.)",
        lines.join("\n"),
        short_id(&found[0])
    )
}
