//! In which order a function is changed.
//!
//! The schedule may start the function between any two calls, and whatever it starts must be able to run. Lambda changes
//! variables and layers in one call, and code in another.
//!
//! - **Other rules**, newer or older ones: one call with the layer's version and the digest of its rules.
//! - **Other code**: first the code, then the rest. A release runs with the variables of the release before it.
//! - **From the engine that ran a compiled query**: three calls. The old code refuses variables that begin with `PGVIGIL_`
//!   and that it does not know, and needs its own; the new code needs the rules. So the layer comes first, with their digest
//!   in [`BRIDGE`], which the old code does not look at; then the code, which reads [`BRIDGE`] and ignores [`FORMER`]; then
//!   the variables as they remain.
//!
//! **Back to that engine** the inverse order would be safe, and no pgvigil makes it: the new one compiles no query for it,
//! and the old one knows no bridge. `apply` of the older release changes code and variables in two calls. A run that starts
//! between them fails, is tried again by Lambda after one minute and after two more, and computes the windows that are
//! missing.

use serde_json::Value;

use crate::compile::monitor_environment::{BRIDGE, FORMER, RULES_DIGEST};

/// What somebody has to know of a function that runs the engine of before.
pub(super) const NEEDS_PACKAGE: &str = "it runs an earlier engine, which judges with a compiled \
    query: apply with `--package` and the package of this release";

/// One change of a function.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// The layer, and these variables: nothing that the old code reads changes.
    Bridge(Value),
    Code,
    Configuration,
}

/// Says whether a function with these variables runs the engine that ran a compiled query, or is on the way from it.
pub(super) fn is_former(variables: &Value) -> bool {
    variables[RULES_DIGEST].is_null() && FORMER.iter().any(|name| !variables[*name].is_null())
}

/// The changes that bring a function from what it is to what its document says, in their order. `has_package` says whether
/// a package was given: else the document's code is the one that was last applied.
///
/// # Errors
/// In words: the code that is live cannot run with what the document says.
pub(super) fn steps(
    now: &Value,
    desired: &Value,
    has_package: bool,
) -> Result<Vec<Step>, &'static str> {
    let other_code =
        now["code"] != desired["code"] || now["architectures"] != desired["architectures"];
    let variables = &now["environment"];
    let mut steps = Vec::new();
    if is_former(variables) {
        let is_bridged = !variables[BRIDGE].is_null();
        // Without the bridge no code but the old one can have been put there.
        let new_code_is_there = is_bridged && has_package;
        if !(other_code || new_code_is_there) {
            return Err(NEEDS_PACKAGE);
        }
        let mut bridged = variables.clone();
        bridged[BRIDGE] = desired["environment"][RULES_DIGEST].clone();
        let stands = bridged == *variables && now["layers"] == desired["layers"];
        if other_code && !stands {
            steps.push(Step::Bridge(bridged));
        }
    }
    if other_code {
        steps.push(Step::Code);
    }
    let differs = now.as_object().into_iter().flatten().any(|(key, value)| {
        !matches!(key.as_str(), "code" | "architectures" | "package_type") && *value != desired[key]
    });
    if differs {
        steps.push(Step::Configuration);
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A function as a start finds it.
    fn function(code: &str, rules: Option<&str>, variables: &Value) -> Value {
        let layers: Vec<&str> = rules.into_iter().collect();
        json!({
            "code": { "sha256": code },
            "architectures": ["arm64"],
            "layers": layers,
            "environment": variables,
        })
    }

    fn old() -> Value {
        let variables = json!({
            "LOG_GROUP_NAME": "g",
            "PGVIGIL_QUERY": "q",
            "PGVIGIL_QUERY_DIGEST": "d",
            "PGVIGIL_SIGNALS": "dml",
        });
        function("old", None, &variables)
    }

    fn new(code: &str, rules: &str) -> Value {
        let variables = json!({ "LOG_GROUP_NAME": "g", "PGVIGIL_RULES_DIGEST": rules });
        function(code, Some(rules), &variables)
    }

    /// What the two engines ask of their variables and of their layer, and what they then judge by. The layer of these tests
    /// is the digest of its rules.
    fn start(function: &Value) -> Result<String, String> {
        let variables = function["environment"].as_object().unwrap();
        let text = |name: &str| variables.get(name).and_then(Value::as_str);
        let known: Vec<&str> = variables
            .keys()
            .map(String::as_str)
            .filter(|name| name.starts_with("PGVIGIL_"))
            .collect();
        if function["code"]["sha256"] == "old" {
            return match FORMER.iter().find(|name| text(name).is_none()) {
                Some(missing) => Err(format!("{missing} is missing")),
                None if known.iter().all(|name| FORMER.contains(name)) => Ok("a query".to_owned()),
                None => Err(format!("one of {known:?} is not known")),
            };
        }
        let digest = match (text(RULES_DIGEST), text(BRIDGE)) {
            (Some(digest), _) if known == [RULES_DIGEST] => digest,
            (None, Some(digest)) if known.iter().all(|name| FORMER.contains(name)) => digest,
            _ => {
                return Err(format!(
                    "one of {known:?} is not known, or no digest is there"
                ));
            }
        };
        if function["layers"] == json!([digest]) {
            Ok(digest.to_owned())
        } else {
            Err("the layer has other rules".to_owned())
        }
    }

    /// What a call leaves behind.
    fn take(now: &Value, step: &Step, desired: &Value) -> Value {
        let mut after = now.clone();
        match step {
            Step::Bridge(variables) => {
                after["environment"] = variables.clone();
                after["layers"] = desired["layers"].clone();
            }
            Step::Code => after["code"] = desired["code"].clone(),
            Step::Configuration => {
                let code = after["code"].clone();
                after = desired.clone();
                after["code"] = code;
            }
        }
        after
    }

    /// Everything that a start can see on the way, and what it then judges by. An apply may end after any call, and another
    /// one, perhaps with other rules, goes on from there.
    fn walk(from: &Value, desired: &Value, others: &[Value]) -> Vec<String> {
        let mut seen = vec![start(from).unwrap()];
        let mut now = from.clone();
        for step in steps(from, desired, true).unwrap() {
            now = take(&now, &step, desired);
            seen.push(start(&now).unwrap());
            for other in others {
                let mut later = now.clone();
                for step in steps(&now, other, true).unwrap() {
                    later = take(&later, &step, other);
                    start(&later).unwrap();
                }
                assert_eq!(&later, other);
            }
        }
        assert_eq!(&now, desired);
        seen
    }

    #[test]
    fn every_start_on_the_way_from_the_old_engine_runs() {
        let desired = new("new", "r1");
        let seen = walk(&old(), &desired, &[desired.clone(), new("new", "r2")]);
        assert_eq!(seen, ["a query", "a query", "r1", "r1"]);
    }

    #[test]
    fn rules_change_in_one_call_and_go_back_in_one() {
        let (first, second) = (new("new", "r1"), new("new", "r2"));
        assert_eq!(steps(&first, &second, false), Ok(vec![Step::Configuration]));
        assert_eq!(walk(&first, &second, &[]), ["r1", "r2"]);
        assert_eq!(walk(&second, &first, &[]), ["r2", "r1"]);
    }

    #[test]
    fn code_comes_before_the_rest() {
        let desired = new("newer", "r2");
        let seen = walk(&new("new", "r1"), &desired, &[new("newer", "r3")]);
        assert_eq!(seen, ["r1", "r1", "r2"]);
        assert_eq!(steps(&desired, &desired, true), Ok(Vec::new()));
    }

    /// Without a package the code stays as it was applied: the old one, which cannot run with the new variables.
    #[test]
    fn the_old_code_is_never_given_the_new_variables() {
        let kept = new("old", "r1");
        assert_eq!(steps(&old(), &kept, false), Err(NEEDS_PACKAGE));
        assert_eq!(steps(&old(), &kept, true), Err(NEEDS_PACKAGE));
        let desired = new("new", "r1");
        let first = steps(&old(), &desired, true).unwrap();
        let bridged = take(&old(), &first[0], &desired);
        assert_eq!(steps(&bridged, &kept, false), Err(NEEDS_PACKAGE));
        assert!(is_former(&bridged["environment"]));
        assert!(!is_former(&desired["environment"]));
    }

    /// The way back, as it would have to be: the same states in the other order.
    #[test]
    fn the_inverse_order_runs_too() {
        let desired = new("new", "r1");
        let forth = steps(&old(), &desired, true).unwrap();
        let bridged = take(&old(), &forth[0], &desired);
        let with_new_code = take(&bridged, &Step::Code, &desired);
        let back = [desired, with_new_code, bridged, old()];
        let seen: Vec<String> = back.iter().map(|state| start(state).unwrap()).collect();
        assert_eq!(seen, ["r1", "r1", "a query", "a query"]);
        // What an older pgvigil does instead: code, then variables. The start between them fails.
        assert!(start(&new("old", "r1")).is_err());
    }
}
