//! Excerpts of replies and texts, without what must not be seen (I9).
//!
//! Two nets: the secrets that were used, in the forms in which vendors echo them; and whatever stands where a
//! credential usually stands (`Authorization: …`, `Bearer …`).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use model::Secret;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::limits;
use crate::text::{clean, cut_chars};

const MASK: &str = "[secret]";

/// The beginning of `text`, at most `chars_max` characters, without any of `secrets`, control characters or
/// credential-like values. Also for a text that was cut while it was read: the beginning of a secret at its very end
/// goes too.
pub fn excerpt(text: &str, secrets: &[&Secret], chars_max: usize) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut forms: Vec<Zeroizing<String>> = secrets
        .iter()
        .flat_map(|secret| forms_of(secret.expose()))
        .collect();
    // Longer ones first: one secret may be part of another.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();

    let mut out = text.to_owned();
    for form in &forms {
        if out.contains(form.as_str()) {
            out = out.replace(form.as_str(), MASK);
        }
    }
    hide_cut_secret(&mut out, &forms);
    let out = mask_credentials(&clean(&out));
    cut_chars(&out, chars_max).into_owned()
}

/// A secret as such and as it looks in URLs, JSON, and Basic credentials.
fn forms_of(secret: &str) -> Vec<Zeroizing<String>> {
    if secret.chars().count() < limits::REDACTED_CHARS_MIN {
        return Vec::new();
    }
    let json = serde_json::to_string(secret).unwrap_or_default();
    let mut forms = vec![
        secret.to_owned(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        json.trim_matches('"').to_owned(),
        STANDARD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
    ];
    // `Bearer xoxb-…` is kept as one header's value; the token alone is as secret.
    if let Some((scheme, token)) = secret.split_once(' ')
        && is_scheme(scheme)
        && token.chars().count() >= limits::REDACTED_CHARS_MIN
    {
        forms.push(token.to_owned());
    }
    forms.extend(telling_parts(secret).map(str::to_owned));
    forms.into_iter().map(Zeroizing::new).collect()
}

/// Of a URL that is a secret (Slack's webhooks, Telegram's bots): its path and query, and each part of them that is too
/// long for a word. Vendors echo those without the rest.
fn telling_parts(secret: &str) -> impl Iterator<Item = &str> {
    let after_scheme = secret.split_once("://").map_or("", |(_, rest)| rest);
    let path = after_scheme.find('/').map_or("", |at| &after_scheme[at..]);
    let parts = path.split(['/', '?', '&', '=', '#']);
    let long_parts = parts.filter(|part| part.len() >= limits::REDACTED_URL_PART_MIN);
    std::iter::once(path)
        .filter(|path| path.len() >= limits::REDACTED_URL_PART_MIN)
        .chain(long_parts)
}

/// Removes the longest end of `text` that is the beginning of a secret.
fn hide_cut_secret(text: &mut String, forms: &[Zeroizing<String>]) {
    let cut_at = forms
        .iter()
        .filter_map(|form| {
            let starts = form
                .char_indices()
                .skip(limits::REDACTED_CHARS_MIN)
                .map(|(at, _)| at);
            starts.filter(|at| text.ends_with(&form[..*at])).max()
        })
        .max();
    if let Some(length) = cut_at {
        text.truncate(text.len() - length);
        text.push_str(MASK);
    }
}

fn is_scheme(word: &str) -> bool {
    [
        "bearer", "basic", "geniekey", "token", "key", "bot", "splunk", "digest",
    ]
    .contains(&word.to_ascii_lowercase().as_str())
}

/// Names after which a credential follows, up to the end of its word; an authentication scheme between is kept.
const NAMES: [&str; 13] = [
    "authorization",
    "x-api-key",
    "api-key",
    "api_key",
    "apikey",
    "dd-api-key",
    "dd-application-key",
    "routing_key",
    "service_key",
    "access_token",
    "x-auth-token",
    "password",
    "client_secret",
];

/// Masks the values of credential-like fields and what follows `Bearer`.
fn mask_credentials(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let rest = &lower[at..];
        let begins_word = at == 0 || !lower.as_bytes()[at - 1].is_ascii_alphanumeric();
        let value = if begins_word { credential(rest) } else { None };
        match value {
            Some((start, end)) if !text[at + start..at + end].starts_with(MASK) => {
                out.push_str(&text[at..at + start]);
                out.push_str(MASK);
                at += end;
            }
            _ => {
                let step = rest.chars().next().map_or(1, char::len_utf8);
                out.push_str(&text[at..at + step]);
                at += step;
            }
        }
    }
    out
}

/// Where the credential is that begins at the start of `rest`, if one does: a name, a separator, and a word.
fn credential(rest: &str) -> Option<(usize, usize)> {
    let start = if let Some(name) = NAMES.iter().find(|name| rest.starts_with(**name)) {
        let after = &rest[name.len()..];
        let separators = after
            .bytes()
            .take_while(|b| matches!(b, b'"' | b'\'' | b'\\' | b':' | b'=' | b' '))
            .count();
        if !after[..separators].contains([':', '=']) {
            return None;
        }
        let start = name.len() + separators;
        let word = word_length(&rest[start..]);
        let scheme_follows =
            is_scheme(&rest[start..start + word]) && rest[start + word..].starts_with(' ');
        if scheme_follows {
            start + word + 1
        } else {
            start
        }
    } else if rest.starts_with("bearer ") || rest.starts_with("geniekey ") {
        rest.find(' ')? + 1
    } else {
        return None;
    };
    let length = word_length(&rest[start..]);
    (length >= limits::REDACTED_CHARS_MIN).then_some((start, start + length))
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| {
        c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '&' | '<' | '>' | '}' | '\\')
    })
    .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn i9_used_secrets_are_removed_in_every_form_in_which_they_are_echoed() {
        let secret = Secret::new("s3/cr\"t+token");
        let text =
            "a s3/cr\"t+token b s3%2Fcr%22t%2Btoken c s3/cr\\\"t+token d czMvY3IidCt0b2tlbg== e";
        assert_eq!(
            excerpt(text, &[&secret], 200),
            "a [secret] b [secret] c [secret] d [secret] e"
        );
    }

    #[test]
    fn i9_a_token_is_removed_when_its_header_was_the_secret() {
        let header = Secret::new("Bearer xoxb-12345");
        assert_eq!(
            excerpt("invalid token xoxb-12345!", &[&header], 200),
            "invalid token [secret]!"
        );
    }

    #[test]
    fn i9_a_secret_urls_path_and_its_long_parts_are_removed() {
        let url = Secret::new(
            "https://hooks.slack.com/services/T012/B345/abcdefghijklmnop?sig=qrstuvwxyz0123456789",
        );
        let shown = excerpt(
            "no /services/T012/B345/abcdefghijklmnop?sig=qrstuvwxyz0123456789 here",
            &[&url],
            200,
        );
        assert_eq!(shown, "no [secret] here");
        assert_eq!(
            excerpt("abcdefghijklmnop, sig qrstuvwxyz0123456789", &[&url], 200),
            "[secret], sig [secret]"
        );
        assert_eq!(
            excerpt("the services of hooks.slack.com", &[&url], 200),
            "the services of hooks.slack.com"
        );
    }

    #[test]
    fn i9_values_where_credentials_stand_are_masked_unasked() {
        let table = [
            (
                "Authorization: Bearer abc.def",
                "Authorization: Bearer [secret]",
            ),
            (
                "authorization: Basic dXNlcjpwYXNz\nhost: x",
                "authorization: Basic [secret]\nhost: x",
            ),
            (
                r#"{"routing_key":"R0123456789","ok":false}"#,
                r#"{"routing_key":"[secret]","ok":false}"#,
            ),
            (
                r#"{\"api_key\": \"abcdef\"}"#,
                r#"{\"api_key\": \"[secret]\"}"#,
            ),
            (
                "GET /x?access_token=abcdef&y=1",
                "GET /x?access_token=[secret]&y=1",
            ),
            ("sent GenieKey 1234-5678.", "sent GenieKey [secret]"),
            ("no authorization was given", "no authorization was given"),
            ("the bearer of news", "the bearer of news"),
            ("invalid api_key", "invalid api_key"),
        ];
        for (text, expected) in table {
            assert_eq!(excerpt(text, &[], 200), expected);
        }
    }

    #[test]
    fn i9_a_secret_cut_off_at_the_end_of_what_was_read_goes_too() {
        let secret = Secret::new("0123456789abcdef");
        assert_eq!(
            excerpt("echo: 0123456789ab", &[&secret], 200),
            "echo: [secret]"
        );
        assert_eq!(excerpt("echo: 012", &[&secret], 200), "echo: 012");
    }

    #[test]
    fn excerpts_are_cut_by_characters_after_redaction() {
        let secret = Secret::new("0123456789");
        assert_eq!(excerpt("äöü 0123456789 äöü", &[&secret], 8), "äöü [se…");
        assert_eq!(excerpt("a\0b\r\nc", &[], 10), "ab\nc");
    }

    #[test]
    fn very_short_secrets_do_not_blot_out_words() {
        assert_eq!(
            excerpt("abcabc", &[&Secret::new("abc"), &Secret::new("")], 10),
            "abcabc"
        );
    }

    proptest! {
        #[test]
        fn i9_no_text_around_a_secret_lets_it_through(before in "\\PC{0,20}", after in "\\PC{0,20}", secret in "[a-zA-Z0-9/+=_-]{12,40}") {
            let shown = excerpt(&format!("{before}{secret}{after}"), &[&Secret::new(secret.clone())], 1000);
            prop_assert!(!shown.contains(&secret), "{shown}");
        }

        #[test]
        fn i9_nor_does_cutting_the_text_anywhere(secret in "[a-z0-9]{12,24}", keep in 4usize..12) {
            let text = format!("error: {}", &secret[..keep]);
            let shown = excerpt(&text, &[&Secret::new(secret.clone())], 1000);
            prop_assert!(!shown.contains(&secret[..keep]), "{shown}");
        }

        #[test]
        fn no_text_panics_and_all_are_within_the_limit(text in "(\\PC|authorization: |api_key=|Bearer |[\"'\\\\ ]){0,40}", max in 0usize..60) {
            prop_assert!(excerpt(&text, &[], max).chars().count() <= max);
        }
    }
}
