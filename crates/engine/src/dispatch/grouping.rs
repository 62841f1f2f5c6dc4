//! What a member's lane tells: its group, an alert in this store. Looked up as it is now, so that telling it twice, or
//! late, does no harm.

use std::sync::Arc;

use integrations::kit::Finish;
use lifecycle::group::{GroupOf, group_of};
use model::{Handle, Outcome};

use crate::catalog::{group_of_handle, handle_of_group};
use crate::dispatch::send::Errand;
use crate::hub::Shared;
use crate::intake::{Intake, Item, ItemOutcome};

/// Puts the alert into its group, brings it up to date there, or takes it out.
pub(crate) async fn tell(shared: &Arc<Shared>, errand: &Errand) -> Finish {
    let was_in = group_of_handle(errand.handle.as_ref());
    let belongs = match &errand.revision.group_by {
        Some(by) => Some(group_of(by, &errand.alert.content.labels)),
        // Alerts are no longer put together here: it stays in the group that it is in.
        None => was_in.clone(),
    };
    let Some(belongs) = belongs else {
        return finish(Outcome::PayloadBad, "it is in no group", None);
    };
    let mut items = Vec::new();
    // Its labels changed: it moves.
    if let Some(was_in) = was_in.filter(|was_in| *was_in != belongs) {
        items.push(item(shared, errand, was_in, true));
    }
    items.push(item(shared, errand, belongs.clone(), false));
    let outcomes = match Intake::new(shared.clone()).ask(None, items).await {
        Ok(outcomes) => outcomes,
        Err(busy) => return finish(Outcome::Retry, &busy.to_string(), None),
    };
    for outcome in &outcomes {
        match outcome {
            ItemOutcome::Failed(busy) => return finish(Outcome::Retry, &busy.to_string(), None),
            ItemOutcome::Refused(why) => return finish(Outcome::PayloadBad, why, None),
            _ => {}
        }
    }
    match outcomes.last() {
        Some(ItemOutcome::Grouped(Some(group))) => finish(
            Outcome::Delivered,
            &format!("told in its group {}, alert {group}", belongs.key),
            Some(handle_of_group(*group, &belongs)),
        ),
        _ => finish(Outcome::Delivered, "it is in no group any more", None),
    }
}

fn item(shared: &Shared, errand: &Errand, of: GroupOf, leaves: bool) -> Item {
    let integration = errand.revision.integration.clone();
    let scope = model::Scope::Group(integration.id);
    let hash = shared.hashes.of_key(integration.project.id, scope, &of.key);
    Item::Member {
        member: errand.alert.id,
        source: errand.alert.source,
        revision: errand.revision.clone(),
        of,
        leaves,
        hash,
    }
}

/// No status: no vendor answered.
fn finish(outcome: Outcome, excerpt: &str, handle: Option<Handle>) -> Finish {
    Finish {
        outcome,
        handle,
        status: None,
        excerpt: excerpt.to_owned(),
    }
}
