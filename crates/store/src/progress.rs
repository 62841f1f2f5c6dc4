//! How far a long piece of work is.

/// Said to whoever asked for a copy or a backup, now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// A table's name, where the step goes table by table; else empty.
    pub table: &'static str,
    /// Rows, or pages of a file: `done` of `total` in this step, all tables together.
    pub done: u64,
    pub total: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The source is read once, to be counted and summed.
    Reading,
    Copying,
    /// What was written is read again.
    Checking,
}

impl Step {
    pub fn as_str(self) -> &'static str {
        match self {
            Step::Reading => "reading",
            Step::Copying => "copying",
            Step::Checking => "checking",
        }
    }
}

/// Hears how far the work is; called from the working task, so it should return at once.
pub type Listener<'a> = &'a (dyn Fn(Progress) + Send + Sync);
