//! Regular expressions as Go reads them: its verdict on a pattern in its words, and the same pattern for Rust's
//! engine. Where both differ in what a pattern means (`\d` is ASCII in Go, `[[a]` a plain class, a brace that counts
//! nothing a character), the pattern given back means what Go means.
//!
//! Go 1.19's rules, as Alertmanager 0.25 answers them (observed 2026-11).

mod class;
#[cfg(test)]
mod tests;

use regex::{Regex, RegexBuilder};

/// A compiled regex may take this much memory; a pattern comes from a client.
const REGEX_BYTES_MAX: usize = 256 * 1024;
/// The most that Go lets a repetition count to.
const REPEAT_MAX: u32 = 1000;
/// Groups in groups; Go's own limit is 1000.
const DEPTH_MAX: usize = 200;

/// Compiles `^(?:pattern)$`, as Alertmanager does with matchers and the receiver's filter. The error is Go's.
pub fn anchored(pattern: &str) -> Result<Regex, String> {
    let translated = translated(&format!("^(?:{pattern})$"))?;
    let built = RegexBuilder::new(&translated)
        .size_limit(REGEX_BYTES_MAX)
        .build();
    built.map_err(|_| {
        let shown = wire::text::cut_chars(pattern, 200);
        format!("error parsing regexp: too large, or not known here: `{shown}`")
    })
}

/// The pattern for Rust's engine, or what Go says is wrong with it.
pub fn translated(pattern: &str) -> Result<String, String> {
    let mut reader = Reader {
        whole: pattern,
        rest: pattern,
        out: String::with_capacity(pattern.len() + 8),
        has_operand: vec![false],
    };
    reader.read().map(|()| reader.out)
}

struct Reader<'a> {
    whole: &'a str,
    rest: &'a str,
    out: String,
    /// One for each open group: whether there is something that a repetition could repeat.
    has_operand: Vec<bool>,
}

fn fault(what: &str, expression: &str) -> String {
    let shown = wire::text::cut_chars(expression, 500);
    format!("error parsing regexp: {what}: `{shown}`")
}

/// What was read of `from` up to `rest`, which is its end.
fn taken<'a>(from: &'a str, rest: &str) -> &'a str {
    &from[..from.len() - rest.len()]
}

impl<'a> Reader<'a> {
    fn read(&mut self) -> Result<(), String> {
        let mut last_repeat: Option<&'a str> = None;
        while let Some(c) = self.rest.chars().next() {
            let before = self.rest;
            let mut repeat = None;
            match c {
                '(' => self.group()?,
                '|' => {
                    self.skip(1);
                    self.out.push('|');
                    self.operand(false);
                }
                ')' => {
                    if self.has_operand.len() == 1 {
                        return Err(fault("unexpected )", self.whole));
                    }
                    self.skip(1);
                    self.out.push(')');
                    self.has_operand.pop();
                    self.operand(true);
                }
                '[' => {
                    self.class()?;
                    self.operand(true);
                }
                '*' | '+' | '?' => {
                    self.skip(1);
                    self.repeat(before, last_repeat)?;
                    repeat = Some(before);
                }
                '{' => match count(before) {
                    None => {
                        self.skip(1);
                        self.out.push_str("\\{");
                        self.operand(true);
                    }
                    Some((min, max, after)) => {
                        self.rest = after;
                        let is_bad = |n: u32| n > REPEAT_MAX;
                        if is_bad(min) || max.is_some_and(|max| is_bad(max) || max < min) {
                            return Err(fault("invalid repeat count", taken(before, after)));
                        }
                        self.repeat(before, last_repeat)?;
                        repeat = Some(before);
                    }
                },
                '\\' => {
                    self.backslash()?;
                }
                c => {
                    self.skip(c.len_utf8());
                    match c {
                        '^' | '$' | '.' => self.out.push(c),
                        c => self.literal(c),
                    }
                    self.operand(true);
                }
            }
            last_repeat = repeat;
        }
        match self.has_operand.len() {
            1 => Ok(()),
            _ => Err(fault("missing closing )", self.whole)),
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.skip(c.len_utf8());
        Some(c)
    }

    fn operand(&mut self, has: bool) {
        if let Some(top) = self.has_operand.last_mut() {
            *top = has;
        }
    }

    fn literal(&mut self, c: char) {
        self.out
            .push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
    }

    /// After a repetition's sign, which stands at the beginning of `before`.
    fn repeat(&mut self, before: &'a str, last: Option<&'a str>) -> Result<(), String> {
        if self.rest.starts_with('?') {
            self.skip(1);
        }
        if let Some(last) = last {
            return Err(fault(
                "invalid nested repetition operator",
                taken(last, self.rest),
            ));
        }
        let sign = taken(before, self.rest);
        if !self.has_operand.last().is_some_and(|has| *has) {
            return Err(fault("missing argument to repetition operator", sign));
        }
        self.out.push_str(sign);
        Ok(())
    }

    fn group(&mut self) -> Result<(), String> {
        if self.has_operand.len() > DEPTH_MAX {
            return Err(fault("expression nests too deeply", self.whole));
        }
        let start = self.rest;
        if !start.starts_with("(?") {
            self.skip(1);
            return self.open("(?:");
        }
        if let Some(named) = start.strip_prefix("(?P<").filter(|named| !named.is_empty()) {
            let Some(end) = named.find('>') else {
                return Err(fault("invalid named capture", start));
            };
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if end == 0 || !named[..end].chars().all(is_name) {
                let shown = &start[.."(?P<".len() + end + 1];
                return Err(fault("invalid named capture", shown));
            }
            self.rest = &named[end + 1..];
            return self.open("(?:");
        }
        self.skip(2);
        let (mut negative, mut saw_flag) = (false, false);
        // Each flag with its last sign: Rust takes none twice.
        let mut flags: Vec<(char, bool)> = Vec::new();
        while let Some(c) = self.next() {
            match c {
                'i' | 'm' | 's' | 'U' => {
                    saw_flag = true;
                    flags.retain(|(flag, _)| *flag != c);
                    flags.push((c, negative));
                }
                '-' if !negative => (negative, saw_flag) = (true, false),
                ':' | ')' if !negative || saw_flag => {
                    let of = |sign: bool| -> String {
                        let flags = flags.iter().filter(|(_, negative)| *negative == sign);
                        flags.map(|(flag, _)| *flag).collect()
                    };
                    let (on, off) = (of(false), of(true));
                    let dash = if off.is_empty() { "" } else { "-" };
                    match (c, flags.is_empty()) {
                        (':', _) => return self.open(&format!("(?{on}{dash}{off}:")),
                        // `(?)` is empty in Go and a mistake in Rust.
                        (_, true) => {}
                        (_, false) => self.out.push_str(&format!("(?{on}{dash}{off})")),
                    }
                    return Ok(());
                }
                _ => break,
            }
        }
        let shown = taken(start, self.rest);
        Err(fault("invalid or unsupported Perl syntax", shown))
    }

    fn open(&mut self, how: &str) -> Result<(), String> {
        self.out.push_str(how);
        self.has_operand.push(false);
        Ok(())
    }

    fn backslash(&mut self) -> Result<(), String> {
        let kind = self.rest[1..].chars().next();
        match kind {
            Some('A' | 'z' | 'b' | 'B') => {
                let sign = &self.rest[..2];
                match sign {
                    "\\b" => self.out.push_str("(?-u:\\b)"),
                    "\\B" => self.out.push_str("(?-u:\\B)"),
                    sign => self.out.push_str(sign),
                }
                self.skip(2);
            }
            Some('C') => return Err(fault("invalid escape sequence", "\\C")),
            Some('Q') => {
                self.skip(2);
                let (text, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                self.out.push_str(&regex::escape(text));
                self.rest = rest;
                if text.is_empty() {
                    return Ok(());
                }
            }
            _ => {
                if !self.unicode_class()? && !self.perl_class() {
                    let code = self.escape()?;
                    self.out.push_str(&format!("\\x{{{code:x}}}"));
                }
            }
        }
        self.operand(true);
        Ok(())
    }
}

/// `{2}`, `{2,}`, `{2,3}` at the beginning of `text`, and what follows; what is too large for us is too large for Go.
fn count(text: &str) -> Option<(u32, Option<u32>, &str)> {
    let end = text.find('}')?;
    let number = |digits: &str| {
        let is_number = !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
            && (digits.len() == 1 || !digits.starts_with('0'));
        is_number.then(|| digits.parse().unwrap_or(u32::MAX))
    };
    let inside = &text[1..end];
    let (min, max) = match inside.split_once(',') {
        None => {
            let times = number(inside)?;
            (times, Some(times))
        }
        Some((min, "")) => (number(min)?, None),
        Some((min, max)) => (number(min)?, Some(number(max)?)),
    };
    Some((min, max, &text[end + 1..]))
}
