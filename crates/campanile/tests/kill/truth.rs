//! What the sender heard: the truth that the hub is held to.

/// What a signal said of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Fire { value: u64 },
    Resolve,
}

/// One thing that is signalled about, one signal at a time.
#[derive(Clone, Debug)]
pub struct Key {
    pub name: String,
    /// Its source: 0 reopens the closed alert, 1 begins a new one.
    pub source: usize,
    /// What was last sent.
    pub last: Said,
    /// The last that was answered with 2xx.
    pub accepted: Option<Said>,
    /// Sent after that, without an answer: each of them may be in, or not.
    pub unanswered: Vec<Said>,
    /// Alerts that an answer named.
    pub alerts: Vec<String>,
    /// Fires that were accepted.
    pub fires: u64,
}

impl Key {
    pub fn new(name: String, source: usize) -> Key {
        Key {
            name,
            source,
            last: Said::Resolve,
            accepted: None,
            unanswered: Vec::new(),
            alerts: Vec::new(),
            fires: 0,
        }
    }

    pub fn answered(&mut self, said: Said) {
        self.fires += u64::from(matches!(said, Said::Fire { .. }));
        self.accepted = Some(said);
        self.unanswered.clear();
    }

    /// What may be the last thing that the hub took of this key.
    pub fn possible(&self) -> Vec<&Said> {
        self.accepted.iter().chain(&self.unanswered).collect()
    }
}

/// All keys, and counts of signals.
#[derive(Debug, Default)]
pub struct Truth {
    pub keys: Vec<Key>,
    pub sent: u64,
    pub accepted: u64,
    pub unanswered: u64,
    /// Answered with something else than 2xx.
    pub refused: u64,
    /// Time during which a hub listened, and signals could be sent.
    pub sending_ms: i64,
    pub problems: Vec<String>,
}
