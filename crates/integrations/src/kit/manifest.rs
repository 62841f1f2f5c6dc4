//! What a vendor is and needs, as data.

use model::{Capabilities, Manner};

/// A way out, described once. The form, the reference page, masks and conformance tests are made from it.
pub struct SinkManifest {
    /// The word in configuration: `slack`. Equal to the sandbox's word for the vendor where there is one.
    pub name: &'static str,
    /// The vendor's folder and word: `slack` for `slack_webhook` too.
    pub vendor: &'static str,
    pub title: &'static str,
    /// One or two sentences for people who choose.
    pub about: &'static str,
    /// The vendor's page that the facts come from, with the date it was read.
    pub docs: &'static str,
    pub manner: Manner,
    pub can: Capabilities,
    /// Steps to set it up, in order, in the documents' sense.
    pub setup: &'static [&'static str],
    /// One sentence per error that the vendor names: what it means and what to do.
    pub errors: &'static [ErrorSentence],
    /// The settings struct's JSON schema; [`crate::kit::fields_of`] reads the fields from it.
    pub schema: fn() -> schemars::Schema,
    /// How long one request may take, in milliseconds. The claim's lease is longer than all of a task's requests.
    pub deadline_ms: u64,
    /// The most requests that one task makes.
    pub requests_max: u32,
    pub takes_issues: bool,
    pub takes_notifications: bool,
    /// The vendor's cloud is gone: kept for self-hosted targets, and the form says so.
    pub edition: Edition,
}

/// Whether the vendor still exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    Current,
    /// Only self-hosted or bridge targets are left.
    CloudGone,
}

/// A vendor's error and what a person does about it.
#[derive(Clone, Copy, Debug)]
pub struct ErrorSentence {
    /// The vendor's own word or status.
    pub code: &'static str,
    /// What it means and what to do, as one sentence.
    pub sentence: &'static str,
}

/// A way in, described once.
pub struct DialectManifest {
    pub name: &'static str,
    pub vendor: &'static str,
    pub title: &'static str,
    pub about: &'static str,
    pub docs: &'static str,
    /// Steps to point a sender at the hub; `{url}` stands for the source's address.
    pub setup: &'static [&'static str],
    /// The source's settings struct.
    pub schema: fn() -> schemars::Schema,
}

/// One setting, as read from the schema of a settings struct.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingField {
    pub name: String,
    pub kind: SettingKind,
    pub secret: bool,
    pub required: bool,
    /// From the struct's doc comment.
    pub about: String,
    pub default: Option<serde_json::Value>,
    /// The field's own JSON schema.
    pub schema: serde_json::Value,
}

/// What an edit of a setting means for open lanes (DESIGN §5). In a settings struct:
/// `#[schemars(extend("x-setting" = "target"))]`; without it a field is an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingKind {
    /// Where it goes: an edit makes a new revision, open lanes finish on the old one.
    Target,
    /// Proves who we are: an edit serves all revisions with the same target.
    Credential,
    /// How it looks; an edit serves all.
    Option,
}
