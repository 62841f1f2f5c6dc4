//! Where senders put their key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The key in `Authorization`: a Bearer token (`Key` in Alerta's words, `GenieKey` in Opsgenie's), or the password of
/// Basic (whatever the user's name is).
pub(crate) fn in_headers(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    let bearers = ["bearer", "key", "geniekey"];
    if bearers
        .iter()
        .any(|bearer| scheme.eq_ignore_ascii_case(bearer))
    {
        return Some(rest.to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(BASE64.decode(rest).ok()?).ok()?;
        return decoded
            .split_once(':')
            .map(|(_, password)| password.to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_bearer_token_or_a_basic_password() {
        for (header, key) in [
            ("Bearer k1", Some("k1")),
            ("bearer  k1 ", Some("k1")),
            ("Key k1", Some("k1")),
            ("GenieKey k1", Some("k1")),
            ("Basic dXNlcjprMQ==", Some("k1")),
            ("Basic OmsxOjI=", Some("k1:2")),
            ("Basic dXNlcg==", None),
            ("Basic *", None),
            ("Digest k1", None),
            ("k1", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, header.parse().unwrap());
            assert_eq!(in_headers(&headers).as_deref(), key, "{header}");
        }
        assert_eq!(in_headers(&HeaderMap::new()), None);
    }
}
