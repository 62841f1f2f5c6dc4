//! Telegram's HTML, parsed as strictly as Telegram does.
//!
//! Source: Bot API, "Formatting options, HTML style": a short list of tags, each closed in order; `<`, `>` and `&` from
//! texts must be entities; of named entities only `&lt;`, `&gt;`, `&amp;` and `&quot;`, and all numeric ones.

/// Tags without attributes; `a`, `span`, `tg-emoji`, `code` and `blockquote` may have them.
const TAGS: [&str; 18] = [
    "b",
    "strong",
    "i",
    "em",
    "u",
    "ins",
    "s",
    "strike",
    "del",
    "span",
    "tg-spoiler",
    "a",
    "tg-emoji",
    "code",
    "pre",
    "blockquote",
    "tg-time",
    "q",
];

/// The text without its tags, or what Telegram says of it.
pub(super) fn plain(html: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some(c) = rest.chars().next() {
        let at = html.len() - rest.len();
        match c {
            '<' => {
                let end = rest
                    .find('>')
                    .ok_or_else(|| format!("Unclosed start tag at byte offset {at}"))?;
                tag(&rest[1..end], at, &mut open)?;
                rest = &rest[end + 1..];
            }
            '&' => {
                let (sign, length) = entity(rest);
                out.push(sign);
                rest = &rest[length..];
            }
            c => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    match open.last() {
        Some(tag) => Err(format!(
            "Can't find end tag corresponding to start tag \"{tag}\""
        )),
        None => Ok(out),
    }
}

fn tag(inside: &str, at: usize, open: &mut Vec<String>) -> Result<(), String> {
    if let Some(name) = inside.strip_prefix('/') {
        let name = name.trim().to_lowercase();
        return match open.pop() {
            Some(last) if last == name => Ok(()),
            Some(last) => Err(format!(
                "Unmatched end tag at byte offset {at}, expected \"</{last}>\", found \"</{name}>\""
            )),
            None => Err(format!("Unexpected end tag at byte offset {at}")),
        };
    }
    let name = inside
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_lowercase();
    if !TAGS.contains(&name.as_str()) {
        return Err(format!(
            "Unsupported start tag \"{name}\" at byte offset {at}"
        ));
    }
    if name == "a" && !inside.contains("href=\"") && inside.trim() != "a" {
        return Err(format!("Unexpected attribute at byte offset {at}"));
    }
    open.push(name);
    Ok(())
}

/// The sign of the entity at the beginning of a text, and its length; an `&` that begins none is itself.
fn entity(text: &str) -> (char, usize) {
    let named = [
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&amp;", '&'),
        ("&quot;", '"'),
    ];
    if let Some((entity, sign)) = named.iter().find(|(entity, _)| text.starts_with(entity)) {
        return (*sign, entity.len());
    }
    let number = text
        .strip_prefix("&#")
        .and_then(|rest| rest.split_once(';'));
    let sign = number.and_then(|(digits, _)| {
        let code = match digits.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => digits.parse().ok(),
        };
        Some((char::from_u32(code?)?, digits.len() + 3))
    });
    sign.unwrap_or(('&', 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_entities_become_signs_and_what_is_wrong_is_named() {
        let table = [
            ("plain", Ok("plain")),
            (
                "<b>a</b> &lt;b&gt; &amp; &#39;&#x41;&quot;",
                Ok("a <b> & 'A\""),
            ),
            ("<a href=\"https://x\">y</a>", Ok("y")),
            ("a &nbsp; b & c", Ok("a &nbsp; b & c")),
            (
                "<db-1>",
                Err("Unsupported start tag \"db-1\" at byte offset 0"),
            ),
            ("ü<b>", Err("Can't find end tag")),
            ("<b><i>x</b></i>", Err("Unmatched end tag at byte offset 7")),
            ("x</b>", Err("Unexpected end tag at byte offset 1")),
            ("1 < 2", Err("Unclosed start tag at byte offset 2")),
        ];
        for (html, expected) in table {
            match (plain(html), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{html}"),
                (Err(found), Err(expected)) => {
                    assert!(found.starts_with(expected), "{html}: {found}")
                }
                (found, _) => panic!("{html}: {found:?}"),
            }
        }
    }
}
