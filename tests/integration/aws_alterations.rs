//! What changes a watched log before a query sees it, what protects it, and what bounds the roles: told and healed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::fs;

use serde_json::{Value, json};

use crate::aws_fields::drift;
use crate::aws_world::{APPLY, World};

const FILE: &str = "environments/prod.yaml";

/// Makes calls by hand, with the log group as `G` and a maker of masks.
fn by_hand(world: &World, code: &str) -> String {
    let prelude = "G = '/aws/rds/cluster/orders/postgresql'\n\
        logs = client('logs')\n\
        def mask(identifiers, custom=()):\n\
        \x20   custom = [{'Name': name, 'Regex': regex} for name, regex in custom]\n\
        \x20   return json.dumps({'Name': 'm', 'Version': '2021-06-01', 'Configuration': {'CustomDataIdentifier': custom},\n\
        \x20       'Statement': [{'DataIdentifier': identifiers, 'Operation': {'Audit': {'FindingsDestination': {}}}},\n\
        \x20           {'DataIdentifier': identifiers, 'Operation': {'Deidentify': {'MaskConfig': {}}}}]})\n\
        def managed(name): return 'arn:aws:dataprotection::aws:data-identifier/' + name\n\
        def policy(name, of_type, document, **more): logs.put_account_policy(policyName=name, policyType=of_type,\n\
        \x20   policyDocument=document, **more)\n";
    world.by_hand(&format!("{prelude}{code}"))
}

/// What is done, how it is undone, the address under which it is told, the effect, and words of the note.
const CHANGED: &[(&str, &str, &str, &str, &str)] = &[
    (
        "logs.put_data_protection_policy(logGroupIdentifier=G, policyDocument=mask(['AUDIT'], [('AUDIT', 'AUDIT')]))",
        "logs.delete_data_protection_policy(logGroupIdentifier=G)",
        "orders/data-protection-policy/aws/rds/cluster/orders/postgresql",
        "blind",
        "blinds the query: `AUDIT` masks what begins a record",
    ),
    (
        "policy('all', 'DATA_PROTECTION_POLICY', mask([managed('IpAddress')]))",
        "logs.delete_account_policy(policyName='all', policyType='DATA_PROTECTION_POLICY')",
        "orders/account-data-protection-policy/all",
        "loud",
        "makes every record count: `IpAddress` masks the client in each entry",
    ),
    (
        "logs.put_transformer(logGroupIdentifier=G, transformerConfig=[{'parsePostgres': {}}])",
        "logs.delete_transformer(logGroupIdentifier=G)",
        "orders/transformer/aws/rds/cluster/orders/postgresql",
        "unknown",
        "after parsePostgres",
    ),
    (
        "policy('rds', 'TRANSFORMER_POLICY', '[{\"parsePostgres\": {}}]', selectionCriteria='LogGroupNamePrefix = \"/aws/rds/\"')",
        "logs.delete_account_policy(policyName='rds', policyType='TRANSFORMER_POLICY')",
        "orders/account-transformer-policy/rds",
        "unknown",
        "after parsePostgres",
    ),
    (
        "policy('odd', 'TRANSFORMER_POLICY', '[{\"parsePostgres\": {}}]', selectionCriteria='LogGroupName NOT IN [\"x\"]')",
        "logs.delete_account_policy(policyName='odd', policyType='TRANSFORMER_POLICY')",
        "orders/account-transformer-policy/odd",
        "unknown",
        "pgvigil does not understand its criteria `LogGroupName NOT IN [\"x\"]`",
    ),
    (
        "policy('first', 'TRANSFORMER_POLICY', '[{\"csv\": {}}]', selectionCriteria='LogGroupNamePrefix = \"/x\"')\n\
         policy('second', 'TRANSFORMER_POLICY', '[{\"csv\": {}}]', selectionCriteria='LogGroupNamePrefix = \"/aws/rds\"')",
        "[logs.delete_account_policy(policyName=n, policyType='TRANSFORMER_POLICY') for n in ('first', 'second')]",
        "orders/account-transformer-policy/second",
        "unknown",
        "after csv",
    ),
];

fn unaltered(world: &World) -> Value {
    let (_, text) = world.run(&["doctor", "--env", "prod", "--format", "json"]);
    let start = text.find('{').unwrap();
    let report = serde_json::Deserializer::from_str(&text[start..])
        .into_iter::<Value>()
        .next()
        .unwrap()
        .unwrap();
    let mut checks = report["clusters"][0]["checks"].as_array().unwrap().iter();
    checks
        .find(|check| check["id"] == "unaltered")
        .unwrap_or_else(|| panic!("{report}"))
        .clone()
}

#[test]
fn what_changes_the_log_is_told_by_plan_drift_and_doctor_and_left_alone() {
    let world = World::new(&["orders"]);
    world.apply();
    assert_eq!(drift(&world).0, 0);
    assert_eq!(unaltered(&world)["verdict"], "ok");
    for (doing, undoing, address, effect, words) in CHANGED {
        by_hand(&world, doing);
        let (code, report) = drift(&world);
        assert_eq!(code, 13, "{doing}: {report}");
        let told = report["alterations"].as_array().unwrap();
        assert_eq!(told.len(), 1, "{report}");
        assert_eq!(told[0]["address"], *address);
        assert_eq!(told[0]["effect"], *effect, "{report}");
        assert!(
            told[0]["note"].as_str().unwrap().contains(words),
            "{report}"
        );
        let drifted = report["drift"].as_array().unwrap();
        assert_eq!(drifted.len(), 1, "{report}");
        assert_eq!(drifted[0]["verdict"], "extra");
        for command in ["plan", "drift"] {
            let (_, text) = world.run(&[command, "--env", "prod"]);
            assert!(text.contains(address) && text.contains(words), "{text}");
        }
        let check = unaltered(&world);
        assert_eq!(check["verdict"], "fail", "{check}");
        assert!(
            check.to_string().contains(&words.replace('"', "\\\"")),
            "{check}"
        );
        // An apply works beside it, and takes nothing of it away.
        world.apply();
        assert_eq!(drift(&world).0, 13, "{doing}");
        by_hand(&world, undoing);
        assert_eq!(drift(&world).0, 0, "{undoing}");
    }
    // Of its own the log group has a transformer: the account's is ignored.
    let (own, not_own, ..) = CHANGED[2];
    by_hand(&world, own);
    by_hand(&world, CHANGED[3].0);
    let (_, report) = drift(&world);
    assert_eq!(
        report["alterations"].as_array().unwrap().len(),
        1,
        "{report}"
    );
    by_hand(&world, not_own);
    let (_, report) = drift(&world);
    assert_eq!(
        report["alterations"][0]["address"], CHANGED[3].2,
        "{report}"
    );
}

#[test]
fn a_class_without_the_query_is_told_before_the_first_apply() {
    for (class, words) in [
        ("INFREQUENT_ACCESS", "might stop the query"),
        ("DELIVERY", "blinds the query"),
    ] {
        let world = World::new(&["orders"]);
        by_hand(
            &world,
            &format!(
                "logs.delete_log_group(logGroupName=G)\nlogs.create_log_group(logGroupName=G, logGroupClass='{class}')"
            ),
        );
        let (_, text) = world.run(&["plan", "--env", "prod"]);
        assert!(
            text.contains("orders/log-group-class/aws/rds/cluster/orders/postgresql")
                && text.contains(&format!("`{class}` {words}")),
            "{text}"
        );
        world.apply();
        assert_eq!(drift(&world).0, 13);
    }
}

/// A role from before these reads: everything else is looked at and applied, and nothing is green.
#[test]
fn a_read_that_is_refused_is_told_and_stops_nothing_else() {
    let world = World::new(&["orders"]);
    world.apply();
    for (operation, address) in [
        (
            "GetDataProtectionPolicy",
            "orders/data-protection-policy/aws/rds/cluster/orders/postgresql",
        ),
        (
            "GetTransformer",
            "orders/transformer/aws/rds/cluster/orders/postgresql",
        ),
        (
            "DescribeAccountPolicies",
            "orders/account-transformer-policy",
        ),
    ] {
        world.moto.faults(
            &json!([{ "operation": format!("logs:{operation}"), "times": null, "status": 400,
            "code": "AccessDeniedException", "message": "no right to it" }]),
        );
        let (code, report) = drift(&world);
        assert_eq!(code, 1, "{report}");
        assert_eq!(report["outcome"], Value::Null);
        let unread = report["unread"].as_array().unwrap();
        let told = unread.iter().find(|one| one["address"] == address);
        let told = told.unwrap_or_else(|| panic!("{report}"));
        let why = format!("not allowed to call logs:{operation} on ");
        assert!(told["error"].as_str().unwrap().starts_with(&why), "{told}");
        let (code, text) = world.run(&["plan", "--env", "prod"]);
        assert_eq!(code, 0, "{text}");
        assert!(text.contains(address) && text.contains(&why), "{text}");
        let check = unaltered(&world);
        assert_eq!(check["verdict"], "unknown", "{check}");
        let (code, text) = world.run(APPLY);
        assert_eq!(code, 0, "{text}");
    }
    // A mask whose policy may not be read is one of which the log group's own description tells nothing.
    world.moto.faults(&json!([]));
    assert_eq!(drift(&world).0, 0);
}

/// Adds a line to the environment's file, and gives the text before back.
fn write(world: &World, line: &str) -> String {
    let path = world.root().join(FILE);
    let before = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{before}{line}\n")).unwrap();
    before
}

#[test]
fn the_log_group_is_protected_where_the_file_says_so() {
    let world = World::new(&["orders"]);
    world.apply();
    let is_protected = |world: &World| {
        by_hand(
            world,
            "print(logs.describe_log_groups(logGroupNamePrefix=G)['logGroups'][0]['deletionProtectionEnabled'])",
        )
    };
    assert_eq!(is_protected(&world).trim(), "False");
    let before = write(&world, "log_deletion_protection: true");
    let (code, text) = world.run(&["plan", "--env", "prod"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("deletion_protection"), "{text}");
    world.apply();
    assert_eq!(is_protected(&world).trim(), "True");
    assert_eq!(drift(&world).0, 0);
    by_hand(
        &world,
        "arn = logs.describe_log_groups(logGroupNamePrefix=G)['logGroups'][0]['logGroupArn']\n\
         logs.put_log_group_deletion_protection(logGroupIdentifier=arn, deletionProtectionEnabled=False)",
    );
    let (code, report) = drift(&world);
    assert_eq!(code, 13, "{report}");
    assert_eq!(
        report["drift"][0]["changes"][0]["path"],
        "deletion_protection"
    );
    world.apply();
    assert_eq!(is_protected(&world).trim(), "True");
    // What the file no longer asks for stays as it is.
    fs::write(world.root().join(FILE), before).unwrap();
    world.apply();
    assert_eq!(drift(&world).0, 0);
    assert_eq!(is_protected(&world).trim(), "True");
}

#[test]
fn a_role_has_the_boundary_that_the_file_names() {
    let arn = "arn:aws:iam::123456789012:policy/bound";
    let world = World::new(&["orders"]);
    by_hand(
        &world,
        "allow = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': '*', 'Resource': '*'}]})\n\
         client('iam').create_policy(PolicyName='bound', PolicyDocument=allow)",
    );
    let before = write(&world, &format!("permissions_boundary: {arn}"));
    let first = world.moto.calls().len();
    world.apply();
    // Born with it: at no time was there a role without.
    let calls = world.moto.calls();
    let made: Vec<&str> = calls[first..]
        .iter()
        .map(|call| call.operation.as_str())
        .filter(|name| name.contains("RolePermissionsBoundary") || *name == "CreateRole")
        .collect();
    assert_eq!(made, ["CreateRole"]);
    let bound = |world: &World| {
        by_hand(
            world,
            "iam = client('iam')\n\
             role = iam.get_role(RoleName=iam.list_roles()['Roles'][0]['RoleName'])['Role']\n\
             print(role.get('PermissionsBoundary', {}).get('PermissionsBoundaryArn'))",
        )
        .trim()
        .to_owned()
    };
    assert_eq!(bound(&world), arn);
    assert_eq!(drift(&world).0, 0);
    by_hand(
        &world,
        "iam = client('iam')\n\
         iam.delete_role_permissions_boundary(RoleName=iam.list_roles()['Roles'][0]['RoleName'])",
    );
    let (code, report) = drift(&world);
    assert_eq!(code, 13, "{report}");
    assert_eq!(
        report["drift"][0]["changes"][0]["path"],
        "permissions_boundary"
    );
    world.apply();
    assert_eq!(bound(&world), arn);
    let (_, policy) = world.run(&["iam-policy", "--env", "prod", "--for", "apply"]);
    assert!(
        policy.contains("iam:PermissionsBoundary") && policy.contains(arn),
        "{policy}"
    );
    assert!(
        !policy.contains("iam:DeleteRolePermissionsBoundary"),
        "{policy}"
    );
    fs::write(world.root().join(FILE), before).unwrap();
    let (code, text) = world.run(&["plan", "--env", "prod"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("permissions_boundary"), "{text}");
    world.apply();
    assert_eq!(bound(&world), "None");
    assert_eq!(drift(&world).0, 0);
}

/// The rights to these reads are in the policies of all who make them, and none of those who may write them is.
#[test]
fn the_policies_hold_the_reads() {
    let world = World::new(&["orders"]);
    for purpose in ["plan", "apply", "doctor", "blame"] {
        let (code, policy) = world.run(&["iam-policy", "--env", "prod", "--for", purpose]);
        assert_eq!(code, 0, "{policy}");
        for action in [
            "logs:GetDataProtectionPolicy",
            "logs:GetTransformer",
            "logs:DescribeAccountPolicies",
            "lambda:GetFunctionConfiguration",
            "lambda:GetFunctionConcurrency",
        ] {
            assert!(
                policy.contains(&format!("\"{action}\"")),
                "{purpose} {action}"
            );
        }
        for action in [
            "lambda:GetFunction\"",
            "logs:PutDataProtectionPolicy",
            "logs:DeleteDataProtectionPolicy",
            "logs:PutTransformer",
            "logs:PutAccountPolicy",
            "logs:PutLogGroupDeletionProtection",
        ] {
            assert!(!policy.contains(action), "{purpose} {action}");
        }
    }
}
