//! A silence's row: what the stores ask for in columns, the rest as a document.

use std::borrow::Cow;

use model::{Labels, Matcher, ProjectId, Silence, SilenceId, TimeInterval, Timestamp};
use serde::{Deserialize, Serialize};

use super::codes::number;
use super::{Read, docs};

/// A silence's row beside its columns. As with the documents of `docs`, a field may be added with a default, none may
/// change its name or meaning.
#[derive(Serialize, Deserialize)]
struct SilenceDoc<'a> {
    m: Cow<'a, [Matcher]>,
    s: Timestamp,
    #[serde(default, skip_serializing_if = "no_windows")]
    w: Cow<'a, [TimeInterval]>,
    by: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    c: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    a: Cow<'a, Labels>,
    u: Timestamp,
}

fn no_windows(list: &[TimeInterval]) -> bool {
    list.is_empty()
}

/// The document beside the columns `id`, `project`, `ends_at` and `version`.
pub(crate) fn doc(silence: &Silence) -> Read<String> {
    // Named one by one, so that a new field of the model cannot be forgotten here.
    let Silence {
        id: _,
        project: _,
        matchers,
        starts_at,
        ends_at: _,
        windows,
        created_by,
        comment,
        annotations,
        updated_at,
        version: _,
    } = silence;
    let doc = SilenceDoc {
        m: Cow::Borrowed(matchers),
        s: *starts_at,
        w: Cow::Borrowed(windows),
        by: Cow::Borrowed(created_by),
        c: Cow::Borrowed(comment),
        a: Cow::Borrowed(annotations),
        u: *updated_at,
    };
    docs::write("silence", &doc)
}

/// A silence's columns.
pub(crate) struct SilenceColumns<'a> {
    pub id: SilenceId,
    pub project: ProjectId,
    pub ends_at: i64,
    pub version: i64,
    pub doc: &'a str,
}

impl SilenceColumns<'_> {
    pub(crate) fn read(self) -> Read<Silence> {
        let doc: SilenceDoc<'static> = docs::read("silence", self.id, self.doc)?;
        Ok(Silence {
            id: self.id,
            project: self.project,
            matchers: doc.m.into_owned(),
            starts_at: doc.s,
            ends_at: Timestamp(self.ends_at),
            windows: doc.w.into_owned(),
            created_by: doc.by.into_owned(),
            comment: doc.c.into_owned(),
            annotations: doc.a.into_owned(),
            updated_at: doc.u,
            version: number("version", self.version)?,
        })
    }
}
