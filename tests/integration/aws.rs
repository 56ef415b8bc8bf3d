//! Deploying to AWS, from nothing to applied to edited by hand to healed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use crate::aws_world::World;

#[test]
fn a_plan_after_an_apply_is_empty() {
    let world = World::new(&["orders", "billing"]);
    world.apply();
    let (code, text) = world.run(&["plan", "--env", "prod", "--detailed-exitcode"]);
    assert_eq!(code, 0, "{text}");
    let before = world.moto.calls().len();
    let (code, text) = world.run(&["drift", "--env", "prod"]);
    assert_eq!(code, 0, "{text}");
    assert!(world.moto.calls()[before..].iter().all(|call| !call.writes));
}
