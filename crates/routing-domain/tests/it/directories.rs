//! Directories of several versions on one task: what an older one says about people is not said, and everything else goes on.

use voordeur_routing_domain::{
    task::{Away, Change, TaskState, Wish},
    words::{AssignReason, AwayReason, CancelReason, FailReason, Urgency},
};

use crate::support::{COORDINATOR, World, key};

fn left(name: &str) -> Wish {
    let away = Away { professional: key(name), reason: AwayReason::LeftCentre, until: None, stand_in: None };
    Wish::HolderAway(away)
}

/// The wish changes nothing by an older directory than the task has seen, and something by the newest.
fn only_by_the_newest(world: &mut World, wish: &Wish) {
    let (newest, before) = (world.there.directory_version, world.task().clone());
    for older in [0, newest - 1] {
        world.there.directory_version = older;
        assert_eq!(world.service(wish.clone()), Ok(false), "{wish:?} by {older}");
        assert_eq!(*world.task(), before);
    }
    world.there.directory_version = newest;
    assert_eq!(world.service(wish.clone()), Ok(true), "{wish:?}");
    assert_eq!(world.replay().as_ref(), Some(world.task()));
}

/// Asked for by version 1, and seen by version 2 since.
fn seen_by_two(taken_by: Option<&str>) -> World {
    let mut world = World::asked(Urgency::Regular, &["anna", "bea"]);
    world.there.directory_version = 2;
    match taken_by {
        Some(name) => world.does(name, Wish::Accept).unwrap(),
        None => world.service(Wish::WithdrawOffer(key("anna"), AwayReason::Absent)).unwrap(),
    };
    assert_eq!(world.task().directory_version, 2);
    world
}

#[test]
fn what_an_older_directory_says_about_people_is_not_said() {
    only_by_the_newest(&mut seen_by_two(None), &Wish::WithdrawOffer(key("bea"), AwayReason::LeftCentre));
    only_by_the_newest(&mut seen_by_two(None), &Wish::Assign(key("bea"), AssignReason::KnowsChild));
    let mut held = seen_by_two(Some("bea"));
    only_by_the_newest(&mut held, &left("bea"));
    only_by_the_newest(&mut held, &Wish::HolderBack(key("bea")));
    held.does("bea", Wish::ProposeTransfer(key("anna"), AssignReason::Workload)).unwrap();
    only_by_the_newest(&mut held, &Wish::ColleagueAway(key("anna")));

    let mut caught = seen_by_two(Some("bea"));
    caught.there.coordinator = key("erik");
    caught.there.coordinators.push(key("erik"));
    only_by_the_newest(&mut caught, &Wish::CoordinatorAway(key(COORDINATOR)));
    caught.new_coordinator("dirk");
    caught.there.directory_version = 2;
    let newest = caught.there.directory_version;
    assert_eq!(caught.service(Wish::FollowDirectory), Ok(true), "it is the newest of the task");
    caught.new_coordinator("fien");
    caught.there.directory_version = newest - 1;
    assert_eq!(caught.service(Wish::FollowDirectory), Ok(false));
}

#[test]
fn clocks_people_and_withdrawals_do_not_wait_for_the_newest_directory() {
    let mut world = seen_by_two(None);
    world.there.directory_version = 1;
    assert!(matches!(world.next_deadline(), Change::OffersTimedOut { .. }));
    assert_eq!(world.does("bea", Wish::Accept), Ok(true));
    assert_eq!(world.service(Wish::RequestCancellation(CancelReason::SignalWithdrawn)), Ok(true));
    assert_eq!(world.does("bea", Wish::DecideCancellation(false)), Ok(true));
    assert_eq!(world.does("bea", Wish::Fail(FailReason::Other)), Ok(true));
    assert_eq!(world.task().state, TaskState::Failed);
    assert_eq!(world.task().directory_version, 2, "what was seen stays seen");
    assert!(world.history.last().unwrap().0.directory_version == 1);
}
