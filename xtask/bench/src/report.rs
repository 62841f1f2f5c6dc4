//! The table for people and the file for comparison.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use crate::rows::{NOT_YET, Row};
use crate::sample::{Costs, Sample};
use crate::servers::Kind;
use crate::surroundings::Surroundings;

/// Beyond this share of the processors, others' work is worth a warning.
const OTHERS_MAX: f64 = 0.05;

/// The work that the targets are for.
pub const BUDGET_ALERTS: usize = 100_000;

/// All that was measured.
pub struct Report {
    surroundings: Surroundings,
    rounds: u32,
    alerts: usize,
    samples: Vec<Sample>,
}

/// One server's figure in one row.
#[derive(Serialize)]
struct Figure {
    median: f64,
    /// From the least to the most, as a share of the median.
    spread: f64,
    rounds: Vec<Sample>,
}

/// One row as it is written to the file.
#[derive(Serialize)]
struct Line {
    row: Row,
    title: &'static str,
    bare: Option<Figure>,
    alertmanager: Option<Figure>,
    campanile: Option<Figure>,
    /// Ours to Alertmanager's.
    ratio: Option<f64>,
    target: String,
    met: Option<bool>,
}

#[derive(Serialize)]
struct File<'a> {
    surroundings: &'a Surroundings,
    rounds: u32,
    alerts: usize,
    rows: Vec<Line>,
    not_yet: &'static [(&'static str, &'static str)],
}

impl Report {
    pub fn new(surroundings: Surroundings, rounds: u32, alerts: usize) -> Report {
        Report {
            surroundings,
            rounds,
            alerts,
            samples: Vec::new(),
        }
    }

    pub fn add(&mut self, samples: Vec<Sample>) {
        self.samples.extend(samples);
    }

    pub fn show_surroundings(&self) {
        let s = &self.surroundings;
        println!(
            "{}: {} × {}, {} GB, Linux {}, load {}",
            s.at, s.processors, s.processor, s.memory_gb, s.kernel, s.load
        );
        println!(
            "Campanile {}; {}",
            s.campanile,
            s.alertmanager
                .as_deref()
                .unwrap_or("Alertmanager is left out")
        );
        println!(
            "{} alerts a phase, rounds: {}",
            count(self.alerts),
            self.rounds
        );
    }

    /// Prints the table, and writes the file if one is wanted.
    pub fn finish(self, json: Option<&Path>) -> anyhow::Result<()> {
        let rows: Vec<Line> = Row::ALL
            .into_iter()
            .filter_map(|row| self.line(row))
            .collect();
        println!();
        self.show_surroundings();
        println!("\nMedians; spread is from the least to the most of the rounds.");
        table(&rows);
        println!();
        costs(&rows);
        let others = self
            .samples
            .iter()
            .map(|s| s.costs.others)
            .fold(0.0, f64::max);
        if others > OTHERS_MAX {
            println!(
                "\nNot a quiet machine: other programs took up to {:.0} % of its processors while something was measured.",
                others * 100.0
            );
        }
        if self.alerts < BUDGET_ALERTS {
            println!(
                "\nThe targets are for {} alerts: this run only shows that everything works.",
                count(BUDGET_ALERTS)
            );
        }
        if let Some(path) = json {
            let file = File {
                surroundings: &self.surroundings,
                rounds: self.rounds,
                alerts: self.alerts,
                rows,
                not_yet: NOT_YET,
            };
            let text = serde_json::to_string_pretty(&file)?;
            std::fs::write(path, text + "\n")
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    fn line(&self, row: Row) -> Option<Line> {
        let [bare, alertmanager, campanile] =
            [Kind::Bare, Kind::Alertmanager, Kind::Campanile].map(|kind| self.figure(row, kind));
        if bare.is_none() && alertmanager.is_none() && campanile.is_none() {
            return None;
        }
        let ratio = match (&alertmanager, &campanile) {
            (Some(theirs), Some(ours)) => Some(ours.median / theirs.median),
            _ => None,
        };
        let own = campanile.as_ref().map(|ours| ours.median);
        Some(Line {
            row,
            title: row.title(),
            met: own.and_then(|own| row.target().met(ratio, own)),
            target: row.target().text(),
            bare,
            alertmanager,
            campanile,
            ratio,
        })
    }

    fn figure(&self, row: Row, kind: Kind) -> Option<Figure> {
        let of = |s: &&Sample| s.row == row && s.kind == kind;
        let rounds: Vec<Sample> = self.samples.iter().filter(of).cloned().collect();
        let values: Vec<f64> = rounds.iter().map(|s| s.value).collect();
        let median = median(&values)?;
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(0.0, f64::max);
        Some(Figure {
            median,
            spread: (most - least) / median,
            rounds,
        })
    }
}

/// `None` of nothing.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (last, middle) = (sorted.len().checked_sub(1)?, sorted.len() / 2);
    Some((sorted[last / 2] + sorted[middle]) / 2.0)
}

fn table(rows: &[Line]) {
    println!(
        "| {:58} | {:>14} | {:>13} | {:>8} | {:>8} | {:>3} | {:>11} |",
        "row", "Alertmanager", "Campanile", "ratio", "target", "met", "spread"
    );
    println!(
        "|{:-<60}|{:->16}|{:->15}|{:->10}|{:->10}|{:->5}|{:->13}|",
        "", ":", ":", ":", ":", "", ":"
    );
    for row in rows {
        let value = |figure: &Option<Figure>| {
            figure.as_ref().map_or("–".to_owned(), |f| number(f.median))
        };
        let spread = |figure: &Option<Figure>| {
            figure
                .as_ref()
                .map_or("–".to_owned(), |f| format!("{:.0} %", f.spread * 100.0))
        };
        let (theirs, spreads) = match &row.bare {
            Some(_) => (value(&row.bare) + " bare", spread(&row.bare)),
            None => (
                value(&row.alertmanager),
                format!("{}, {}", spread(&row.alertmanager), spread(&row.campanile)),
            ),
        };
        let met = match row.met {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "–",
        };
        let ratio = row
            .ratio
            .map_or("–".to_owned(), |ratio| format!("{ratio:.2} ×"));
        println!(
            "| {:58} | {theirs:>14} | {:>13} | {ratio:>8} | {:>8} | {met:>3} | {spreads:>11} |",
            row.title,
            value(&row.campanile),
            row.target
        );
    }
    for (title, why) in NOT_YET {
        println!("| {title}: {why} |");
    }
}

/// What each figure cost its server.
fn costs(rows: &[Line]) {
    println!(
        "| {:58} | {:>19} | {:>17} | {:>21} |",
        "cost, of Alertmanager / of Campanile",
        "CPU per unit, µs",
        "peak memory, MB",
        "disk flushes per 1,000"
    );
    println!("|{:-<60}|{:->21}|{:->19}|{:->23}|", "", ":", ":", ":");
    for row in rows {
        let pair = |of: fn(&Costs) -> Option<f64>, digits: usize| {
            let text = |figure: &Option<Figure>| {
                let values = figure
                    .iter()
                    .flat_map(|f| &f.rounds)
                    .filter_map(|s| of(&s.costs));
                let middle = median(&values.collect::<Vec<_>>());
                middle.map_or("–".to_owned(), |v| format!("{v:.digits$}"))
            };
            match &row.bare {
                Some(_) => text(&row.bare),
                None => format!("{} / {}", text(&row.alertmanager), text(&row.campanile)),
            }
        };
        let all = [
            pair(|c| c.cpu_us, 1),
            pair(|c| c.peak.map(|p| p as f64 / 1e6), 0),
            pair(|c| c.flushes, 2),
        ];
        println!(
            "| {:58} | {:>19} | {:>17} | {:>21} |",
            row.title, all[0], all[1], all[2]
        );
    }
}

/// With as many digits as mean something.
pub fn number(value: f64) -> String {
    match value {
        v if v >= 1000.0 => count(v.round() as usize),
        v if v >= 10.0 => format!("{v:.0}"),
        v => format!("{v:.2}"),
    }
}

/// With commas between thousands.
fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_medians_with_readable_digits() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
        assert_eq!(median(&[]), None);
        assert_eq!(number(1_234_567.4), "1,234,567");
        assert_eq!(number(999.6), "1000");
        assert_eq!(number(42.4), "42");
        assert_eq!(number(0.127), "0.13");
    }
}
