//! An environment is taken down, on a folder.

use super::*;
use crate::deploy::port::{At, Found, Scope};

fn destroy_with(world: &World, also: &[Also]) -> Result<Plan, PlanError> {
    let also = also.iter().copied().collect();
    destroy(
        &Identity::of(&world.environment),
        &world.documents,
        &world.cloud(),
        &also,
    )
}

fn live_kinds(world: &World) -> BTreeSet<Kind> {
    let scope = Scope {
        environment: "dev".to_owned(),
    };
    let found = world.cloud().list(&scope).unwrap();
    found.iter().filter_map(|found| found.kind).collect()
}

#[test]
fn everything_goes_but_what_holds_evidence_and_comes_back() {
    let world = World::applied();
    let plan = destroy_with(&world, &[]).unwrap();
    assert_eq!(plan.outcome(), Ok(Outcome::Pending));
    assert_eq!(plan.purpose, Purpose::Destroy);
    for resource in &plan.resources {
        let is_kept = resource.action == Action::None;
        assert_eq!(is_kept, resource.note.is_some(), "{resource:?}");
    }
    let kinds: Vec<Kind> = world
        .apply(&plan)
        .steps
        .iter()
        .map(|step| step.kind.unwrap())
        .collect();
    assert!(kinds.iter().rev().is_sorted(), "{kinds:?}");
    assert_eq!(kinds[0], Kind::EventTarget);
    assert_eq!(left(&plan, &world.cloud()), Ok(Vec::new()));
    let kept = [Kind::LogGroup, Kind::KmsKey, Kind::KmsAlias, Kind::SnsTopic];
    assert_eq!(live_kinds(&world), kept.into());
    assert!(destroy_with(&world, &[]).unwrap().is_empty());

    // What is missing comes back as new; what was kept is taken over as it is.
    let again = world.plan();
    for resource in &again.resources {
        let is_kept = kept.contains(&resource.kind.unwrap());
        let expected = if is_kept {
            (Action::None, Verdict::Clean)
        } else {
            (Action::Create, Verdict::Pending)
        };
        assert_eq!(
            (resource.action, resource.verdict),
            expected,
            "{resource:?}"
        );
    }
    world.apply(&again);
    world.assert_converged();
}

#[test]
fn what_is_named_goes_too_and_log_groups_never() {
    let world = World::applied();
    assert!(matches!(
        destroy_with(&world, &[Also::Key]),
        Err(PlanError::KeyInUse(_))
    ));
    let topic = destroy_with(&world, &[Also::Topic]).unwrap();
    let both = destroy_with(&world, &[Also::Key, Also::Topic]).unwrap();
    assert_eq!(both.deletes().len(), topic.deletes().len() + 2);
    world.apply(&both);
    assert_eq!(live_kinds(&world), [Kind::LogGroup].into());
    world.apply(&world.plan());
    world.assert_converged();

    // Not even a forged plan deletes a log group.
    let mut forged = destroy_with(&world, &[]).unwrap();
    for resource in &mut forged.resources {
        resource.action = Action::Delete;
    }
    let refused = apply(&forged, &world.cloud(), &forged.deletes(), &mut ());
    assert!(matches!(refused, Err(Refused::Protected(_))), "{refused:?}");
}

/// A step that fails, at every position: it is told truthfully, and the same plan finishes the work.
#[test]
fn a_failure_at_each_step_is_mended_by_the_next_apply() {
    for fails in [Fails::Before, Fails::After] {
        for at in 0.. {
            let world = World::applied();
            let plan = destroy_with(&world, &[]).unwrap();
            let cloud = world.cloud();
            let faulty = Faulty::new(&cloud, at, fails);
            let report = apply(&plan, &faulty, &plan.deletes(), &mut ()).unwrap();
            if faulty.calls() <= at {
                assert_eq!(report.end, End::Complete);
                break;
            }
            assert_eq!((report.end, report.done()), (End::Failed, at));
            let State::Failed { written, .. } = &report.failure().unwrap().state else {
                unreachable!()
            };
            assert_eq!(*written, Some(whole(fails == Fails::After)));
            assert_eq!(
                left(&plan, &cloud).unwrap().len(),
                plan.deletes().len() - at - usize::from(fails == Fails::After)
            );
            world.apply(&plan);
            assert_eq!(left(&plan, &cloud), Ok(Vec::new()));
        }
    }
}

#[test]
fn what_moved_since_is_not_deleted_blindly() {
    let world = World::applied();
    let plan = destroy_with(&world, &[]).unwrap();
    let unconfirmed = apply(&plan, &world.cloud(), &BTreeSet::new(), &mut ());
    assert!(matches!(unconfirmed, Err(Refused::Unconfirmed(_))));
    let alarm = world.one(Kind::Alarm);
    world.edit(alarm, |value| value["threshold"] = json!(7));
    let refused = apply(&plan, &world.cloud(), &plan.deletes(), &mut ()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "deployed resources changed since the plan was made: {} was changed",
            alarm.address
        )
    );
    // A new plan knows, and says that somebody had changed it.
    let plan = destroy_with(&world, &[]).unwrap();
    let planned = plan
        .resources
        .iter()
        .find(|resource| resource.address == alarm.address)
        .unwrap();
    assert_eq!(
        (planned.action, planned.verdict),
        (Action::Delete, Verdict::Drifted)
    );
    world.apply(&plan);
}

#[test]
fn what_is_not_ours_stays() {
    let mut world = World::applied();
    let base = world.cloud().base().to_owned();
    fs::write(base.join("README"), "mine").unwrap();
    // A resource that was ours once, and one of which nothing says so.
    let gone: Vec<Document> = world
        .documents
        .extract_if(.., |one| one.kind == Kind::Dashboard)
        .collect();
    let foreign = [
        base.join("demo/alarm/somebody.json"),
        base.join("other/kms-key/somebody.json"),
        base.join("other/sns-topic/somebody.json"),
    ];
    for path in &foreign {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "{}").unwrap();
    }
    let plan = destroy_with(&world, &[Also::Key, Also::Topic]).unwrap();
    world.apply(&plan);
    assert!(!world.live(&gone[0]).exists());
    assert!(foreign.iter().all(|path| path.exists()) && base.join("README").exists());
}

/// Answers for each resource, and lists none.
struct Forgetful(LocalFolder);

impl Reader for Forgetful {
    fn at(&self) -> Result<At, CloudError> {
        self.0.at()
    }

    fn read(&self, document: &Document) -> Result<Reading, CloudError> {
        self.0.read(document)
    }

    fn list(&self, _scope: &Scope) -> Result<Vec<Found>, CloudError> {
        Ok(Vec::new())
    }
}

#[test]
fn what_stands_and_is_not_listed_is_no_empty_plan() {
    let world = World::applied();
    let identity = Identity::of(&world.environment);
    let none = BTreeSet::new();
    let plan = destroy(
        &identity,
        &world.documents,
        &Forgetful(world.cloud()),
        &none,
    )
    .unwrap();
    assert!(plan.outcome().is_err());
    let cloud = world.cloud();
    let unreadable = Faulty::unreadable(&cloud);
    let plan = destroy(&identity, &world.documents, &unreadable, &none).unwrap();
    assert_eq!(plan.unread.len(), world.documents.len());
}

#[test]
fn the_note_names_the_days() {
    use crate::deploy::destroy::{KEY_DELETION_DAYS, KEY_ENDS};
    assert!(KEY_ENDS.contains(&format!("after {KEY_DELETION_DAYS} days")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// For any environment: only what is kept stays, and an apply brings all of it back.
    #[test]
    fn any_environment_goes_and_comes_back(environment in any_environment(), key in any::<bool>(), topic in any::<bool>()) {
        let world = World::new(environment);
        world.apply(&world.plan());
        let also: BTreeSet<Also> = [(topic && key, Also::Key), (topic, Also::Topic)]
            .into_iter()
            .filter_map(|(wanted, also)| wanted.then_some(also))
            .collect();
        let identity = Identity::of(&world.environment);
        let plan = destroy(&identity, &world.documents, &world.cloud(), &also).unwrap();
        world.apply(&plan);
        prop_assert_eq!(left(&plan, &world.cloud()), Ok(Vec::new()));
        for document in &world.documents {
            let is_kept = match document.kind {
                Kind::LogGroup => true,
                Kind::KmsKey | Kind::KmsAlias => !(key && topic),
                Kind::SnsTopic => !topic,
                _ => false,
            };
            prop_assert_eq!(world.live(document).exists(), is_kept, "{}", document.address);
        }
        world.apply(&world.plan());
        world.assert_converged();
    }
}
