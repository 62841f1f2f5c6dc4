//! The text of matchers: `name op value`, or a list `{a="b", c=~"d"}` (braces optional, a last comma allowed).
//!
//! Names and values may stand without quotes if they have no white space and none of `{}!=~,"'` and the backtick;
//! these rules are those of Alertmanager's UTF-8 matchers. In quotes `\"`, `\\` and `\n` mean what they say, and
//! any other backslash is itself (so that `"\d+"` is a regular expression), as in its classic matchers, which win
//! there when both readings differ (Alertmanager 0.27, alertmanager/compat).

use std::iter::Peekable;
use std::str::Chars;

use model::{MatchOp, Matcher, limits};

use super::MatcherError;

/// Reads one matcher.
pub fn parse_matcher(text: &str) -> Result<Matcher, MatcherError> {
    let mut reader = Reader::new(text)?;
    let matcher = reader.matcher()?;
    reader.end("the end of the matcher")?;
    Ok(matcher)
}

/// Reads one matcher or a list of them. `{}` is the empty list; an empty text is an error.
pub fn parse_matchers(text: &str) -> Result<Vec<Matcher>, MatcherError> {
    let mut reader = Reader::new(text)?;
    let braces = reader.take('{');
    let mut matchers = Vec::new();
    if braces && reader.take('}') {
        reader.end("the end of the list")?;
        return Ok(matchers);
    }
    loop {
        matchers.push(reader.matcher()?);
        if matchers.len() > limits::MATCHERS_MAX {
            return Err(MatcherError::TooMany {
                count: matchers.len(),
            });
        }
        let comma = reader.take(',');
        if braces && reader.take('}') {
            reader.end("the end of the list")?;
            return Ok(matchers);
        }
        if !braces && reader.peek().is_none() {
            return Ok(matchers);
        }
        if !comma {
            return Err(reader.unexpected(if braces {
                "`,` or `}`"
            } else {
                "`,` or the end"
            }));
        }
    }
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    /// Characters read so far.
    read: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Result<Reader<'a>, MatcherError> {
        if text.len() > limits::MATCHER_BYTES_MAX {
            return Err(MatcherError::TooLong { bytes: text.len() });
        }
        Ok(Reader {
            chars: text.chars().peekable(),
            read: 0,
        })
    }

    fn matcher(&mut self) -> Result<Matcher, MatcherError> {
        let name = self.text("a label's name")?;
        let op = self.op()?;
        let value = self.text("a value (in quotes if it has spaces or signs)")?;
        Ok(Matcher { name, op, value })
    }

    fn op(&mut self) -> Result<MatchOp, MatcherError> {
        const EXPECTED: &str = "`=`, `!=`, `=~` or `!~`";
        if self.take('=') {
            return Ok(if self.next_if('~') {
                MatchOp::Regex
            } else {
                MatchOp::Equal
            });
        }
        if !self.take('!') {
            return Err(self.unexpected(EXPECTED));
        }
        if self.next_if('=') {
            Ok(MatchOp::NotEqual)
        } else if self.next_if('~') {
            Ok(MatchOp::NotRegex)
        } else {
            Err(self.unexpected("`=` or `~` after `!`"))
        }
    }

    /// A quoted text (which may be empty) or a bare word.
    fn text(&mut self, expected: &'static str) -> Result<String, MatcherError> {
        if self.take('"') {
            return self.rest_of_quoted();
        }
        let mut word = String::new();
        while let Some(c) = self.chars.next_if(|c| is_bare(*c)) {
            word.push(c);
            self.read += 1;
        }
        if word.is_empty() {
            return Err(self.unexpected(expected));
        }
        Ok(word)
    }

    fn rest_of_quoted(&mut self) -> Result<String, MatcherError> {
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => match self.next() {
                    Some('n') => text.push('\n'),
                    Some(c @ ('"' | '\\')) => text.push(c),
                    Some(c) => text.extend(['\\', c]),
                    None => return Err(self.unexpected("`\"` at the end of the value")),
                },
                Some(c) => text.push(c),
                None => return Err(self.unexpected("`\"` at the end of the value")),
            }
        }
    }

    fn end(&mut self, expected: &'static str) -> Result<(), MatcherError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected(expected)),
        }
    }

    /// The next character that is not white space.
    fn peek(&mut self) -> Option<char> {
        while self.chars.next_if(|c| c.is_whitespace()).is_some() {
            self.read += 1;
        }
        self.chars.peek().copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        self.peek();
        self.next_if(wanted)
    }

    fn next_if(&mut self, wanted: char) -> bool {
        let found = self.chars.next_if_eq(&wanted).is_some();
        self.read += usize::from(found);
        found
    }

    fn next(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        self.read += 1;
        Some(c)
    }

    fn unexpected(&mut self, expected: &'static str) -> MatcherError {
        MatcherError::Syntax {
            position: self.read + 1,
            expected,
            found: match self.chars.peek() {
                Some(c) => format!("`{c}`"),
                None => "the end".into(),
            },
        }
    }
}

fn is_bare(c: char) -> bool {
    !c.is_whitespace() && !r#"{}!=~,"'`"#.contains(c)
}
