//! Faults that are set by hand: wrong answers, slowness, cut connections.

use crate::limits;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// When a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cut {
    /// Closed without processing the request.
    Before,
    /// The request is processed, then the connection is closed without an answer.
    After,
}

/// A fault, as `POST /_faults` takes it. The first fault that matches a request and passes its `rate` decides
/// alone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The vendor's word.
    pub vendor: String,
    /// A **prefix** of the vendor's own path, e.g. `/api/chat.update`; all paths if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Answered with this status (200 if only `body` is given), without processing the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body of that answer: a string as it is, anything else as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Headers of that answer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Waits so long (≤ 10 min) first; the request is then processed even if its sender has gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// The share of matching requests that it hits, 0 to 1; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// How many requests it hits before it ends; no end if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Seed of the generator behind `rate`: the same seed and the same requests hit the same ones.
    #[serde(default)]
    pub seed: u64,
}

impl Fault {
    /// What is wrong with the fault, if anything is.
    fn problem(&self, vendors: &[&str]) -> Option<String> {
        if !vendors.contains(&self.vendor.as_str()) {
            return Some(format!(
                "unknown vendor {:?}: one of {}",
                self.vendor,
                vendors.join(", ")
            ));
        }
        if self
            .path
            .as_ref()
            .is_some_and(|path| !path.starts_with('/'))
        {
            return Some("path is a prefix of the vendor's own path and starts with /".into());
        }
        if self
            .status
            .is_some_and(|status| !(200..=599).contains(&status))
        {
            return Some("status is from 200 to 599".into());
        }
        if self.rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
            return Some("rate is from 0 to 1".into());
        }
        if self
            .delay_ms
            .is_some_and(|ms| u128::from(ms) > limits::FAULT_DELAY.as_millis())
        {
            return Some(format!(
                "delay_ms is at most {}",
                limits::FAULT_DELAY.as_millis()
            ));
        }
        let bad = |(name, value): (&String, &String)| {
            http::HeaderName::try_from(name).is_err() || http::HeaderValue::try_from(value).is_err()
        };
        if self.headers.iter().any(bad) {
            return Some("headers has a name or value that HTTP does not allow".into());
        }
        if self.cut.is_some() && self.answers() {
            return Some("cut and an answer exclude each other".into());
        }
        if self.cut.is_none() && !self.answers() && self.delay_ms.is_none() {
            return Some("it does nothing: give status, body, delay_ms or cut".into());
        }
        None
    }

    /// Whether it answers in the vendor's place.
    pub(crate) fn answers(&self) -> bool {
        self.status.is_some() || self.body.is_some()
    }
}

/// A fault that is set, with what it did so far.
#[derive(Debug, Clone, Serialize)]
pub struct SetFault {
    pub id: u64,
    #[serde(flatten)]
    pub fault: Fault,
    /// Requests that it hit.
    pub hits: u64,
    #[serde(skip)]
    dice: u64,
}

/// The faults that are set, in the order in which they were set.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    set: Vec<SetFault>,
    last_id: u64,
}

impl Faults {
    /// Sets a fault and returns its number, or says what is wrong with it.
    pub(crate) fn add(&mut self, fault: Fault, vendors: &[&str]) -> Result<u64, String> {
        if let Some(problem) = fault.problem(vendors) {
            return Err(problem);
        }
        if self.set.len() >= limits::FAULTS {
            return Err(format!(
                "at most {} faults at once: DELETE /_faults first",
                limits::FAULTS
            ));
        }
        self.last_id += 1;
        self.set.push(SetFault {
            id: self.last_id,
            dice: fault.seed,
            fault,
            hits: 0,
        });
        Ok(self.last_id)
    }

    /// The fault that hits this request, if one does; it counts as hit.
    pub(crate) fn pick(&mut self, vendor: &str, path: &str) -> Option<Fault> {
        self.set.iter_mut().find_map(|set| {
            let fault = &set.fault;
            let matches = fault.vendor == vendor
                && fault
                    .path
                    .as_ref()
                    .is_none_or(|prefix| path.starts_with(prefix.as_str()));
            if !matches || fault.times.is_some_and(|times| set.hits >= times) {
                return None;
            }
            if fault.rate.is_some_and(|rate| roll(&mut set.dice) >= rate) {
                return None;
            }
            set.hits += 1;
            Some(set.fault.clone())
        })
    }

    pub(crate) fn list(&self) -> &[SetFault] {
        &self.set
    }

    /// Removes the fault of that number, or all.
    pub(crate) fn remove(&mut self, id: Option<u64>) {
        self.set.retain(|set| id.is_some_and(|id| id != set.id));
    }
}

/// A number from 0 up to 1, and the next state: SplitMix64, which needs nothing but its seed.
fn roll(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: Value) -> Fault {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_fault_hits_its_vendor_and_path_as_often_as_it_says() {
        let mut faults = Faults::default();
        let two =
            serde_json::json!({"vendor": "slack", "path": "/api/chat.", "status": 500, "times": 2});
        faults.add(fault(two), &["slack"]).unwrap();
        assert!(faults.pick("webhook", "/api/chat.update").is_none());
        assert!(faults.pick("slack", "/services/chat.").is_none());
        assert!(faults.pick("slack", "/api/chat.update").is_some());
        assert!(faults.pick("slack", "/api/chat.postMessage").is_some());
        assert!(faults.pick("slack", "/api/chat.update").is_none());
        assert_eq!(faults.list()[0].hits, 2);
        faults.remove(None);
        assert!(faults.list().is_empty());
    }

    #[test]
    fn a_rate_is_met_and_repeats_with_its_seed() {
        let hits = |seed: u64| -> Vec<bool> {
            let mut faults = Faults::default();
            let third =
                serde_json::json!({"vendor": "slack", "status": 500, "rate": 0.3, "seed": seed});
            faults.add(fault(third), &["slack"]).unwrap();
            (0..10_000)
                .map(|_| faults.pick("slack", "/").is_some())
                .collect()
        };
        let count = hits(7).iter().filter(|hit| **hit).count();
        assert!((2_800..3_200).contains(&count), "{count}");
        assert_eq!(hits(7), hits(7));
        assert_ne!(hits(7), hits(8));
    }

    #[test]
    fn a_fault_that_cannot_work_is_refused_with_the_reason() {
        let table = [
            (
                serde_json::json!({"vendor": "nobody", "status": 500}),
                "unknown vendor",
            ),
            (serde_json::json!({"vendor": "slack"}), "does nothing"),
            (
                serde_json::json!({"vendor": "slack", "status": 99}),
                "status",
            ),
            (
                serde_json::json!({"vendor": "slack", "status": 500, "rate": 2}),
                "rate",
            ),
            (
                serde_json::json!({"vendor": "slack", "status": 500, "path": "api"}),
                "prefix",
            ),
            (
                serde_json::json!({"vendor": "slack", "status": 500, "cut": "before"}),
                "exclude",
            ),
            (
                serde_json::json!({"vendor": "slack", "delay_ms": 999_999_999}),
                "delay_ms",
            ),
            (
                serde_json::json!({"vendor": "slack", "status": 500, "headers": {"a b": "c"}}),
                "headers",
            ),
        ];
        for (json, expected) in table {
            let refused = Faults::default()
                .add(fault(json.clone()), &["slack"])
                .unwrap_err();
            assert!(
                refused.contains(expected),
                "{json} was refused with {refused:?}"
            );
        }
    }
}
