//! Where the alerts of a body stand in it, and where each says when it ends, found without decoding them.
//!
//! This is no JSON parser: it counts brackets, passes over strings, and reads the names of an alert's own fields.
//! It need not notice every fault, because an alert's text counts only once it was decoded (serde_json says whether it
//! is JSON), or if it is the same, but for the end, as one that was. Whatever looks odd here is left to `decode`.

use std::ops::Range;

/// An alert in a body: ranges of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Framed {
    /// From its `{` to its `}`.
    pub whole: Range<usize>,
    pub end: End,
}

/// What an alert says of its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The value of `endsAt`: within the quotes of a string without escapes.
    At(Range<usize>),
    /// There is no `endsAt`.
    Absent,
    /// It is no such string, or stands there twice, or a field's name has an escape and may be anything.
    Odd,
}

/// The alerts of a body, if it is an array of nothing but objects.
pub(super) fn frame(body: &str) -> Option<Vec<Framed>> {
    let mut reader = Reader {
        bytes: body.as_bytes(),
        at: 0,
    };
    let mut alerts = Vec::with_capacity(64);
    reader.expect(b'[')?;
    loop {
        alerts.push(reader.alert()?);
        match reader.token()? {
            b',' => {}
            b']' => break,
            _ => return None,
        }
    }
    reader.token().is_none().then_some(alerts)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The next byte that is no white space, passed.
    fn token(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
        }
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.token()? == wanted).then_some(())
    }

    /// One object, passed.
    fn alert(&mut self) -> Option<Framed> {
        self.expect(b'{')?;
        let from = self.at - 1;
        let mut end = End::Absent;
        let mut next = self.token()?;
        while next != b'}' {
            if next != b'"' {
                return None;
            }
            let name = self.string()?;
            self.expect(b':')?;
            let value = self.value()?;
            match name.map(|text| &self.bytes[text]) {
                Some(b"endsAt") => {
                    end = match (end, value) {
                        (End::Absent, Some(text)) => End::At(text),
                        _ => End::Odd,
                    }
                }
                Some(_) => {}
                None => end = End::Odd,
            }
            next = match self.token()? {
                b',' => self.token()?,
                b'}' => b'}',
                _ => return None,
            };
        }
        let whole = from..self.at;
        Some(Framed { whole, end })
    }

    /// A value, passed; of a string without escapes what stands within its quotes.
    fn value(&mut self) -> Option<Option<Range<usize>>> {
        match self.token()? {
            b'"' => self.string(),
            b'{' | b'[' => self.nested().map(|()| None),
            _ => {
                let rest = &self.bytes[self.at..];
                let length = rest
                    .iter()
                    .position(|byte| matches!(byte, b',' | b'}' | b']'))?;
                self.at += length;
                Some(None)
            }
        }
    }

    /// The rest of an object or array whose first bracket was passed.
    fn nested(&mut self) -> Option<()> {
        let mut depth = 1;
        while depth > 0 {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
        }
        Some(())
    }

    /// The rest of a string whose first quote was passed: what stands within its quotes, unless that has escapes.
    fn string(&mut self) -> Option<Option<Range<usize>>> {
        let from = self.at;
        let mut is_plain = true;
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => return Some(is_plain.then(|| from..self.at - 1)),
                b'\\' => {
                    is_plain = false;
                    self.at += 1;
                }
                _ => {}
            }
        }
    }
}
