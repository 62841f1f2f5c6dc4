//! Opening and closing of one issue: the meaning of "consistently".

use model::Timestamp;

/// A measured value against its threshold. Exactly equal is neither above nor below: it opens nothing, closes
/// nothing, and ends a row of measurements on either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Above,
    At,
    Below,
}

impl Reading {
    pub(crate) fn of(value: f64, threshold: f64) -> Reading {
        if value > threshold {
            Reading::Above
        } else if value < threshold {
            Reading::Below
        } else {
            Reading::At
        }
    }
}

/// How many measurements in a row open and close: the asymmetry that differs from rule to rule (E6–E12).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub open_after: u32,
    pub close_after: u32,
}

/// What a measurement means for its issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There is no issue.
    Quiet,
    /// There is one; it opened with this measurement or before. `below`: measurements below in a row so far.
    Open { below: u32 },
    /// It ends with this measurement.
    Over,
}

/// The state of one possible issue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    open: bool,
    /// When it opened; unknown if it was open when we started.
    pub(crate) since: Option<Timestamp>,
    /// Measurements in a row towards the other state.
    row: u32,
    critical: bool,
    calm: u32,
}

impl Watch {
    /// The watch of an issue that was open before we started.
    pub(crate) fn resumed() -> Watch {
        Watch {
            open: true,
            ..Watch::default()
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    pub(crate) fn look(&mut self, reading: Reading, patience: Patience, now: Timestamp) -> Verdict {
        let (towards, needed) = if self.open {
            (Reading::Below, patience.close_after)
        } else {
            (Reading::Above, patience.open_after)
        };
        self.row = if reading == towards { self.row + 1 } else { 0 };
        let turns = self.row >= needed.max(1);
        match (self.open, turns) {
            (false, false) => Verdict::Quiet,
            (true, false) => Verdict::Open { below: self.row },
            (false, true) => {
                *self = Watch::resumed();
                self.since = Some(now);
                Verdict::Open { below: 0 }
            }
            (true, true) => {
                *self = Watch::default();
                Verdict::Over
            }
        }
    }

    /// Whether the issue is critical: at once when above, no longer after `calm_after` measurements in a row that
    /// are not, so that a value that dances on the line does not page again and again.
    pub(crate) fn is_critical(&mut self, above: bool, calm_after: u32) -> bool {
        self.calm = if above {
            0
        } else {
            self.calm.saturating_add(1)
        };
        self.critical = above || (self.critical && self.calm < calm_after);
        self.critical
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at `readings` (`+` above, `=` at, `-` below) and writes `o` while open, `x` when over, `.` while quiet.
    fn story(patience: (u32, u32), readings: &str) -> String {
        let patience = Patience {
            open_after: patience.0,
            close_after: patience.1,
        };
        let mut watch = Watch::default();
        let mut tell = |c| {
            let reading = match c {
                '+' => Reading::Above,
                '=' => Reading::At,
                _ => Reading::Below,
            };
            match watch.look(reading, patience, Timestamp(7)) {
                Verdict::Quiet => '.',
                Verdict::Open { .. } => 'o',
                Verdict::Over => 'x',
            }
        };
        readings.chars().map(&mut tell).collect()
    }

    #[test]
    fn e7_e12_load_and_memory_open_at_once_and_close_when_consistently_below() {
        for (readings, expected) in [
            ("+---", "ooox"),
            ("+----", "ooox."),
            ("+--+---", "oooooox"),
            ("+--=---", "oooooox"),
            ("+=====", "oooooo"),
            ("=", "."),
            ("---", "..."),
            ("+---+", "oooxo"),
        ] {
            assert_eq!(story((1, 3), readings), expected, "{readings}");
        }
    }

    #[test]
    fn e9_e10_disks_open_when_consistently_above_and_close_when_they_drop_below() {
        for (readings, expected) in [
            ("+++", "..o"),
            ("++++", "..oo"),
            ("++-+++", ".....o"),
            ("++=+++", ".....o"),
            ("+++-", "..ox"),
            ("+++=-", "..oox"),
            ("+++-++", "..ox.."),
            ("+++-+++", "..ox..o"),
        ] {
            assert_eq!(story((3, 1), readings), expected, "{readings}");
        }
    }

    #[test]
    fn exactly_the_threshold_is_neither_above_nor_below() {
        assert_eq!(Reading::of(2.0, 2.0), Reading::At);
        assert_eq!(Reading::of(2.0_f64.next_up(), 2.0), Reading::Above);
        assert_eq!(Reading::of(2.0_f64.next_down(), 2.0), Reading::Below);
    }

    #[test]
    fn critical_comes_at_once_and_goes_only_consistently() {
        let mut watch = Watch::default();
        let above = [false, true, false, false, true, false, false, false, false];
        let critical = above.map(|above| watch.is_critical(above, 3));
        assert_eq!(
            critical,
            [false, true, true, true, true, true, true, false, false]
        );
    }
}
