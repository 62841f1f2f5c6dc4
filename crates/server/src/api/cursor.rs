//! Where the next page begins. Opaque to clients, so that it may change.

use std::fmt::Display;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use crate::problem::Problem;

/// A cursor of the listing `of` that stands behind `last`.
pub(crate) fn write(of: &str, last: impl Display) -> String {
    BASE64.encode(format!("{of}:{last}"))
}

/// Reads a cursor of the listing `of`.
pub(crate) fn read<T: FromStr>(of: &str, text: &str) -> Result<T, Problem> {
    let plain = BASE64
        .decode(text)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    plain
        .as_deref()
        .and_then(|plain| plain.strip_prefix(of)?.strip_prefix(':')?.parse().ok())
        .ok_or_else(|| {
            Problem::bad_request(
                "`cursor` is not one that this listing gave: pass `next_cursor` on as it came",
            )
        })
}

/// Cuts a page that was read with one row more than wanted; whether there is more.
pub(crate) fn cut<T>(rows: &mut Vec<T>, limit: usize) -> bool {
    let more = rows.len() > limit;
    rows.truncate(limit);
    more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_only_in_its_own_listing() {
        let cursor = write("attempts", 42);
        assert_eq!(read::<u64>("attempts", &cursor).unwrap(), 42);
        assert!(read::<u64>("alerts", &cursor).is_err());
        for bad in [
            "",
            "42",
            "!",
            "YXR0ZW1wdHM6eA",
            &BASE64.encode([0xff, 0xfe]),
        ] {
            assert!(read::<u64>("attempts", bad).is_err(), "{bad:?}");
        }
    }
}
