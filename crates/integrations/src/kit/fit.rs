//! Makes signals keep the limits (I10): what identifies must fit or the signal is refused; what is for people is cut.

use std::borrow::Cow;

use model::limits::{
    ANNOTATION_VALUE_BYTES_MAX, KEY_BYTES_MAX, LABEL_NAME_BYTES_MAX, LABEL_VALUE_BYTES_MAX,
    LABELS_MAX, LINKS_MAX, SIGNAL_BYTES_MAX, TITLE_CHARS_MAX, VIA_MAX,
};
use model::{Labels, Signal};
use wire::text::{self, Unit};

/// The signal within the limits, or why it cannot be. Titles become one line; control characters go from texts; NUL,
/// which PostgreSQL cannot keep, becomes U+FFFD everywhere.
pub fn fit(mut signal: Signal) -> Result<Signal, String> {
    for field in [&mut signal.key, &mut signal.resource, &mut signal.event] {
        replace_nul(field);
    }
    if signal.key.is_empty() {
        return Err("it has no key".to_owned());
    }
    if signal.key.len() > KEY_BYTES_MAX {
        return Err(format!("its key is longer than {KEY_BYTES_MAX} bytes"));
    }
    for (name, field) in [("resource", &signal.resource), ("event", &signal.event)] {
        if field.len() > LABEL_VALUE_BYTES_MAX {
            return Err(format!(
                "its {name} is longer than {LABEL_VALUE_BYTES_MAX} bytes"
            ));
        }
    }
    if let Some(id) = &mut signal.message_id {
        replace_nul(id);
        // Cut, two messages could look like one.
        if id.len() > KEY_BYTES_MAX {
            return Err(format!(
                "its message id is longer than {KEY_BYTES_MAX} bytes"
            ));
        }
    }
    if signal.via.len() > VIA_MAX {
        return Err(format!(
            "it passed more than {VIA_MAX} hubs, which looks like a loop"
        ));
    }
    signal.labels = fit_labels(signal.labels)?;
    fit_title(&mut signal.title);
    if let Some(value) = &mut signal.value {
        fit_text(value, LABEL_VALUE_BYTES_MAX);
    }
    signal.links.truncate(LINKS_MAX);

    // Identity first, then the title, the text, and annotations as far as there is room.
    let mut room = SIGNAL_BYTES_MAX
        .checked_sub(weight(&signal))
        .ok_or_else(|| format!("its labels and fields weigh more than {SIGNAL_BYTES_MAX} bytes"))?;
    fit_text(&mut signal.text, room.min(ANNOTATION_VALUE_BYTES_MAX));
    room -= signal.text.len();
    signal.annotations = fit_annotations(signal.annotations, room)?;
    Ok(signal)
}

fn weight(signal: &Signal) -> usize {
    let labels: usize = signal.labels.iter().map(|(n, v)| n.len() + v.len()).sum();
    let links: usize = signal
        .links
        .iter()
        .map(|l| l.href.len() + l.text.len())
        .sum();
    let value = signal.value.as_ref().map_or(0, String::len);
    labels
        + links
        + value
        + signal.key.len()
        + signal.resource.len()
        + signal.event.len()
        + signal.title.len()
}

fn fit_labels(labels: Labels) -> Result<Labels, String> {
    if labels.len() > LABELS_MAX {
        return Err(format!(
            "it has {} labels, more than {LABELS_MAX}",
            labels.len()
        ));
    }
    let mut has_nul = false;
    for (name, value) in labels.iter() {
        if name.len() > LABEL_NAME_BYTES_MAX {
            return Err(format!(
                "the name of a label is longer than {LABEL_NAME_BYTES_MAX} bytes"
            ));
        }
        if value.len() > LABEL_VALUE_BYTES_MAX {
            let name = text::cut_chars(name, 80);
            return Err(format!(
                "the value of label `{name}` is longer than {LABEL_VALUE_BYTES_MAX} bytes"
            ));
        }
        has_nul |= name.contains('\0') || value.contains('\0');
    }
    if !has_nul {
        return Ok(labels);
    }
    Ok(labels
        .iter()
        .map(|(n, v)| (n.replace('\0', "\u{fffd}"), v.replace('\0', "\u{fffd}")))
        .collect())
}

fn fit_annotations(annotations: Labels, mut room: usize) -> Result<Labels, String> {
    if annotations.len() > LABELS_MAX {
        return Err(format!(
            "it has {} annotations, more than {LABELS_MAX}",
            annotations.len()
        ));
    }
    let weight: usize = annotations.iter().map(|(n, v)| n.len() + v.len()).sum();
    let is_clean = |text: &str| is_plain(text) || matches!(text::clean(text), Cow::Borrowed(_));
    let is_fine = |(name, value): (&str, &str)| {
        name.len() <= LABEL_NAME_BYTES_MAX
            && value.len() <= ANNOTATION_VALUE_BYTES_MAX
            && is_clean(name)
            && is_clean(value)
    };
    if weight <= room && annotations.iter().all(is_fine) {
        return Ok(annotations);
    }
    let mut kept = Labels::new();
    for (name, value) in annotations.iter() {
        if name.len() > LABEL_NAME_BYTES_MAX {
            return Err(format!(
                "the name of an annotation is longer than {LABEL_NAME_BYTES_MAX} bytes"
            ));
        }
        let name = text::clean(name);
        let Some(left) = room.checked_sub(name.len()) else {
            break;
        };
        let value = cut_bytes(&text::clean(value), left.min(ANNOTATION_VALUE_BYTES_MAX));
        room = left - value.len();
        kept.set(name, value);
    }
    Ok(kept)
}

/// One line, cut. Most titles are fine as they are, and this runs for every signal.
fn fit_title(title: &mut String) {
    let is_fine = is_plain(title)
        && title.len() <= TITLE_CHARS_MAX
        && !title.contains("  ")
        && !title.starts_with(' ')
        && !title.ends_with(' ');
    if !is_fine {
        *title = text::cut_chars(&text::one_line(title), TITLE_CHARS_MAX).into_owned();
    }
}

fn fit_text(text: &mut String, bytes_max: usize) {
    if !is_plain(text) || text.len() > bytes_max {
        *text = cut_bytes(&text::clean(text), bytes_max);
    }
}

/// Nothing but printable ASCII: nothing to clean.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

fn cut_bytes(text: &str, max: usize) -> String {
    text::cut(text, max, Unit::Bytes).into_owned()
}

fn replace_nul(field: &mut String) {
    if let Cow::Owned(clean) = without_nul(field) {
        *field = clean;
    }
}

fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal() -> Signal {
        Signal {
            key: "k".to_owned(),
            ..Signal::default()
        }
    }

    #[test]
    fn i10_what_identifies_must_fit() {
        let many: Labels = (0..5000).map(|i| (format!("l{i}"), "x")).collect();
        let long: Labels = [("big", "x".repeat(5000))].into_iter().collect();
        let heavy: Labels = (0..20)
            .map(|i| (format!("l{i}"), "x".repeat(4000)))
            .collect();
        let table: [(Signal, &str); 7] = [
            (Signal::default(), "it has no key"),
            (
                Signal {
                    key: "k".repeat(513),
                    ..signal()
                },
                "its key is longer than 512 bytes",
            ),
            (
                Signal {
                    labels: many,
                    ..signal()
                },
                "it has 5000 labels, more than 128",
            ),
            (
                Signal {
                    labels: long,
                    ..signal()
                },
                "the value of label `big` is longer than 4096 bytes",
            ),
            (
                Signal {
                    labels: heavy,
                    ..signal()
                },
                "its labels and fields weigh more than 65536 bytes",
            ),
            (
                Signal {
                    message_id: Some("m".repeat(KEY_BYTES_MAX + 1)),
                    ..signal()
                },
                "its message id is longer than 512 bytes",
            ),
            (
                Signal {
                    via: vec!["hub".to_owned(); 9],
                    ..signal()
                },
                "it passed more than 8 hubs, which looks like a loop",
            ),
        ];
        for (signal, problem) in table {
            assert_eq!(fit(signal).unwrap_err(), problem);
        }
    }

    #[test]
    fn i10_what_is_for_people_is_cut() {
        let annotations: Labels = (0..10)
            .map(|i| (format!("a{i}"), "ä".repeat(20_000)))
            .collect();
        let fitted = fit(Signal {
            title: "t\n".repeat(2000),
            text: "ü".repeat(40_000),
            annotations,
            value: Some("9\0".to_owned()),
            labels: [("a", "b\0c")].into_iter().collect(),
            message_id: Some("m\0".to_owned()),
            ..signal()
        })
        .unwrap();
        assert_eq!(fitted.message_id.as_deref(), Some("m\u{fffd}"));
        assert_eq!(fitted.title.chars().count(), TITLE_CHARS_MAX);
        assert_eq!(fitted.value.as_deref(), Some("9"));
        assert_eq!(fitted.labels.get("a"), Some("b\u{fffd}c"));
        assert!(fitted.text.len() <= ANNOTATION_VALUE_BYTES_MAX && fitted.text.ends_with('…'));
        let total: usize = fitted
            .annotations
            .iter()
            .map(|(n, v)| n.len() + v.len())
            .sum();
        assert!(weight(&fitted) + fitted.text.len() + total <= SIGNAL_BYTES_MAX);
        assert!(
            fitted
                .annotations
                .get("a0")
                .is_some_and(|v| v.len() > 16_000)
        );
    }
}
