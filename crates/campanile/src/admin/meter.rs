//! Progress for people: a bar on a terminal, elsewhere a line now and then.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};
use model::Clock;
use store::{Progress, Step};

/// Milliseconds between two lines where there is no terminal.
const LINE_EVERY_MS: i64 = 5000;

/// Prints to standard error, so that standard output holds the result alone.
pub struct Meter {
    clock: Arc<dyn Clock>,
    bar: Option<ProgressBar>,
    /// Rows, pages: what is counted.
    unit: &'static str,
    /// The last line: its step, and when.
    last: Mutex<Option<(Step, i64)>>,
}

impl Meter {
    pub fn new(clock: Arc<dyn Clock>, unit: &'static str) -> Meter {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let style = "{msg:24} {bar:32} {human_pos} of {human_len} {prefix}  {eta}";
            // A style that does not fit is a bar that looks otherwise.
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style);
            }
            bar.set_prefix(unit);
            bar
        });
        Meter {
            clock,
            bar,
            unit,
            last: Mutex::new(None),
        }
    }

    pub fn heard(&self, progress: Progress) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(progress.total);
                bar.set_position(progress.done);
                bar.set_message(what(&progress));
            }
            None => {
                if let Some(line) = self.line(&progress) {
                    eprintln!("{line}");
                }
            }
        }
    }

    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// The line that is due: at the beginning of each step, and now and then.
    fn line(&self, progress: &Progress) -> Option<String> {
        let now = self.clock.boot_ms();
        // Whoever held it has panicked, and its value is a time.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|(step, at)| step == progress.step && now < at + LINE_EVERY_MS) {
            return None;
        }
        *last = Some((progress.step, now));
        let percent = (progress.done * 100).checked_div(progress.total);
        Some(format!(
            "{}: {} of {} {} ({} %)",
            what(progress),
            grouped(progress.done),
            grouped(progress.total),
            self.unit,
            percent.unwrap_or(100),
        ))
    }
}

fn what(progress: &Progress) -> String {
    match progress.table {
        "" => progress.step.as_str().to_owned(),
        table => format!("{} {table}", progress.step.as_str()),
    }
}

/// 1234567 as 1,234,567.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        let grouped: Vec<String> = [0, 12, 999, 1000, 1_234_567].map(grouped).into();
        assert_eq!(grouped, ["0", "12", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn without_a_terminal_each_step_has_a_line_at_once_and_then_every_five_seconds() {
        let clock = Arc::new(model::TestClock::at(model::Timestamp(1_700_000_000_000)));
        let meter = Meter {
            clock: clock.clone(),
            bar: None,
            unit: "rows",
            last: Mutex::new(None),
        };
        let progress = |step, done| Progress {
            step,
            table: "event",
            done,
            total: 2000,
        };
        assert_eq!(
            meter.line(&progress(Step::Copying, 1500)).as_deref(),
            Some("copying event: 1,500 of 2,000 rows (75 %)")
        );
        assert_eq!(meter.line(&progress(Step::Copying, 1600)), None);
        assert!(meter.line(&progress(Step::Checking, 0)).is_some());
        clock.advance(model::DurationMs::from_secs(5));
        assert!(meter.line(&progress(Step::Checking, 10)).is_some());
        assert_eq!(meter.line(&progress(Step::Checking, 11)), None);
    }
}
