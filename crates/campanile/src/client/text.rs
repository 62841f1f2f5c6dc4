//! Texts for a terminal. Labels are hostile: they may hold escape sequences that rewrite the screen.

use model::{DurationMs, Timestamp};

/// One line without control characters; what would steer a terminal or turn the direction of writing becomes a blank.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if steers(c) { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// At most `width` characters, with `…` where something was cut.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Lines of at most `width` characters, broken at blanks where possible.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word.to_owned();
        while word.chars().count() > width {
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            let rest = word.chars().skip(width).collect();
            lines.push(word.chars().take(width).collect());
            word = rest;
        }
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// `45s`, `3m`, `2h`, `5d`.
pub fn length(duration: DurationMs) -> String {
    let seconds = duration.0.max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// `3m ago`, `in 2h`, `now`.
pub fn relative(time: Timestamp, now: Timestamp) -> String {
    let past = now.since(time);
    if past.0.abs() < 1000 {
        "now".to_owned()
    } else if past.0 > 0 {
        format!("{} ago", length(past))
    } else {
        format!("in {}", length(DurationMs(past.0.saturating_neg())))
    }
}

/// `3m ago (2026-01-31T12:00:00.000Z)`, or a dash.
pub fn both(time: Option<Timestamp>, now: Timestamp) -> String {
    time.map_or_else(
        || "-".to_owned(),
        |time| format!("{} ({time})", relative(time, now)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_taken_out() {
        assert_eq!(clean("a\u{1b}[2Jb\r\n\u{202e}c\u{9b}31m"), "a [2Jb   c 31m");
        assert_eq!(clean("ÄÖ 漢字 ✓"), "ÄÖ 漢字 ✓");
    }

    #[test]
    fn long_texts_are_cut_and_wrapped_by_characters() {
        assert_eq!(cut("äöüß", 4), "äöüß");
        assert_eq!(cut("äöüßx", 4), "äöü…");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert!(wrap("  ", 5).is_empty());
    }

    #[test]
    fn times_are_told_from_now() {
        let now = Timestamp(1_000_000_000);
        for (ago_ms, expected) in [
            (0, "now"),
            (999, "now"),
            (45_000, "45s ago"),
            (59 * 60_000, "59m ago"),
            (47 * 3_600_000, "47h ago"),
            (50 * 3_600_000, "2d ago"),
            (-60_000, "in 1m"),
        ] {
            assert_eq!(relative(Timestamp(now.0 - ago_ms), now), expected);
        }
        assert_eq!(relative(Timestamp::NEVER, Timestamp(0)), "in 106751991167d");
        assert_eq!(both(None, now), "-");
    }
}
