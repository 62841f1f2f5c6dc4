//! Alertmanager's fingerprint of a label set: what makes two alerts the same.

/// 64-bit FNV-1a.
struct Fnv(u64);

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// The fingerprint over names and values sorted by name, each ended by a byte that UTF-8 never has.
/// Whoever can choose labels can make two sets collide; they would then be told as one alert, as in Alertmanager.
pub fn fingerprint<'a>(sorted: impl Iterator<Item = (&'a str, &'a str)>) -> u64 {
    let mut fnv = Fnv(0xcbf2_9ce4_8422_2325);
    for (name, value) in sorted {
        fnv.add(name.as_bytes());
        fnv.add(&[0xff]);
        fnv.add(value.as_bytes());
        fnv.add(&[0xff]);
    }
    fnv.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Alertmanager 0.25.0 answers them (2026-11).
    #[test]
    fn fingerprints_are_alertmanagers() {
        let table: [(&[(&str, &str)], &str); 6] = [
            (
                &[("alertname", "A"), ("instance", "h:1")],
                "eb781e8aed2454db",
            ),
            (
                &[
                    ("alertname", "DiskFull"),
                    ("instance", "db-1:9100"),
                    ("job", "node"),
                    ("mountpoint", "/var"),
                    ("severity", "critical"),
                ],
                "0580fd5357801489",
            ),
            (
                &[("alertname", "ünïcode ✓"), ("v", "aÿ\"b")],
                "6e99d58d0c45ecca",
            ),
            (&[("alertname", "J"), ("p", "zwei\0")], "14fbd899dd316655"),
            (&[("dup", "2")], "9f6277fda6404f5c"),
            (&[("alertname", "G")], "d2b2efc389ce601d"),
        ];
        for (labels, expected) in table {
            assert_eq!(
                format!("{:016x}", fingerprint(labels.iter().copied())),
                expected,
                "{labels:?}"
            );
        }
    }
}
