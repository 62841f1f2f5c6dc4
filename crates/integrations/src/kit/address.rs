//! Addresses in settings.

use url::Url;

use crate::kit::SettingsError;

/// A vendor's base address: `http` or `https`, a host, perhaps a path; nothing else. Given back without a slash at
/// its end, so that the vendor's path can follow. It is shown to people, so a password in it is refused (I9).
pub fn base_url(field: &str, text: &str) -> Result<String, SettingsError> {
    let url = http_url(field, text)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SettingsError::new(
            field,
            "leave user and password out: this address is shown",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(SettingsError::new(
            field,
            "give scheme, host and perhaps a path, without `?` and `#`",
        ));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// An absolute `http` or `https` address. The text itself stays out of the error: it may hold a secret.
pub fn http_url(field: &str, text: &str) -> Result<Url, SettingsError> {
    let url = Url::parse(text.trim()).map_err(|_| {
        SettingsError::new(
            field,
            "this is not a web address such as https://example.com/path",
        )
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(SettingsError::new(
            field,
            "the address must begin with https:// or http://",
        ));
    }
    Ok(url)
}

/// Longest link in bytes: what browsers and vendors take at least.
const LINK_BYTES_MAX: usize = 2000;

/// A link from outside that may be shown as one: absolute `http` or `https`, of a sensible length.
pub fn link(text: &str) -> Option<String> {
    let shown: String = Url::parse(text.trim()).ok()?.into();
    looks_like_link(&shown).then_some(shown)
}

/// The same at a glance, for links that are only kept; [`link`] looks closely where they are shown.
pub fn looks_like_link(text: &str) -> bool {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    is_web && text.len() <= LINK_BYTES_MAX && !text.contains(|c: char| c.is_control() || c == ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_address_keeps_its_path_and_loses_its_last_slash() {
        let table = [
            ("https://slack.com", "https://slack.com"),
            ("https://slack.com/", "https://slack.com"),
            (
                "http://127.0.0.1:8090/slack/",
                "http://127.0.0.1:8090/slack",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(base_url("base_url", text).unwrap(), expected);
        }
        for bad in [
            "",
            "slack.com",
            "ftp://x",
            "https://u:p@x",
            "https://x?a",
            "https://x#a",
            "/slack",
        ] {
            let error = base_url("base_url", bad).unwrap_err();
            assert_eq!(error.field, "base_url", "{bad}");
        }
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert_eq!(
            link("https://x.example/a b").as_deref(),
            Some("https://x.example/a%20b")
        );
        for bad in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "x",
            "",
            "data:text/html,x",
        ] {
            assert_eq!(link(bad), None, "{bad}");
        }
    }
}
