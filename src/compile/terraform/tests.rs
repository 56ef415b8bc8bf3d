use serde_json::Value;

use super::super::export::testing::changed_in_one_place;
use super::super::resources::testing;
use super::*;

fn prod() -> (Environment, Vec<Document>) {
    let mut environment = testing::environment("prod", &["orders", "billing"]);
    environment.log_deletion_protection = true;
    environment.permissions_boundary = Some("arn:aws:iam::123456789012:policy/b".to_owned());
    environment
        .tags
        .push(("cost".to_owned(), "${x} %{y}".to_owned()));
    let documents = testing::documents(&environment);
    (environment, documents)
}

fn files() -> Vec<ExportFile> {
    let (environment, documents) = prod();
    terraform(&environment, &documents).unwrap()
}

fn text() -> String {
    String::from_utf8(files().swap_remove(0).bytes).unwrap()
}

fn root() -> Value {
    serde_json::from_str(&text()).unwrap()
}

fn resource(of_type: &str, label: &str) -> Value {
    let root = root();
    let found = &root["resource"][of_type][label];
    assert!(found.is_object(), "no {of_type}.{label}");
    found.clone()
}

#[test]
fn every_field_is_expressed_or_refused() {
    let (environment, documents) = prod();
    let whole = files();
    let changed = changed_in_one_place(&documents);
    assert!(changed.len() > 300, "{}", changed.len());
    let mut expressed = 0;
    for (place, documents) in changed {
        if let Ok(module) = terraform(&environment, &documents) {
            assert_ne!(module, whole, "{place} is lost");
            expressed += 1;
        }
    }
    assert!(expressed > 250, "{expressed}");
}

#[test]
fn the_bytes_are_the_same_each_time() {
    assert_eq!(files(), files());
}

#[test]
fn every_resource_is_imported_from_where_it_is() {
    let root = root();
    let mut imported: Vec<&str> = root["import"]
        .as_array()
        .unwrap()
        .iter()
        .map(|import| import["to"].as_str().unwrap())
        .collect();
    imported.sort_unstable();
    let mut made: Vec<String> = Vec::new();
    for (of_type, resources) in root["resource"].as_object().unwrap() {
        // A version of a layer is never taken over: it is published again.
        if of_type == "aws_lambda_layer_version" {
            continue;
        }
        for label in resources.as_object().unwrap().keys() {
            made.push(format!("{of_type}.{label}"));
        }
    }
    made.sort_unstable();
    assert_eq!(imported, made);
    assert!(
        prod().1.len() <= made.len() + 1,
        "a document without a resource"
    );
}

#[test]
fn functions_have_the_layer_whose_file_is_named_by_its_rules() {
    let files = files();
    let name = files[1].path.strip_prefix("prod/terraform/").unwrap();
    assert!(super::super::export::is_layer_file(name), "{name}");
    let layer = resource("aws_lambda_layer_version", "policy");
    assert_eq!(layer["filename"], format!("${{path.module}}/{name}"));
    let function = resource("aws_lambda_function", "orders");
    assert_eq!(
        function["layers"],
        json!(["${aws_lambda_layer_version.policy.arn}"])
    );
    let digest = layer["description"].as_str().unwrap();
    let digest = digest.strip_prefix("pgvigil rules ").unwrap();
    assert_eq!(name, format!("policy-{digest}.zip"));
    assert_eq!(
        crate::package::layer::read(&files[1].bytes).unwrap(),
        crate::judge::Rules::new(prod().0.log_line_prefix).to_bytes()
    );
}

#[test]
fn t1_the_clusters_own_log_group_is_taken_over_and_let_go_of() {
    let root = root();
    let address = "aws_cloudwatch_log_group.orders_database";
    let import = root["import"]
        .as_array()
        .unwrap()
        .iter()
        .find(|import| import["to"] == address)
        .unwrap();
    // Without a condition: Terraform fails where the group is not, and never makes it.
    assert_eq!(
        import,
        &json!({ "to": address, "id": "/aws/rds/cluster/orders/postgresql" })
    );
    let group = resource("aws_cloudwatch_log_group", "orders_database");
    assert_eq!(group["skip_destroy"], true);
    assert_eq!(group["lifecycle"]["prevent_destroy"], true);
    assert_eq!(group["retention_in_days"], 365);
    assert!(group.get("tags").is_none(), "its tags are not ours");
}

#[test]
fn evidence_and_the_way_to_people_are_not_destroyed() {
    for (of_type, label) in [
        ("aws_cloudwatch_log_group", "orders_monitor"),
        ("aws_kms_key", "orders"),
        ("aws_kms_alias", "billing"),
        ("aws_sns_topic", "billing"),
    ] {
        let lifecycle = &resource(of_type, label)["lifecycle"];
        assert_eq!(lifecycle["prevent_destroy"], true, "{of_type}.{label}");
    }
}

#[test]
fn t11_the_schedule_comes_after_the_alarms_and_the_alarms_after_the_topic() {
    let rule = resource("aws_cloudwatch_event_rule", "orders");
    let needed: Vec<&str> = rule["depends_on"]
        .as_array()
        .unwrap()
        .iter()
        .map(|address| address.as_str().unwrap())
        .collect();
    assert_eq!(
        needed,
        [
            "aws_cloudwatch_metric_alarm.orders_delivery",
            "aws_cloudwatch_metric_alarm.orders_heartbeat",
            "aws_cloudwatch_metric_alarm.orders_human-dml",
            "aws_cloudwatch_metric_alarm.orders_monitor-errors",
            "aws_cloudwatch_metric_alarm.orders_not-judged",
        ]
    );
    let alarm = resource("aws_cloudwatch_metric_alarm", "orders_heartbeat");
    assert_eq!(alarm["depends_on"], json!(["aws_sns_topic.orders"]));
    assert_eq!(
        alarm["alarm_actions"],
        json!(["${aws_sns_topic.orders.arn}"])
    );
}

#[test]
fn t12_the_account_is_guarded_and_versions_are_bounded() {
    let root = root();
    let provider = &root["provider"]["aws"];
    assert_eq!(provider["allowed_account_ids"], json!(["123456789012"]));
    assert_eq!(provider["region"], "us-east-1");
    assert_eq!(
        provider["ignore_tags"]["key_prefixes"],
        json!(["pgvigil:applied"])
    );
    let aws = &root["terraform"]["required_providers"]["aws"];
    assert_eq!(aws["version"], PROVIDER);
    assert_eq!(root["terraform"]["required_version"], TERRAFORM);
}

#[test]
fn t13_secrets_are_sensitive_variables() {
    let root = root();
    assert_eq!(root["variable"]["from_env_INCIDENT_URL"]["sensitive"], true);
    let https: Vec<Value> = root["resource"]["aws_sns_topic_subscription"]
        .as_object()
        .unwrap()
        .values()
        .filter(|subscription| subscription["protocol"] == "https")
        .map(|subscription| subscription["endpoint"].clone())
        .collect();
    assert_eq!(
        https,
        [
            json!("${var.from_env_INCIDENT_URL}"),
            json!("${var.from_env_INCIDENT_URL}")
        ]
    );
}

#[test]
fn text_is_never_read_as_a_template() {
    let topic = resource("aws_sns_topic", "orders");
    assert_eq!(topic["tags"]["cost"], "$${x} %%{y}");
}

#[test]
fn two_secrets_are_never_one_variable() {
    let (mut environment, _) = prod();
    environment.notifications = ["a/b", "a_2Fb"]
        .map(|name| {
            crate::policy::model::Notification::Https(crate::policy::model::Secret::FromSecret(
                name.to_owned(),
            ))
        })
        .to_vec();
    let documents = testing::documents(&environment);
    let fault = terraform(&environment, &documents).unwrap_err();
    assert!(matches!(fault, ExportFault::SameLabel { .. }), "{fault}");
}

#[test]
fn a_local_environment_has_nothing_to_export() {
    let environment = testing::local("try", &["orders"]);
    let documents = testing::documents(&environment);
    assert_eq!(
        terraform(&environment, &documents).unwrap_err(),
        ExportFault::NoAccount {
            environment: "try".to_owned()
        }
    );
}

#[test]
fn a_function_without_a_reservation_says_so_in_the_providers_word() {
    let reserved = |runs| {
        let (mut environment, _) = prod();
        environment.monitor.reserved_concurrency = runs;
        let documents = testing::documents(&environment);
        let module = terraform(&environment, &documents).unwrap().swap_remove(0);
        let module: Value = serde_json::from_slice(&module.bytes).unwrap();
        let functions = module["resource"]["aws_lambda_function"]
            .as_object()
            .unwrap();
        functions
            .values()
            .map(|function| function["reserved_concurrent_executions"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(reserved(Some(3)), [3, 3]);
    assert_eq!(reserved(None), [-1, -1]);
}

#[test]
fn a_boundary_is_expressed_and_what_the_provider_does_not_know_is_said() {
    let role = resource("aws_iam_role", "orders");
    assert_eq!(
        role["permissions_boundary"],
        "arn:aws:iam::123456789012:policy/b"
    );
    let groups = &root()["resource"]["aws_cloudwatch_log_group"];
    let left_out = groups
        .as_object()
        .unwrap()
        .values()
        .filter_map(|group| group["//"].as_str());
    let told: Vec<&str> = left_out
        .filter(|note| note.contains("deletion protection"))
        .collect();
    assert_eq!(told.len(), 2, "{groups}");
}
