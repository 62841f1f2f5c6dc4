//! Character classes and escapes.

use regex::Regex;

use super::{Reader, fault, taken};

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

impl Reader<'_> {
    pub(super) fn class(&mut self) -> Result<(), String> {
        let start = self.rest;
        self.skip(1);
        self.out.push('[');
        if self.rest.starts_with('^') {
            self.skip(1);
            self.out.push('^');
        }
        let mut is_first = true;
        while is_first || !self.rest.starts_with(']') {
            is_first = false;
            if let Some(end) = self
                .rest
                .strip_prefix("[:")
                .and_then(|named| named.find(":]"))
            {
                let shown = &self.rest[..end + 4];
                let name = &self.rest[2..end + 2];
                if !POSIX.contains(&name.strip_prefix('^').unwrap_or(name)) {
                    return Err(fault("invalid character class range", shown));
                }
                self.out.push_str(shown);
                self.skip(shown.len());
                continue;
            }
            if self.unicode_class()? || self.perl_class() {
                continue;
            }
            let range = self.rest;
            let low = self.class_char(start)?;
            let mut high = low;
            if self.rest.starts_with('-') && self.rest.len() > 1 && !self.rest.starts_with("-]") {
                self.skip(1);
                high = self.class_char(start)?;
                if high < low {
                    let shown = taken(range, self.rest);
                    return Err(fault("invalid character class range", shown));
                }
            }
            self.out
                .push_str(&format!("\\x{{{low:x}}}-\\x{{{high:x}}}"));
        }
        self.skip(1);
        self.out.push(']');
        Ok(())
    }

    fn class_char(&mut self, class: &str) -> Result<u32, String> {
        match self.rest.chars().next() {
            None => Err(fault("missing closing ]", class)),
            Some('\\') => self.escape(),
            Some(c) => {
                self.skip(c.len_utf8());
                Ok(u32::from(c))
            }
        }
    }

    /// `\d`, `\s`, `\w` and their opposites; ASCII only.
    pub(super) fn perl_class(&mut self) -> bool {
        let Some(sign) = self.rest.get(..2) else {
            return false;
        };
        let class = match sign {
            "\\d" => "[0-9]",
            "\\D" => "[^0-9]",
            "\\s" => "[\\t\\n\\f\\r ]",
            "\\S" => "[^\\t\\n\\f\\r ]",
            "\\w" => "[0-9A-Za-z_]",
            "\\W" => "[^0-9A-Za-z_]",
            _ => return false,
        };
        self.out.push_str(class);
        self.skip(2);
        true
    }

    /// `\pL`, `\p{Greek}`: known if Rust's engine knows it.
    pub(super) fn unicode_class(&mut self) -> Result<bool, String> {
        let start = self.rest;
        if !start.starts_with("\\p") && !start.starts_with("\\P") {
            return Ok(false);
        }
        let end = match start[2..].chars().next() {
            Some('{') => start.find('}').map_or(start.len(), |end| end + 1),
            Some(c) => 2 + c.len_utf8(),
            None => 2,
        };
        let shown = &start[..end];
        if end == 2 || Regex::new(shown).is_err() {
            return Err(fault("invalid character class range", shown));
        }
        self.out.push_str(shown);
        self.skip(end);
        Ok(true)
    }

    /// One escaped character's code.
    pub(super) fn escape(&mut self) -> Result<u32, String> {
        let start = self.rest;
        self.skip(1);
        let Some(c) = self.next() else {
            return Err(fault("trailing backslash at end of expression", ""));
        };
        let code = match c {
            'a' => Some(7),
            'f' => Some(12),
            'n' => Some(10),
            'r' => Some(13),
            't' => Some(9),
            'v' => Some(11),
            'x' => self.hex(),
            '0'..='7' => self.octal(c),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(u32::from(c)),
            _ => None,
        };
        // Half a surrogate is a number in Go and nothing in Rust; no text has it.
        code.filter(|code| char::from_u32(*code).is_some())
            .ok_or_else(|| fault("invalid escape sequence", taken(start, self.rest)))
    }

    fn octal(&mut self, first: char) -> Option<u32> {
        let is_octal = |rest: &str| rest.starts_with(|c: char| ('0'..='7').contains(&c));
        // One digit that is not zero would look back at a group.
        if first != '0' && !is_octal(self.rest) {
            return None;
        }
        let mut code = first.to_digit(8)?;
        for _ in 0..2 {
            if is_octal(self.rest) {
                code = code * 8 + self.next()?.to_digit(8)?;
            }
        }
        Some(code)
    }

    fn hex(&mut self) -> Option<u32> {
        let first = self.next()?;
        if first != '{' {
            let second = self.next()?;
            return Some(first.to_digit(16)? * 16 + second.to_digit(16)?);
        }
        let mut code: Option<u32> = None;
        loop {
            match self.next()? {
                '}' => return code,
                c => {
                    let next = code.unwrap_or(0) * 16 + c.to_digit(16)?;
                    code = Some(next).filter(|code| *code <= u32::from(char::MAX));
                    code?;
                }
            }
        }
    }
}
