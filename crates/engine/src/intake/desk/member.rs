//! A group is brought up to date with one of its members, as that is now.

use std::sync::Arc;

use lifecycle::group::{GroupOf, Members};
use lifecycle::{Decision, Identity, Input};
use model::{AlertId, Scope, SourceId};

use super::Desk;
use crate::catalog::Revision;
use crate::intake::ItemOutcome;

/// What the item says.
pub(super) struct Membership<'a> {
    pub member: AlertId,
    pub source: SourceId,
    pub revision: &'a Arc<Revision>,
    pub of: &'a GroupOf,
    pub leaves: bool,
    pub hash: u128,
}

impl Desk<'_> {
    pub(super) fn member(&mut self, index: usize, item: &Membership<'_>) -> ItemOutcome {
        let at = self
            .live
            .get(&item.hash)
            .and_then(|id| self.by_id.get(id))
            .copied();
        let group = at.map(|at| &self.workings[at].alert);
        let mut members = Members::of(group);
        let open = group.filter(|group| !group.is_closed()).map(|g| g.id);
        let member = self
            .by_id
            .get(&item.member)
            .map(|at| &self.workings[*at].alert);
        let noted = match member.filter(|_| !item.leaves) {
            Some(alert) => members.note(alert),
            None => Ok(members.leave(item.member)),
        };
        match noted {
            Err(full) => return ItemOutcome::Refused(full.to_string()),
            Ok(false) => {
                // What this answer rests on may still have to be written.
                if let Some(working) = at.map(|at| &mut self.workings[at])
                    && working.changed
                {
                    working.items.push(index);
                }
                return ItemOutcome::Grouped(open);
            }
            Ok(true) => {}
        }
        let integration = &item.revision.integration;
        let input = Input::Signal {
            signal: Box::new(members.signal(item.of)),
            identity: Identity {
                project: integration.project.id,
                source: item.source,
                scope: Scope::Group(integration.id),
            },
        };
        let (decision, at) = self.step(index, at, input, Some(&item.revision.group_life));
        let Some(at) = at else {
            return ItemOutcome::Grouped(None);
        };
        let working = &mut self.workings[at];
        working.alert.model_state = Some(members.to_state());
        if !matches!(decision, Decision::Change(_)) {
            // Others are in it, and it says the same.
            working.alert.version += u32::from(!working.changed);
            working.changed = true;
            working.items.push(index);
        }
        let id = working.alert.id;
        if working.alert.is_closed() {
            return ItemOutcome::Grouped(None);
        }
        self.live.insert(item.hash, id);
        ItemOutcome::Grouped(Some(id))
    }
}
