//! What one look at the machine found.

/// One measurement of one node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// The node's name: its host name, unless the settings give another.
    pub node: String,
    /// The 1-minute load average of the whole machine. `None` where the system has none (Windows).
    pub load1: Option<f64>,
    /// `None` (or 0) where the system does not tell; the logical cores count then.
    pub physical_cores: Option<u32>,
    pub logical_cores: u32,
    pub memory: Memory,
    /// Everything that is mounted; the rules choose what they watch.
    pub disks: Vec<Disk>,
}

impl Sample {
    /// What the load is divided by, and whether these are physical cores. `None` if neither number is known.
    pub fn cores(&self) -> Option<(u32, bool)> {
        match self.physical_cores {
            Some(physical) if physical > 0 => Some((physical, true)),
            _ if self.logical_cores > 0 => Some((self.logical_cores, false)),
            _ => None,
        }
    }
}

/// Memory in bytes. A total of 0 means that it could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    pub total: u64,
    /// What programs can still get without swapping, reclaimable caches included.
    pub available: u64,
}

impl Memory {
    pub fn used_percent(&self) -> Option<f64> {
        used_percent(self.total, self.available)
    }
}

/// One mounted file system; sizes in bytes. A total of 0 means that it could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// Where it is mounted.
    pub mount: String,
    /// `/dev/vda1`, `tank/home`, `tmpfs` …
    pub device: String,
    /// Its type: `ext4`, `xfs`, `overlay` …
    pub fs: String,
    /// What programs use and can use, without the share that is reserved for root; so that the percentage is `df`'s.
    pub total: u64,
    /// What programs without privileges can still use.
    pub available: u64,
}

impl Disk {
    pub fn used_percent(&self) -> Option<f64> {
        used_percent(self.total, self.available)
    }
}

/// Used = total − available, never below 0. `None` when the total is unknown.
fn used_percent(total: u64, available: u64) -> Option<f64> {
    let used = total.saturating_sub(available);
    // Multiplied before divided: 80 of 100 is 80 exactly, so that "equal to the threshold" means it.
    (total > 0).then(|| used as f64 * 100.0 / total as f64)
}

/// Something that can look at a machine. May block for as long as a stat of each mount takes.
pub trait Sampler: Send {
    fn sample(&mut self) -> Sample;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn used_is_total_minus_available_and_never_negative() {
        let percent = |total, available| Memory { total, available }.used_percent();
        assert_eq!(percent(100, 20), Some(80.0));
        assert_eq!(percent(100, 0), Some(100.0));
        assert_eq!(percent(100, 100), Some(0.0));
        assert_eq!(percent(100, 250), Some(0.0), "more available than there is");
        assert_eq!(percent(0, 0), None);
        assert_eq!(percent(0, 10), None);
        assert_eq!(percent(u64::MAX, 0), Some(100.0));
        // 80 % of sizes that are not powers of two, exactly.
        for total in [5_u64, 1000, 50 << 30, 123_456_789_000] {
            assert_eq!(percent(total, total / 5), Some(80.0), "{total}");
        }
    }

    #[test]
    fn physical_cores_count_and_logical_ones_where_those_are_unknown() {
        let cores = |physical_cores, logical_cores| {
            let sample = Sample {
                physical_cores,
                logical_cores,
                ..Sample::default()
            };
            sample.cores()
        };
        assert_eq!(cores(Some(4), 8), Some((4, true)));
        assert_eq!(cores(None, 8), Some((8, false)));
        assert_eq!(cores(Some(0), 8), Some((8, false)));
        assert_eq!(cores(None, 0), None);
        assert_eq!(cores(Some(0), 0), None);
    }
}
