use super::*;

/// A log of opened, updated, updated, acknowledged.
fn world_with_a_log() -> World {
    let mut world = World::new();
    for value in ["91%", "92%", "93%"] {
        world.fire(value);
        world.pass(mins(2));
    }
    world.act(ActionVerb::Acknowledge { lasting: None });
    world
}

#[test]
fn a_log_whose_older_updates_were_trimmed_folds_to_the_same_alert() {
    let mut world = world_with_a_log();
    let removed = world.log.remove(1);
    assert_eq!(removed.kind, EventKind::Updated);
    assert_eq!(fold(&world.log), Ok(Folded::of(world.alert())));
}

#[test]
fn what_is_not_a_log_is_refused_with_the_place() {
    let log = world_with_a_log().log;
    assert_eq!(fold(&[]), Err(FoldError::Empty));
    assert_eq!(
        fold(&log[1..]),
        Err(FoldError::Beginning {
            seq: 2,
            kind: EventKind::Updated
        })
    );
    let mut updated_first = log.clone();
    updated_first[0].kind = EventKind::Updated;
    assert!(matches!(
        fold(&updated_first),
        Err(FoldError::Beginning { .. })
    ));
    let mut swapped = log.clone();
    swapped.swap(1, 2);
    assert_eq!(fold(&swapped), Err(FoldError::Order { before: 3, seq: 2 }));
    let mut twice = log.clone();
    twice[2].seq = 2;
    assert_eq!(fold(&twice), Err(FoldError::Order { before: 2, seq: 2 }));
    let mut foreign = log;
    foreign[3].alert = AlertId(77);
    assert_eq!(fold(&foreign), Err(FoldError::OtherAlert { seq: 4 }));
}
