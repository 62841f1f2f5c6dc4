//! That an alert known by its text is what decoding would make of it, whatever senders write.

use model::{DurationMs, Signal, SignalKind, Timestamp};
use proptest::prelude::*;

use super::batch::Alerts;
use super::decode::decode;
use super::frame::{End, frame};
use crate::kit::samples::NOW;
use crate::kit::{Answer, Batch, Gist, Rejection};

const TIMEOUT: DurationMs = DurationMs::from_mins(5);

fn found(body: &str) -> Option<Alerts> {
    Alerts::find(body.as_bytes(), NOW, TIMEOUT)
}

/// The gist of the only alert of a body.
fn gist(alerts: &Alerts) -> Option<Gist<'_>> {
    assert_eq!(alerts.len(), 1);
    alerts.gist(0)
}

/// All of it decoded, in the words of `decode`; `Err` has the status.
type Decoded = Result<(Vec<Signal>, Vec<Rejection>), u16>;

fn by_batch(alerts: &Alerts) -> Decoded {
    let all: Vec<usize> = (0..alerts.len()).collect();
    let decoded = alerts
        .decode(&all)
        .map_err(|answer: Answer| answer.status)?;
    let (mut signals, mut rejections) = (Vec::new(), Vec::new());
    for one in decoded {
        match one {
            Ok(signal) => signals.push(signal),
            Err(rejection) => rejections.push(rejection),
        }
    }
    Ok((signals, rejections))
}

fn in_whole(body: &str) -> Decoded {
    decode(body.as_bytes(), NOW, TIMEOUT).map_err(|_| 400)
}

#[test]
fn the_gist_is_the_text_without_the_end() {
    let alerts = found(
        r#" [ {"labels":{"endsAt":"x","a":"]}"},"endsAt" : "2099-01-01T00:00:00Z","startsAt":null } ] "#,
    )
    .unwrap();
    let text = [
        r#"{"labels":{"endsAt":"x","a":"]}"},"endsAt" : ""#,
        r#"","startsAt":null }"#,
    ];
    let ends_at = "2099-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(gist(&alerts), Some(Gist { text, ends_at }));

    let without = found(r#"[{"labels":{"a":"b"}}]"#).unwrap();
    let text = [r#"{"labels":{"a":"b"}}"#, ""];
    let ends_at = NOW + TIMEOUT;
    assert_eq!(gist(&without), Some(Gist { text, ends_at }));
}

#[test]
fn times_in_odd_formats_are_read_as_decoding_reads_them_or_not_at_all() {
    let noon: Timestamp = "2099-01-01T12:00:00Z".parse().unwrap();
    let timeout = NOW + TIMEOUT;
    for (end, expected) in [
        (r#""2099-01-01T12:00:00Z""#, Some(noon)),
        (r#""2099-01-01T12:00:00.0009999Z""#, Some(noon)),
        (r#""2099-01-01T14:00:00+02:00""#, Some(noon)),
        (r#""2099-01-01 12:00:00""#, Some(noon)),
        (r#"" 2099-01-01T12:00:00Z ""#, Some(noon)),
        (r#""""#, Some(timeout)),
        (r#""0001-01-01T00:00:00Z""#, Some(timeout)),
        ("null", None),
        ("4070952000", None),
        (r#"{"at":"2099-01-01T12:00:00Z"}"#, None),
        (r#""tomorrow""#, None),
        (r#""2099-01-01""#, None),
        (r#""2099-01-01T12:00:00\u005a""#, None),
        // No JSON, though the time would be read from between the line breaks.
        ("\"\n2099-01-01T12:00:00Z\n\"", None),
        ("\"\u{a0}2099-01-01T12:00:00Z\"", None),
    ] {
        let body = format!(r#"[{{"labels":{{"a":"b"}},"endsAt":{end}}}]"#);
        let alerts = found(&body).unwrap();
        let gist = gist(&alerts).map(|gist| gist.ends_at);
        assert_eq!(gist, expected, "{end}");
        if let (Some(ends_at), Ok((signals, _))) = (gist, in_whole(&body)) {
            assert_eq!(signals[0].ends_at, Some(ends_at), "{end}");
        }
        assert_eq!(by_batch(&alerts), in_whole(&body), "{end}");
    }
}

#[test]
fn what_may_hide_an_end_is_left_to_decoding() {
    for alert in [
        r#"{"labels":{"a":"b"},"ends\u0041t":"2000-01-01T00:00:00Z"}"#,
        r#"{"ends\u0041t":"2000-01-01T00:00:00Z","labels":{"a":"b"},"endsAt":"2099-01-01T00:00:00Z"}"#,
        r#"{"labels":{"a":"b"},"endsAt":"2099-01-01T00:00:00Z","endsAt":"2000-01-01T00:00:00Z"}"#,
        r#"{"labels":{"a":"b"},"endsAt":"2099-01-01T00:00:00Z","endsAt":null}"#,
    ] {
        let alerts = found(&format!("[{alert}]")).unwrap();
        assert_eq!(gist(&alerts), None, "{alert}");
    }
}

#[test]
fn what_stands_between_alerts_is_looked_at_too() {
    for body in [
        "",
        "[]",
        "null",
        "{}",
        "[{}",
        "[{}]]",
        "[{},]",
        "[,{}]",
        "[{}{}]",
        "[{},null]",
        "[{}] x",
        "[{\"a\"}]",
        "[{\"a\":\"b]",
        "[{\"a\":\"\\",
        "[{\"a\":{]",
        "[{a:1}]",
    ] {
        assert!(found(body).is_none(), "{body}");
    }
    let framed = frame("[{\"a\":1},\n{\"b\":[{\"]\":\"}\"}],\"c\":\"\\\"\"}]").unwrap();
    assert_eq!(framed.len(), 2);
    assert!(framed.iter().all(|alert| alert.end == End::Absent));
    assert_eq!(framed[1].whole, 10..37);
}

#[test]
fn a_body_that_is_no_json_is_refused_whole_however_it_is_framed() {
    let good = r#"{"labels":{"a":"b"}}"#;
    for bad in [
        r#"{"labels":{"a":"b"},}"#,
        r#"{"labels":{"a":5} "x":1}"#,
        r#"{"labels":{"a":"b"},"x":tru"e"}"#,
        r#"{"labels":{"a":"b"],"x":1}"#,
        r#"{"labels":{"a":"\x"}}"#,
        "{\"labels\":{\"a\":\"\n\"}}",
        // Wrong in type first, no JSON after that.
        r#"{"labels":5,"x":01}"#,
    ] {
        let body = format!("[{good},{bad},{good}]");
        let alerts = found(&body).unwrap();
        assert_eq!(by_batch(&alerts), Err(400), "{bad}");
        assert_eq!(in_whole(&body), Err(400), "{bad}");
    }
}

#[test]
fn i10_hostile_sizes_are_found_or_left_in_linear_time() {
    let many = format!("[{}{{}}]", "{},".repeat(1_000_000));
    assert!(found(&many).is_none(), "more than a request may have");
    let deep = format!(
        "[{{\"a\":{}{}}}]",
        "[".repeat(1_000_000),
        "]".repeat(1_000_000)
    );
    let alerts = found(&deep).unwrap();
    assert_eq!(by_batch(&alerts).unwrap().1.len(), 1);
    let fields = format!(
        "[{{{}\"endsAt\":\"\"}}]",
        "\"endsAt\":\"\",".repeat(1_000_000)
    );
    assert_eq!(gist(&found(&fields).unwrap()), None);
    let bad = format!("[{}]", vec!["{\"labels\":5}"; 10_000].join(","));
    let alerts = found(&bad).unwrap();
    assert_eq!(by_batch(&alerts).unwrap().1.len(), 10_000);
}

/// Small texts of which many meet what senders write, and what they should not.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-c]{1,2}",
        1 => Just("endsAt".to_owned()),
        1 => Just(String::new()),
        1 => prop::sample::select(vec![r"\u0061", r#"\""#, r"\\", r"\n", "ü", "}", "]", "{", ",", r"\u0000", r"\ud800"])
            .prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => text().prop_map(|text| format!("\"{text}\"")),
        1 => Just("null".to_owned()),
        1 => prop::sample::select(vec!["5", "true", "{}", "[\"]\"]", "{\"endsAt\":\"x\"}"]).prop_map(str::to_owned),
    ]
}

fn object() -> impl Strategy<Value = String> {
    let pair = (text(), value()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
    prop::collection::vec(pair, 0..4).prop_map(|pairs| format!("{{{}}}", pairs.join(",")))
}

/// A time about [`NOW`], as text.
fn time() -> impl Strategy<Value = String> {
    let about = (-3i64..3).prop_map(|m| (NOW + DurationMs::from_mins(m)).to_string());
    prop_oneof![
        6 => about,
        1 => Just("0001-01-01T00:00:00Z".to_owned()),
        1 => Just(String::new()),
        1 => prop::sample::select(vec!["2025-11-20 10:00:00", "2099-01-01T00:00:00+01:00", "later", "\n2099-01-01T00:00:00Z"])
            .prop_map(str::to_owned),
    ]
}

/// The fields of an alert, the end marked by `@`.
fn alert() -> impl Strategy<Value = String> {
    let labels = prop_oneof![4 => object(), 1 => Just("{\"a\":\"b\"}".to_owned())];
    let field = prop_oneof![
        3 => labels.prop_map(|o| format!("\"labels\":{o}")),
        2 => object().prop_map(|o| format!("\"annotations\":{o}")),
        2 => time().prop_map(|t| format!("\"startsAt\":\"{t}\"")),
        3 => Just("\"endsAt\":\"@\"".to_owned()),
        1 => value().prop_map(|v| format!("\"generatorURL\":{v}")),
        1 => (text(), value()).prop_map(|(n, v)| format!("\"{n}\":{v}")),
        1 => Just("\"ends\\u0041t\":\"2000-01-01T00:00:00Z\"".to_owned()),
    ];
    let space = prop::sample::select(vec!["", "", " ", "\n"]);
    (prop::collection::vec(field, 1..6), space).prop_map(|(fields, space)| {
        let always = "\"labels\":{\"a\":\"b\"}".to_owned();
        let mut fields = fields;
        if !fields.iter().any(|field| field.starts_with("\"labels\"")) {
            fields.push(always);
        }
        format!("{{{}{space}}}", fields.join(&format!("{space},{space}")))
    })
}

/// Bytes put in, taken out or changed, at a place given as a share of the length.
fn damaged(body: &str, damage: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    let mut bytes = body.as_bytes().to_vec();
    for (at, byte) in damage {
        let at = at.index(bytes.len());
        match byte % 3 {
            0 => bytes[at] = b"\"\\{}[],: "[usize::from(byte / 3) % 9],
            1 => bytes.insert(at, b"\"\\{}[],: "[usize::from(byte / 3) % 9]),
            _ => drop(bytes.remove(at)),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

proptest! {
    /// The promise of `Batch::gist`: what was decoded once says what the same text means with another end.
    #[test]
    fn equal_gists_mean_equal_signals_but_for_the_end(
        alert in alert(), one in time(), other in time(), later in 0i64..600_000, timeout in 1i64..600,
    ) {
        let body = |end: &str| format!("[{}]", alert.replace('@', end));
        let (one, other) = (body(&one), body(&other));
        // Another time and other settings.
        let (then, patience) = (NOW + DurationMs(later), DurationMs::from_secs(timeout));
        let first = found(&one);
        let second = Alerts::find(other.as_bytes(), then, patience);
        let (Some(first), Some(second)) = (first, second) else { return Ok(()) };
        let (Some(known), Some(asked)) = (gist(&first), gist(&second)) else { return Ok(()) };
        prop_assert_eq!(known.text, asked.text);
        let Ok((signals, _)) = by_batch(&first) else { return Ok(()) };
        let Some(signal) = signals.first() else { return Ok(()) };
        prop_assert_eq!(signal.ends_at, Some(known.ends_at));
        let begun = signal.starts_at.is_none_or(|starts| starts <= asked.ends_at);
        if asked.ends_at > then && begun {
            let expected = Signal {
                kind: SignalKind::Fire,
                ends_at: Some(asked.ends_at),
                ..signal.clone()
            };
            prop_assert_eq!(by_batch(&second), Ok((vec![expected], vec![])));
            prop_assert_eq!(decode(other.as_bytes(), then, patience), Ok((
                by_batch(&second).unwrap().0, vec![],
            )));
        }
    }

    /// Alerts of different text have different gists: else a change would be taken for a repeat.
    #[test]
    fn different_texts_have_different_gists(one in alert(), other in alert(), end in time()) {
        let (one, other) = (one.replace('@', &end), other.replace('@', &end));
        let bodies = [format!("[{one}]"), format!("[{other}]")];
        let [Some(first), Some(second)] = bodies.each_ref().map(|body| found(body)) else {
            return Ok(());
        };
        if let (Some(first), Some(second)) = (gist(&first), gist(&second)) {
            prop_assert_eq!(one == other, first.text == second.text);
        }
    }

    /// Whatever is posted, decoding it alert by alert says the same as decoding it in whole.
    #[test]
    fn a_batch_decodes_to_what_its_body_decodes_to(
        alerts in prop::collection::vec((alert(), time()), 1..4),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let alerts: Vec<String> = alerts.iter().map(|(alert, end)| alert.replace('@', end)).collect();
        let body = damaged(&format!("[{}]", alerts.join(", ")), &damage);
        if let Some(batch) = Alerts::find(&body, NOW, TIMEOUT) {
            let whole = decode(&body, NOW, TIMEOUT).map_err(|_| 400);
            prop_assert_eq!(by_batch(&batch), whole, "{}", String::from_utf8_lossy(&body));
        }
    }
}
