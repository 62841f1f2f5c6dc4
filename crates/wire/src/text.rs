//! Helpers for texts that go to vendors. Labels are hostile: clean, then escape, and cut so that no escape is split.

use std::borrow::Cow;

/// How a vendor counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Unicode characters, as most do.
    Chars,
    /// Bytes of UTF-8: WeCom, Webex, ntfy.
    Bytes,
    /// UTF-16 units: Telegram, and what is written in JavaScript or Java.
    Utf16,
}

impl Unit {
    fn of(self, c: char) -> usize {
        match self {
            Unit::Chars => 1,
            Unit::Bytes => c.len_utf8(),
            Unit::Utf16 => c.len_utf16(),
        }
    }
}

const ELLIPSIS: char = '…';

/// Cuts a text to `max` units, the last of which is `…` if anything was cut and it fits.
pub fn cut(text: &str, max: usize, unit: Unit) -> Cow<'_, str> {
    let room = max.checked_sub(unit.of(ELLIPSIS));
    let mut used = 0;
    // Where to end if the text turns out too long.
    let mut end = 0;
    for (at, c) in text.char_indices() {
        used += unit.of(c);
        if used > max {
            return match room {
                Some(_) => Cow::Owned(format!("{}{ELLIPSIS}", &text[..end])),
                None => Cow::Borrowed(&text[..end]),
            };
        }
        if used <= room.unwrap_or(max) {
            end = at + c.len_utf8();
        }
    }
    Cow::Borrowed(text)
}

/// [`cut`] by characters.
pub fn cut_chars(text: &str, max: usize) -> Cow<'_, str> {
    cut(text, max, Unit::Chars)
}

/// Escapes for Slack's mrkdwn: `&`, `<` and `>` (Slack, "Formatting text for app surfaces", read 2026-11). This also
/// takes the power from `<!channel>` and `<@U…>`.
pub fn escape_slack(text: &str) -> Cow<'_, str> {
    escape(text, slack_entity)
}

/// Escapes for HTML's text and quoted attributes.
pub fn escape_html(text: &str) -> Cow<'_, str> {
    escape(text, html_entity)
}

/// [`escape_slack`], cut to `max` characters after escaping without splitting an entity.
pub fn slack_within(text: &str, max: usize) -> String {
    escape_within(text, max, slack_entity)
}

/// [`escape_html`], cut to `max` characters after escaping without splitting an entity.
pub fn html_within(text: &str, max: usize) -> String {
    escape_within(text, max, html_entity)
}

fn slack_entity(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

fn html_entity(c: char) -> Option<&'static str> {
    match c {
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        _ => slack_entity(c),
    }
}

fn escape(text: &str, entity: fn(char) -> Option<&'static str>) -> Cow<'_, str> {
    if !text.contains(|c| entity(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match entity(c) {
            Some(escaped) => out.push_str(escaped),
            None => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn escape_within(text: &str, max: usize, entity: fn(char) -> Option<&'static str>) -> String {
    let mut out = String::new();
    let mut used = 0;
    // Where to end if the text turns out too long: with room for the ellipsis.
    let mut end = 0;
    for c in text.chars() {
        let escaped = entity(c);
        // Entities are ASCII.
        used += escaped.map_or(1, str::len);
        if used > max {
            out.truncate(end);
            if max > 0 {
                out.push(ELLIPSIS);
            }
            return out;
        }
        match escaped {
            Some(escaped) => out.push_str(escaped),
            None => out.push(c),
        }
        if used < max {
            end = out.len();
        }
    }
    out
}

/// Drops control characters but tab and line feed, and the invisible ones that turn the direction of writing; makes
/// `\r\n` and `\r` line feeds.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| c == '\r' || is_unwanted(c)) {
        return Cow::Borrowed(text);
    }
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    Cow::Owned(lines.chars().filter(|c| !is_unwanted(*c)).collect())
}

/// One line without control characters, for headers and subjects: runs of white space become one space.
pub fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let before = out.len();
        out.push_str(if out.is_empty() { "" } else { " " });
        let space = out.len();
        out.extend(word.chars().filter(|c| !is_unwanted(*c)));
        if out.len() == space {
            out.truncate(before);
        }
    }
    out
}

fn is_unwanted(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_cut_by_characters_with_an_ellipsis() {
        let table = [
            ("", 3, ""),
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("äöüß", 4, "äöüß"),
            ("äöüßx", 4, "äöü…"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
        ];
        for (text, max, expected) in table {
            assert_eq!(cut_chars(text, max), expected, "{text:?} to {max}");
        }
        assert_eq!(cut("äöü", 5, Unit::Bytes), "ä…");
        assert_eq!(cut("äöü", 2, Unit::Bytes), "ä");
        assert_eq!(cut("👍👍👍", 5, Unit::Utf16), "👍👍…");
    }

    #[test]
    fn escapes_are_those_of_slack_and_html() {
        assert_eq!(
            escape_slack("a < b & \"c\" > <!channel>"),
            "a &lt; b &amp; \"c\" &gt; &lt;!channel&gt;"
        );
        assert_eq!(
            escape_html("<a href='x' b=\"y\">&"),
            "&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp;"
        );
        assert!(matches!(escape_slack("plain"), Cow::Borrowed("plain")));
        assert_eq!(slack_within("a&b", 7), "a&amp;b");
        assert_eq!(slack_within("a&bc", 7), "a&amp;…");
        assert_eq!(slack_within("a&b", 6), "a…");
        assert_eq!(html_within("&", 0), "");
    }

    #[test]
    fn control_and_direction_characters_go() {
        assert_eq!(
            clean("a\r\nb\rc\td\0e\u{1b}[31m\u{202e}f"),
            "a\nb\nc\tde[31mf"
        );
        assert!(matches!(clean("a\n\tb"), Cow::Borrowed(_)));
        assert_eq!(
            one_line(" a\r\nBcc: x\u{0}\t \u{7}\u{200f} b "),
            "a Bcc: x b"
        );
    }

    proptest! {
        #[test]
        fn a_cut_text_is_within_its_limit_and_begins_like_the_whole(text in "\\PC{0,40}", max in 0usize..50) {
            for unit in [Unit::Chars, Unit::Bytes, Unit::Utf16] {
                let short = cut(&text, max, unit);
                prop_assert!(short.chars().map(|c| unit.of(c)).sum::<usize>() <= max);
                let kept = short.strip_suffix(ELLIPSIS).unwrap_or(&short);
                prop_assert!(text.starts_with(kept));
                if text.chars().map(|c| unit.of(c)).sum::<usize>() <= max {
                    prop_assert_eq!(short, text.as_str());
                }
            }
        }

        #[test]
        fn escaped_text_is_within_its_limit_and_has_only_whole_entities(text in "[a-c<>&\"']{0,30}", max in 0usize..60) {
            let short = html_within(&text, max);
            prop_assert!(short.chars().count() <= max);
            let whole = escape_html(&text).into_owned();
            prop_assert!(short == whole || whole.starts_with(short.strip_suffix(ELLIPSIS).unwrap_or(&short)));
            let mut rest = short.as_str();
            while let Some(at) = rest.find('&') {
                let entity = rest[at..].find(';').map(|end| &rest[at..=at + end]);
                prop_assert!(matches!(entity, Some("&amp;" | "&lt;" | "&gt;" | "&quot;" | "&#39;")), "{short}");
                rest = &rest[at + 1..];
            }
        }

        #[test]
        fn one_line_is_one_line(text: String) {
            prop_assert!(!one_line(&text).contains(char::is_control));
        }
    }
}
