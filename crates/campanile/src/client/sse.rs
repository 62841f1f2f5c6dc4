//! Server-sent events, as the HTML standard has them (html.spec.whatwg.org, section 9.2, read 2026-11).

/// An event in bytes: the largest alert with its event.
const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// One event with data.
#[derive(Debug, Default, PartialEq)]
pub struct SseEvent {
    /// `message` where the sender names none.
    pub kind: String,
    pub data: String,
}

/// Takes bytes as they come and gives whole events.
#[derive(Default)]
pub struct SseParser {
    line: Vec<u8>,
    /// The last byte was a carriage return: a line feed after it ends no second line.
    after_return: bool,
    kind: String,
    data: String,
    has_data: bool,
    /// The newest id, to resume after.
    pub last_id: Option<String>,
}

/// An event without end.
#[derive(Debug, thiserror::Error)]
#[error("an event of the stream is too long")]
pub struct EventTooLong;

impl SseParser {
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>, EventTooLong> {
        let mut events = Vec::new();
        for byte in bytes {
            let after_return = std::mem::replace(&mut self.after_return, *byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => {
                    let line = std::mem::take(&mut self.line);
                    events.extend(self.line_ended(&String::from_utf8_lossy(&line)));
                }
                _ if self.line.len() + self.data.len() >= EVENT_BYTES_MAX => {
                    return Err(EventTooLong);
                }
                _ => self.line.push(*byte),
            }
        }
        Ok(events)
    }

    /// Whatever was incomplete when a connection ended is dropped; the id stays.
    pub fn restart(&mut self) {
        let last_id = self.last_id.take();
        *self = SseParser {
            last_id,
            ..SseParser::default()
        };
    }

    fn line_ended(&mut self, line: &str) -> Option<SseEvent> {
        if line.is_empty() {
            let kind = std::mem::take(&mut self.kind);
            let data = std::mem::take(&mut self.data);
            let kind = if kind.is_empty() {
                "message".to_owned()
            } else {
                kind
            };
            return std::mem::take(&mut self.has_data).then_some(SseEvent { kind, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.kind),
            "id" if !value.contains('\0') => self.last_id = Some(value.to_owned()),
            "data" => {
                if self.has_data {
                    self.data.push('\n');
                }
                self.has_data = true;
                self.data.push_str(value);
            }
            // Comments (keep-alives) and what we do not use.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, data: &str) -> SseEvent {
        SseEvent {
            kind: kind.into(),
            data: data.into(),
        }
    }

    #[test]
    fn events_are_the_same_however_they_are_cut() {
        let stream = ": hello\n\nevent: alert\nid: 7\ndata: {\"ä\":1}\n\ndata: a\r\ndata:b\r\n\r\nid: 8\n\ndata: never ends\n";
        let wanted = [event("alert", "{\"ä\":1}"), event("message", "a\nb")];
        for size in 1..stream.len() {
            let mut parser = SseParser::default();
            let mut got = Vec::new();
            for chunk in stream.as_bytes().chunks(size) {
                got.extend(parser.feed(chunk).unwrap());
            }
            assert_eq!(got, wanted, "in pieces of {size}");
            assert_eq!(parser.last_id.as_deref(), Some("8"));
            parser.restart();
            assert_eq!(
                parser.feed(b"data: x\n\n").unwrap(),
                [event("message", "x")]
            );
            assert_eq!(parser.last_id.as_deref(), Some("8"));
        }
    }

    #[test]
    fn i10_an_event_without_end_is_refused() {
        assert!(
            SseParser::default()
                .feed(&vec![b'x'; EVENT_BYTES_MAX + 1])
                .is_err()
        );
    }
}
