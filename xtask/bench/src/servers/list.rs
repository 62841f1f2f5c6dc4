//! What both servers' lists of alerts have in common.

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::alerts::number_in;

/// An alert in a list, as far as it matters here.
#[derive(Deserialize)]
pub struct Listed {
    pub labels: Labels,
    #[serde(rename = "endsAt")]
    pub ends_at: Option<jiff::Timestamp>,
    pub repeat_count: Option<u64>,
}

#[derive(Deserialize)]
pub struct Labels {
    instance: String,
}

/// Which alerts a server lists.
pub struct Numbers {
    seen: Vec<bool>,
    count: usize,
}

impl Numbers {
    /// Of alerts 0 to `expected`.
    pub fn new(expected: usize) -> Numbers {
        Numbers {
            seen: vec![false; expected],
            count: 0,
        }
    }

    pub fn add(&mut self, alert: &Listed) -> anyhow::Result<()> {
        let number = number_in(alert.labels.instance.as_bytes());
        let number =
            number.with_context(|| format!("an unknown alert: {}", alert.labels.instance))?;
        match self.seen.get_mut(number) {
            Some(seen) if !*seen => *seen = true,
            Some(_) => bail!("alert {number} is there twice"),
            None => bail!("alert {number} was never sent"),
        }
        self.count += 1;
        Ok(())
    }

    pub fn check(&self) -> anyhow::Result<()> {
        if self.count != self.seen.len() {
            let lost = self.seen.len() - self.count;
            bail!(
                "{lost} of {} alerts are lost: the server does not list them",
                self.seen.len()
            );
        }
        Ok(())
    }
}
