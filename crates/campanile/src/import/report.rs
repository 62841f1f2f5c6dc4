//! What became of each part of the file.

use std::collections::BTreeSet;

use super::routes::Rule;
use super::secrets::Secrets;
use crate::client::clean;

/// How well a part came over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// It means the same here.
    Exact,
    /// It does something else in a way that people may notice; the line says which.
    Near,
    /// It is not there.
    Missing,
}

/// Lines for people. Texts must not hold secrets.
#[derive(Debug, Default)]
pub struct Report {
    /// Grade, line of the file (0: none), text.
    lines: Vec<(Grade, usize, String)>,
}

impl Report {
    pub fn exact(&mut self, line: usize, text: impl Into<String>) {
        self.lines.push((Grade::Exact, line, text.into()));
    }

    pub fn near(&mut self, line: usize, text: impl Into<String>) {
        self.lines.push((Grade::Near, line, text.into()));
    }

    pub fn missing(&mut self, line: usize, text: impl Into<String>) {
        self.lines.push((Grade::Missing, line, text.into()));
    }

    /// Everything, graded and by line, then what to set.
    pub fn text(&self, file: &str, rules: &[Rule], secrets: &Secrets) -> String {
        let mut out = String::new();
        let mut counts = [0_usize; 3];
        let mut seen = BTreeSet::new();
        let mut lines = self.lines.clone();
        lines.sort();
        for (grade, line, text) in lines {
            let text = clean(&text);
            // The same words about the same line say nothing twice.
            if !seen.insert((grade, line, text.clone())) {
                continue;
            }
            let (word, count) = match grade {
                Grade::Exact => ("exact", &mut counts[0]),
                Grade::Near => ("near", &mut counts[1]),
                Grade::Missing => ("missing", &mut counts[2]),
            };
            *count += 1;
            match line {
                0 => out.push_str(&format!("{word:<8} {text}\n")),
                line => out.push_str(&format!("{word:<8} {file}:{line}: {text}\n")),
            }
        }
        let [exact, near, missing] = counts;
        out.push_str(&format!(
            "\n{} integrations; {exact} exact, {near} near, {missing} missing.\n",
            rules.len()
        ));
        out.push_str(
            "\nSet these in the environment before the configuration is checked or used:\n",
        );
        for (name, what) in secrets.wanted() {
            out.push_str(&format!("  {name:<32} {what}\n"));
        }
        out
    }
}
