//! Slack's `mrkdwn` as HTML: enough to recognise a message, and nothing of it becomes markup by itself.
//!
//! Source: docs.slack.dev "Formatting message text" (2026-08). Only `&`, `<` and `>` are escaped in Slack's text, as
//! `&amp;`, `&lt;` and `&gt;`.

use crate::page::escape;

/// How far ahead a closing mark is looked for: a page must not take quadratic time on hostile text.
const REACH: usize = 2_000;
/// Marks within marks.
const DEPTH: u8 = 3;

const EMOJI: [(&str, &str); 16] = [
    ("rotating_light", "🚨"),
    ("fire", "🔥"),
    ("warning", "⚠️"),
    ("white_check_mark", "✔"),
    ("heavy_check_mark", "✔️"),
    ("x", "✖"),
    ("red_circle", "🔴"),
    ("large_orange_circle", "🟠"),
    ("large_yellow_circle", "🟡"),
    ("large_green_circle", "🟢"),
    ("large_blue_circle", "🔵"),
    ("bell", "🔔"),
    ("no_bell", "🔕"),
    ("eyes", "👀"),
    ("information_source", "ℹ️"),
    ("tada", "🎉"),
];

/// Text with Slack's marks, as HTML.
pub(super) fn mrkdwn(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("```") {
        let Some((code, after)) = after.split_once("```") else {
            break;
        };
        lines(before, &mut out);
        out.push_str(&format!(
            "<pre>{}</pre>",
            escape(&decode(code.trim_matches('\n')))
        ));
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    lines(rest, &mut out);
    out
}

/// Text without marks, as HTML; only emoji names and line breaks mean something.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    for (i, line) in text.split('\n').enumerate() {
        if i > 0 {
            out.push_str("<br>");
        }
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            rest = match emoji(rest) {
                Some((sign, after)) => {
                    out.push_str(sign);
                    after
                }
                None => {
                    out.push_str(&escape(&rest[..c.len_utf8()]));
                    &rest[c.len_utf8()..]
                }
            };
        }
    }
    out
}

fn lines(text: &str, out: &mut String) {
    let mut break_before = false;
    for line in text.split('\n') {
        let quoted = line.strip_prefix("&gt;").or_else(|| line.strip_prefix('>'));
        if let Some(quoted) = quoted {
            out.push_str("<blockquote>");
            inline(quoted.trim_start(), DEPTH, out);
            out.push_str("</blockquote>");
        } else {
            if break_before {
                out.push_str("<br>");
            }
            inline(line, DEPTH, out);
        }
        break_before = quoted.is_none();
    }
}

/// One line.
fn inline(line: &str, depth: u8, out: &mut String) {
    let mut before = ' ';
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let found = match c {
            '`' => code(rest),
            '<' => link(rest),
            '*' | '_' | '~' if depth > 0 && !before.is_alphanumeric() => marked(rest, c, depth),
            ':' => emoji(rest).map(|(sign, after)| (sign.to_owned(), after)),
            '&' => entity(rest),
            _ => None,
        };
        match found {
            Some((html, after)) => {
                out.push_str(&html);
                rest = after;
                before = '>';
            }
            None => {
                out.push_str(&escape(&rest[..c.len_utf8()]));
                rest = &rest[c.len_utf8()..];
                before = c;
            }
        }
    }
}

/// The position of a character within reach, if it is there and not at once.
fn closing(text: &str, c: char) -> Option<usize> {
    text.char_indices()
        .take(REACH)
        .find(|(_, found)| *found == c)
        .map(|(at, _)| at)
        .filter(|at| *at > 0)
}

fn code(rest: &str) -> Option<(String, &str)> {
    let inside = &rest[1..];
    let end = closing(inside, '`')?;
    Some((
        format!("<code>{}</code>", escape(&decode(&inside[..end]))),
        &inside[end + 1..],
    ))
}

/// `<https://…|label>`, `<@U…>`, `<#C…|name>`, `<!here>`. Only http, https and mailto become links.
fn link(rest: &str) -> Option<(String, &str)> {
    let inside = &rest[1..];
    let end = closing(inside, '>')?;
    let (target, label) = inside[..end]
        .split_once('|')
        .map_or((&inside[..end], None), |(target, label)| {
            (target, Some(label))
        });
    let shown = |otherwise: String| escape(&decode(label.unwrap_or(&otherwise)));
    let mention = |text: String| format!("<span class=\"mention\">{text}</span>");
    let html = match target.chars().next()? {
        '@' => mention(format!("@{}", shown(target[1..].to_owned()))),
        '#' => mention(format!("#{}", shown(target[1..].to_owned()))),
        '!' => mention(format!(
            "@{}",
            shown(target[1..].split('^').next().unwrap_or_default().to_owned())
        )),
        _ if ["http://", "https://", "mailto:"]
            .iter()
            .any(|scheme| target.starts_with(scheme)) =>
        {
            anchor(&decode(target), &shown(target.to_owned()))
        }
        _ => return None,
    };
    Some((html, &inside[end + 1..]))
}

/// A link that tells its target nothing; the label is HTML already.
pub(super) fn anchor(target: &str, label: &str) -> String {
    let fine = ["http://", "https://", "mailto:"]
        .iter()
        .any(|scheme| target.starts_with(scheme));
    if fine {
        format!(
            "<a href=\"{}\" rel=\"noopener noreferrer\">{label}</a>",
            escape(target)
        )
    } else {
        label.to_owned()
    }
}

fn marked(rest: &str, mark: char, depth: u8) -> Option<(String, &str)> {
    let inside = &rest[1..];
    if inside.starts_with([' ', mark]) {
        return None;
    }
    let mut before = ' ';
    for (at, c) in inside.char_indices().take(REACH) {
        let after = &inside[at + c.len_utf8()..];
        if c == mark && before != ' ' && !after.starts_with(char::is_alphanumeric) {
            let tag = match mark {
                '*' => "b",
                '_' => "i",
                _ => "s",
            };
            let mut html = format!("<{tag}>");
            inline(&inside[..at], depth - 1, &mut html);
            html.push_str(&format!("</{tag}>"));
            return Some((html, after));
        }
        before = c;
    }
    None
}

fn emoji(rest: &str) -> Option<(&'static str, &str)> {
    let inside = rest.strip_prefix(':')?;
    EMOJI
        .iter()
        .find_map(|(name, sign)| Some((*sign, inside.strip_prefix(name)?.strip_prefix(':')?)))
}

fn entity(rest: &str) -> Option<(String, &str)> {
    let known = ["&amp;", "&lt;", "&gt;"]
        .into_iter()
        .find(|entity| rest.starts_with(entity))?;
    Some((known.to_owned(), &rest[known.len()..]))
}

fn decode(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn marks_become_the_html_that_a_reader_expects() {
        let table = [
            (
                "*bold* and _it_ and ~gone~",
                "<b>bold</b> and <i>it</i> and <s>gone</s>",
            ),
            ("a*b*c 2 * 3 * 4", "a*b*c 2 * 3 * 4"),
            ("*a _b_ c*", "<b>a <i>b</i> c</b>"),
            ("`x < *y*`", "<code>x &lt; *y*</code>"),
            ("`x &lt; y`", "<code>x &lt; y</code>"),
            ("```\na *b*\n```\nnext", "<pre>a *b*</pre>next"),
            ("a\nb", "a<br>b"),
            ("> quoted\nnot", "<blockquote>quoted</blockquote>not"),
            ("&gt; quoted", "<blockquote>quoted</blockquote>"),
            (
                "<https://a.example/?a=1&amp;b=2|see *it*>",
                "<a href=\"https://a.example/?a=1&amp;b=2\" rel=\"noopener noreferrer\">see *it*</a>",
            ),
            (
                "<https://a.example>",
                "<a href=\"https://a.example\" rel=\"noopener noreferrer\">https://a.example</a>",
            ),
            (
                "<!here> <@U1> <#C1|ops>",
                "<span class=\"mention\">@here</span> <span class=\"mention\">@U1</span> <span class=\"mention\">#ops</span>",
            ),
            (":fire: 12:30:00 :unknown:", "🔥 12:30:00 :unknown:"),
            ("AT&T &amp; &lt;b&gt;", "AT&amp;T &amp; &lt;b&gt;"),
            (
                "<script>alert(1)</script>",
                "&lt;script&gt;alert(1)&lt;/script&gt;",
            ),
            (
                "<javascript:alert(1)|click>",
                "&lt;javascript:alert(1)|click&gt;",
            ),
            (
                "<https://a.example/\" onclick=\"x|y>",
                "<a href=\"https://a.example/&quot; onclick=&quot;x\" rel=\"noopener noreferrer\">y</a>",
            ),
            ("```open", "```open"),
        ];
        for (text, expected) in table {
            assert_eq!(mrkdwn(text), expected, "{text}");
        }
        assert_eq!(plain("*a* <b> :x:\n&amp;"), "*a* &lt;b&gt; ✖<br>&amp;amp;");
    }

    /// The output without the tags that we make.
    fn without_our_tags(html: &str) -> String {
        let mut left = html.to_owned();
        let ours = ["b", "i", "s", "code", "pre", "blockquote", "span", "a"];
        for tag in ours {
            left = left
                .replace(&format!("<{tag}>"), "")
                .replace(&format!("</{tag}>"), "");
        }
        left = left
            .replace("<br>", "")
            .replace("<span class=\"mention\">", "");
        while let Some(start) = left.find("<a href=\"") {
            let target = &left[start + 9..];
            let end = target
                .find("\" rel=\"noopener noreferrer\">")
                .expect("our link's end");
            assert!(!target[..end].contains(['<', '>', '"']), "{target}");
            let after = start + 9 + end + "\" rel=\"noopener noreferrer\">".len();
            left.replace_range(start..after, "");
        }
        left
    }

    proptest! {
        #[test]
        fn whatever_the_text_is_only_our_own_tags_come_out(text in "[<>&\"'`*_~|:!@# a-c\n/]{0,60}|.{0,60}|(<https://[a\"'<>|&]{0,8}>|<b>|```|&lt;|\\*){0,12}") {
            for html in [mrkdwn(&text), plain(&text)] {
                let left = without_our_tags(&html);
                prop_assert!(!left.contains(['<', '>', '"']), "{text:?} became {html}");
            }
        }
    }
}
