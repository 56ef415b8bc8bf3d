//! The layer with the rules: published once for all monitors, changed in one call, taken back, told as rules.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::fs;

use serde_json::{Value, json};

use crate::aws_fields::{base, drift};
use crate::aws_world::{APPLY, World};
use crate::moto::{Call, package};

const FILE: &str = "environments/prod.yaml";

/// A repository with the shipped exclusions, of which the environment has one.
fn world(clusters: &[&str]) -> World {
    let world = World::new(clusters);
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/exclusions.yaml");
    fs::copy(shipped, world.root().join("rules/exclusions.yaml")).unwrap();
    let users = "version: 1\nusers:\n  - {role: alice, owner: data, environments: all}\n";
    fs::write(world.root().join("rules/users.yaml"), users).unwrap();
    select(&world, "catalog-metadata");
    world
}

/// Chooses the exclusions of the environment.
fn select(world: &World, exclusions: &str) {
    let path = world.root().join(FILE);
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| !line.starts_with("exclusions:"))
        .map(str::to_owned)
        .collect();
    lines.push(format!("exclusions: [{exclusions}]"));
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

/// Another exclusion than `catalog-metadata`.
fn another() -> String {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/exclusions.yaml");
    let text = fs::read_to_string(shipped).unwrap();
    let ids: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("  - id: "))
        .collect();
    ids[1].to_owned()
}

fn writes(world: &World, from: usize) -> Vec<Call> {
    let calls = world.moto.calls().split_off(from);
    calls
        .into_iter()
        .filter(|call| call.writes && !call.operation.contains("Tag"))
        .collect()
}

fn operations(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.operation.as_str()).collect()
}

/// Variables and layers of a function, and the numbers of the versions that there are.
fn live(world: &World, base: &str) -> Value {
    let text = world.by_hand(&format!(
        "l = client('lambda')\nc = l.get_function_configuration(FunctionName='{base}')\n\
         n = [x['LayerName'] for x in l.list_layers()['Layers']]\n\
         v = [y['Version'] for x in n for y in l.list_layer_versions(LayerName=x)['LayerVersions']]\n\
         print(json.dumps({{'variables': c['Environment']['Variables'], 'layers': [x['Arn'] for x in c.get('Layers', [])], \
         'versions': v}}))"
    ));
    serde_json::from_str(&text).unwrap()
}

fn plan(world: &World, format: &str) -> String {
    let (code, text) = world.run(&["plan", "--env", "prod", "--format", format]);
    assert_eq!(code, 0, "{text}");
    text
}

#[test]
fn rules_are_published_once_and_change_in_one_call() {
    let world = world(&["orders", "billing"]);
    let from = world.moto.calls().len();
    world.apply();
    let first = writes(&world, from);
    let published = |calls: &[Call]| {
        let all = calls.iter();
        all.filter(|call| call.operation == "PublishLayerVersion")
            .count()
    };
    assert_eq!(published(&first), 1);
    let base = base(&world);
    let before = live(&world, &base);
    assert!(before["layers"][0].as_str().unwrap().ends_with(":1"));

    let id = another();
    select(&world, &format!("catalog-metadata, {id}"));
    let text = plan(&world, "human");
    assert!(text.contains("Rules of 2 functions: live "), "{text}");
    assert!(text.contains(&format!("+ exclusion {id}")), "{text}");
    assert!(text.contains("match.class"), "{text}");
    assert!(
        !text.contains("hunter2"),
        "the address of the content is shown: {text}"
    );
    let told: Value = serde_json::from_str(&plan(&world, "json")).unwrap();
    let change = &told["rules"][0];
    assert_eq!(change["functions"].as_array().unwrap().len(), 2, "{change}");
    assert_eq!(
        change["live"]["differences"][0]["name"],
        json!(id),
        "{change}"
    );
    let text = plan(&world, "markdown");
    assert!(text.contains(&format!("+ exclusion {id}")), "{text}");

    let from = world.moto.calls().len();
    world.apply();
    let calls = writes(&world, from);
    let of_functions: Vec<&Call> = calls
        .iter()
        .filter(|call| call.operation.contains("Function"))
        .collect();
    assert_eq!(published(&calls), 1, "{:?}", operations(&calls));
    assert_eq!(of_functions.len(), 2, "{:?}", operations(&calls));
    for call in of_functions {
        // Layer and digest in one call, and the code stays.
        assert_eq!(call.operation, "UpdateFunctionConfiguration");
        assert!(call.body.contains("PGVIGIL_RULES_DIGEST") && call.body.contains("Layers"));
    }
    let after = live(&world, &base);
    assert!(after["layers"][0].as_str().unwrap().ends_with(":2"));
    assert_ne!(
        before["variables"]["PGVIGIL_RULES_DIGEST"],
        after["variables"]["PGVIGIL_RULES_DIGEST"]
    );

    // Taken back: the version of before is still there.
    select(&world, "catalog-metadata");
    let text = plan(&world, "human");
    assert!(text.contains(&format!("- exclusion {id}")), "{text}");
    let from = world.moto.calls().len();
    world.apply();
    let calls = writes(&world, from);
    assert_eq!(published(&calls), 0, "{:?}", operations(&calls));
    assert_eq!(live(&world, &base)["layers"], before["layers"]);
    assert_eq!(drift(&world).0, 0);
}

#[test]
fn rules_that_cannot_be_read_are_compared_by_digest() {
    let world = world(&["orders"]);
    world.apply();
    select(&world, &another());
    for (fault, said) in [
        (
            json!({ "operation": "s3:GetObject", "code": "AccessDenied", "status": 403 }),
            "it answers with status 403",
        ),
        (
            json!({ "operation": "s3:GetObject", "garbage": "<html>a proxy</html>" }),
            "points to different content",
        ),
    ] {
        world.moto.faults(&json!([fault]));
        let text = plan(&world, "human");
        assert!(
            text.contains("compared only by the layer's digest"),
            "{text}"
        );
        assert!(text.contains(said), "{text}");
        assert!(text.contains("layers[0].code_sha256"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    // It can be applied all the same: the digest decides.
    world.apply();
    world.moto.faults(&json!([]));
    assert_eq!(drift(&world).0, 0);
}

/// The package of another program.
fn other_package(world: &World, program: &str) {
    package(&world.root().join("pgvigil-monitor-arm64.zip"), program);
}

/// Brings the function back to what the engine of before had: its code, its variables and no layer.
fn as_before(world: &World, base: &str) {
    world.by_hand(&format!(
        "l = client('lambda')\nv = l.get_function_configuration(FunctionName='{base}')['Environment']['Variables']\n\
         del v['PGVIGIL_RULES_DIGEST']\n\
         v.update(PGVIGIL_QUERY='q', PGVIGIL_QUERY_DIGEST='d', PGVIGIL_SIGNALS='dml')\n\
         l.update_function_configuration(FunctionName='{base}', Layers=[], Environment={{'Variables': v}})"
    ));
}

#[test]
fn a_function_of_the_engine_of_before_is_led_over_a_bridge() {
    let world = world(&["orders"]);
    world.apply();
    let base = base(&world);
    as_before(&world, &base);
    // The code that is live cannot run with the variables of today.
    let (code, text) = world.run(&["apply", "--env", "prod", "--auto-approve"]);
    assert_ne!(code, 0, "{text}");
    assert!(text.contains("it runs an earlier engine"), "{text}");
    assert!(text.contains("--package"), "{text}");
    let variables = live(&world, &base)["variables"].clone();
    assert_eq!(variables["PGVIGIL_QUERY"], "q", "nothing was changed");

    other_package(&world, "#!/bin/sh\n# judges\n");
    let steps = [
        "UpdateFunctionConfiguration",
        "UpdateFunctionCode",
        "UpdateFunctionConfiguration",
    ];
    let from = world.moto.calls().len();
    world.apply();
    let calls: Vec<Call> = writes(&world, from)
        .into_iter()
        .filter(|call| call.operation.starts_with("UpdateFunction"))
        .collect();
    assert_eq!(operations(&calls), steps);
    let (bridge, last) = (&calls[0].body, &calls[2].body);
    for name in ["RULES_DIGEST_AT_UPGRADE", "PGVIGIL_QUERY_DIGEST", "Layers"] {
        assert!(bridge.contains(name), "{name}: {bridge}");
    }
    assert!(!bridge.contains("PGVIGIL_RULES_DIGEST"), "{bridge}");
    assert!(last.contains("PGVIGIL_RULES_DIGEST"), "{last}");
    for name in [
        "RULES_DIGEST_AT_UPGRADE",
        "PGVIGIL_QUERY",
        "PGVIGIL_SIGNALS",
    ] {
        assert!(!last.contains(name), "{name}: {last}");
    }
    assert_eq!(drift(&world).0, 0);

    // Cut between any two of them, the next apply goes on from there.
    for done in 0..3 {
        as_before(&world, &base);
        other_package(&world, &format!("#!/bin/sh\n# {done}\n"));
        let operation = format!("lambda:{}", steps[done]);
        // The third call is the second of its name.
        let skip = usize::from(done == 2);
        world.moto.faults(&json!([
            { "operation": operation, "cut": true, "skip": skip, "times": 1 }
        ]));
        let (code, text) = world.run(APPLY);
        assert_ne!(code, 0, "{text}");
        world.moto.faults(&json!([]));
        let variables = live(&world, &base)["variables"].clone();
        let is_bridged = variables.get("RULES_DIGEST_AT_UPGRADE").is_some();
        assert_eq!(is_bridged, done > 0, "{variables}");
        let from = world.moto.calls().len();
        world.apply();
        let calls: Vec<Call> = writes(&world, from)
            .into_iter()
            .filter(|call| call.operation.starts_with("UpdateFunction"))
            .collect();
        assert_eq!(operations(&calls), steps[done..]);
        assert_eq!(drift(&world).0, 0);
    }
}

#[test]
fn old_versions_go_and_a_few_stay() {
    let world = world(&["orders"]);
    world.apply();
    let base = base(&world);
    let first = live(&world, &base)["layers"][0].clone();
    for number in 0..8 {
        let accounts = format!(
            "version: 1\nservice_accounts:\n  - role: svc_{number}\n    reason: Loads the warehouse every night from \
             the files of the shop.\n    owner: data\n    environments: all\n"
        );
        fs::write(world.root().join("rules/accounts.yaml"), accounts).unwrap();
        world.apply();
    }
    let now = live(&world, &base);
    assert_ne!(now["layers"][0], first);
    assert_eq!(now["versions"], json!([9, 8, 7, 6, 5, 4]));
    let (code, text) = world.run(&["destroy", "--env", "prod", "--auto-approve"]);
    assert_eq!(code, 0, "{text}");
    let layers = world.by_hand("print(len(client('lambda').list_layers()['Layers']))");
    assert_eq!(layers.trim(), "0", "{text}");
    world.apply();
    assert_eq!(drift(&world).0, 0);
}

#[test]
fn a_layer_that_somebody_replaced_or_deleted_is_drift() {
    let world = world(&["orders"]);
    world.apply();
    let base = base(&world);
    let layer = live(&world, &base)["layers"][0].clone();
    let name = layer.as_str().unwrap().split(':').nth(6).unwrap();
    // Rules that silence somebody, in a version of the layer.
    let somebody = format!(
        "import io, zipfile, hashlib, urllib.request\nl = client('lambda')\n\
         v = l.get_layer_version(LayerName='{name}', VersionNumber=1)\n\
         z = zipfile.ZipFile(io.BytesIO(urllib.request.urlopen(v['Content']['Location']).read()))\n\
         r = json.loads(z.read('pgvigil/policy.json'))\nr['service_accounts'].append({{'role': 'mallory'}})\n\
         t = json.dumps(r).encode()\no = io.BytesIO()\n\
         with zipfile.ZipFile(o, 'w') as w: w.writestr('pgvigil/policy.json', t)\n\
         m = l.publish_layer_version(LayerName='{name}', Content={{'ZipFile': o.getvalue()}}, Description=v['Description'])\n\
         e = l.get_function_configuration(FunctionName='{base}')['Environment']['Variables']\n\
         e['PGVIGIL_RULES_DIGEST'] = hashlib.sha256(t).hexdigest()\n\
         l.update_function_configuration(FunctionName='{base}', Layers=[m['LayerVersionArn']], Environment={{'Variables': e}})"
    );
    world.by_hand(&somebody);
    let (code, report) = drift(&world);
    assert_eq!(code, 13, "{report}");
    let difference = &report["rules"][0]["live"]["differences"][0];
    assert_eq!(difference["name"], "mallory", "{report}");
    assert_eq!(difference["became"], "added", "{report}");
    let (_, text) = world.run(&["drift", "--env", "prod"]);
    assert!(text.contains("+ service account mallory"), "{text}");
    world.apply();
    assert_eq!(drift(&world).0, 0);
    assert_eq!(live(&world, &base)["layers"][0], layer);

    world.by_hand(&format!(
        "client('lambda').update_function_configuration(FunctionName='{base}', Layers=[])"
    ));
    let (code, report) = drift(&world);
    assert_eq!(code, 13, "{report}");
    assert_eq!(report["rules"][0]["live"]["state"], "absent", "{report}");
    world.apply();

    // A function goes on with a version that was deleted, and nobody can say what it holds.
    world.by_hand(&format!(
        "l = client('lambda')\nfor x in l.list_layer_versions(LayerName='{name}')['LayerVersions']: \
         l.delete_layer_version(LayerName='{name}', VersionNumber=x['Version'])"
    ));
    let (code, report) = drift(&world);
    assert_eq!(code, 13, "{report}");
    let missing = report["drift"].as_array().unwrap().iter();
    let verdicts: Vec<&str> = missing
        .map(|one| one["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["missing", "drifted"], "{report}");
    world.apply();
    assert_eq!(drift(&world).0, 0);
}
