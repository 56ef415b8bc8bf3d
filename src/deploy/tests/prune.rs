//! What is deleted because it was named, and what is left after an apply.

use super::*;
use crate::deploy::saved::moved;

fn pruned(world: &World, texts: &[&str]) -> Result<Plan, PlanError> {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    plan_pruned(
        &Identity::of(&world.environment),
        &world.documents,
        &world.cloud(),
        &Prune::parse(&texts).unwrap(),
    )
}

#[test]
fn a_pattern_takes_only_what_surely_is_ours() {
    let mut world = World::applied();
    let all = std::mem::take(&mut world.documents);
    let is_alarm = |one: &&Document| one.kind == Kind::Alarm;
    let edited = all.iter().find(is_alarm).unwrap();
    world.edit(edited, |value| value["threshold"] = json!(7));
    let expected: BTreeSet<String> = all
        .iter()
        .filter(|one| !one.kind.is_protected() && !one.kind.is_kept_unless_named())
        .filter(|one| one.address != edited.address)
        // The pattern names one cluster: what all clusters share is named by itself.
        .filter(|one| one.address.starts_with("demo/"))
        .map(|one| one.address.clone())
        .collect();
    assert_eq!(pruned(&world, &["demo/*"]).unwrap().deletes(), expected);
    let alarms = pruned(&world, &["demo/alarm/*"]).unwrap().deletes();
    assert_eq!(alarms.len(), all.iter().filter(is_alarm).count() - 1);
    let shared = pruned(&world, &["_environment/*"]).unwrap().deletes();
    let layer = all
        .iter()
        .find(|one| one.kind == Kind::PolicyLayer)
        .unwrap();
    assert_eq!(shared, BTreeSet::from([layer.address.clone()]));
    // By its name it goes.
    let named = pruned(&world, &[&edited.address]).unwrap();
    assert_eq!(named.deletes(), BTreeSet::from([edited.address.clone()]));
    assert_eq!(
        pruned(&world, &["other/*"]),
        Err(PlanError::NothingToPrune(vec!["other/*".to_owned()]))
    );
    // What a file asks for is never taken.
    world.documents = all;
    assert!(matches!(
        pruned(&world, &["demo/*"]),
        Err(PlanError::NothingToPrune(_))
    ));
}

#[test]
fn nothing_is_left_after_an_apply_or_it_is_told() {
    let world = World::demo();
    let plan = world.plan();
    assert_eq!(
        left(&plan, &world.cloud()).unwrap().len(),
        world.documents.len()
    );
    world.apply(&plan);
    assert_eq!(left(&plan, &world.cloud()), Ok(Vec::new()));
    let alarm = world.one(Kind::Alarm);
    world.edit(alarm, |value| value["threshold"] = json!(7));
    let left_over = left(&plan, &world.cloud()).unwrap();
    assert_eq!(
        left_over
            .iter()
            .map(|left| (left.address.as_str(), left.why.as_str()))
            .collect::<Vec<_>>(),
        [(alarm.address.as_str(), "update, drifted")]
    );
    let cloud = world.cloud();
    let unreadable = Faulty::unreadable(&cloud);
    assert_eq!(
        left(&plan, &unreadable).unwrap().len(),
        world.documents.len(),
        "each once"
    );
}

#[test]
fn a_plan_that_asks_for_something_else_is_found() {
    let mut world = World::applied();
    let plan = world.plan();
    assert!(moved(&plan, &world.documents).is_empty());
    assert_eq!(moved(&plan, &[]).len(), world.documents.len());
    // The code comes from a package and is no part of the files.
    world.change(Kind::LambdaFunction, "code", json!({ "sha256": "x" }));
    assert!(moved(&plan, &world.documents).is_empty());
    // By which policy it was compiled is: the function tells it with each detection.
    let function = world.one(Kind::LambdaFunction).clone();
    let mut tags = function.properties["tags"].clone();
    tags["pgvigil:policy"] = json!("other");
    world.change(Kind::LambdaFunction, "tags", tags);
    assert_eq!(
        moved(&plan, &world.documents),
        std::slice::from_ref(&function.address)
    );
    world.change(
        Kind::LambdaFunction,
        "tags",
        function.properties["tags"].clone(),
    );
    world.change(Kind::Alarm, "threshold", json!(9));
    let alarm = world.one(Kind::Alarm).address.clone();
    assert_eq!(moved(&plan, &world.documents), std::slice::from_ref(&alarm));
    let gone: Vec<String> = world
        .documents
        .extract_if(.., |one| one.kind == Kind::Dashboard)
        .map(|one| one.address)
        .collect();
    assert_eq!(moved(&plan, &world.documents), [vec![alarm], gone].concat());
}
