use serde_json::Value;

use super::super::export::testing::changed_in_one_place;
use super::super::resources::testing;
use super::*;

fn prod() -> (Environment, Vec<Document>) {
    let mut environment = testing::environment("prod", &["orders", "billing"]);
    environment.log_deletion_protection = true;
    environment.permissions_boundary = Some("arn:aws:iam::123456789012:policy/b".to_owned());
    let documents = testing::documents(&environment);
    (environment, documents)
}

fn whole(files: &[ExportFile]) -> Vec<u8> {
    files.iter().flat_map(|file| file.bytes.clone()).collect()
}

fn orders() -> Value {
    let (environment, documents) = prod();
    let files = cloudformation(&environment, &documents).unwrap();
    let file = files
        .iter()
        .find(|file| file.path == "prod/cloudformation/orders.template.json")
        .unwrap();
    serde_json::from_slice(&file.bytes).unwrap()
}

#[test]
fn every_field_is_expressed_or_refused() {
    let (environment, documents) = prod();
    let text = whole(&cloudformation(&environment, &documents).unwrap());
    let changed = changed_in_one_place(&documents);
    assert!(changed.len() > 300, "{}", changed.len());
    let mut expressed = 0;
    for (place, documents) in changed {
        if let Ok(files) = cloudformation(&environment, &documents) {
            assert_ne!(whole(&files), text, "{place} is lost");
            expressed += 1;
        }
    }
    assert!(expressed > 250, "{expressed}");
}

#[test]
fn each_cluster_has_a_template_of_its_own() {
    let (environment, documents) = prod();
    let files = cloudformation(&environment, &documents).unwrap();
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "prod/cloudformation/billing.template.json",
            "prod/cloudformation/orders.template.json",
            paths[2],
        ]
    );
    let name = paths[2].strip_prefix("prod/cloudformation/").unwrap();
    assert!(super::super::export::is_layer_file(name), "{name}");
    assert_eq!(
        whole(&files),
        whole(&cloudformation(&environment, &documents).unwrap())
    );
    let billing = String::from_utf8(files[0].bytes.clone()).unwrap();
    assert!(!billing.contains("orders"));
}

#[test]
fn t1_the_clusters_own_log_group_is_left_to_rds() {
    let template = orders();
    let groups: Vec<&Value> = template["Resources"]
        .as_object()
        .unwrap()
        .values()
        .filter(|resource| resource["Type"] == "AWS::Logs::LogGroup")
        .map(|resource| &resource["Properties"]["LogGroupName"])
        .collect();
    assert_eq!(groups.len(), 1);
    assert!(groups[0].as_str().unwrap().starts_with("/aws/lambda/"));
    let left_out = template["Metadata"]["pgvigil"]["LeftOut"].to_string();
    assert!(
        left_out.contains("365 days of /aws/rds/cluster/orders/postgresql"),
        "{left_out}"
    );
}

#[test]
fn evidence_and_the_way_to_people_are_retained() {
    let template = orders();
    for id in [
        "MonitorLogGroup",
        "Key",
        "KeyAlias",
        "Topic",
        // A topic that stays without its policy would be open to its account again.
        "TopicPolicy",
    ] {
        let resource = &template["Resources"][id];
        assert_eq!(resource["DeletionPolicy"], "Retain", "{id}");
        assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{id}");
    }
    assert!(
        template["Resources"]["Function"]
            .get("DeletionPolicy")
            .is_none()
    );
}

#[test]
fn t11_the_schedule_waits_for_alarms_and_permission() {
    let template = orders();
    let schedule = &template["Resources"]["Schedule"];
    assert_eq!(
        schedule["DependsOn"],
        json!([
            "AlarmDelivery",
            "AlarmHeartbeat",
            "AlarmHumanDml",
            "AlarmMonitorErrors",
            "AlarmNotJudged",
            "Permission"
        ])
    );
    assert_eq!(
        schedule["Properties"]["Targets"][0]["Arn"],
        json!({ "Fn::GetAtt": ["Function", "Arn"] })
    );
}

#[test]
fn the_function_has_the_layer_whose_object_is_named_by_its_rules() {
    let template = orders();
    let layer = &template["Resources"]["PolicyLayer"]["Properties"];
    let digest = layer["Description"].as_str().unwrap();
    let digest = digest.strip_prefix("pgvigil rules ").unwrap();
    assert_eq!(
        layer["Content"]["S3Key"],
        json!({ "Fn::Join": ["", [{ "Ref": "PolicyPrefix" }, format!("policy-{digest}.zip")]] })
    );
    assert_eq!(
        template["Resources"]["Function"]["Properties"]["Layers"],
        json!([{ "Ref": "PolicyLayer" }])
    );
}

#[test]
fn t12_another_account_or_region_is_refused() {
    let rules = &orders()["Rules"];
    assert_eq!(
        rules["Account"]["Assertions"][0]["Assert"],
        json!({ "Fn::Equals": [{ "Ref": "AWS::AccountId" }, "123456789012"] })
    );
    assert_eq!(
        rules["Region"]["Assertions"][0]["Assert"],
        json!({ "Fn::Equals": [{ "Ref": "AWS::Region" }, "us-east-1"] })
    );
}

#[test]
fn t13_secrets_are_parameters_that_are_not_shown() {
    let template = orders();
    assert_eq!(template["Parameters"]["FromEnvINCIDENTURL"]["NoEcho"], true);
    let text = template["Resources"].to_string();
    assert!(text.contains(r#""Endpoint":{"Ref":"FromEnvINCIDENTURL"}"#));
}

#[test]
fn what_the_engine_would_replace_is_refused() {
    let (mut environment, _) = prod();
    let value = "{{resolve:ssm-secure:x}}".to_owned();
    environment.tags.push(("a".to_owned(), value));
    let documents = testing::documents(&environment);
    let fault = cloudformation(&environment, &documents).unwrap_err();
    assert!(matches!(fault, ExportFault::Replaced { .. }), "{fault}");
}

#[test]
fn a_template_that_is_too_large_is_refused() {
    let (environment, mut documents) = prod();
    for document in &mut documents {
        if document.kind == Kind::SavedQuery && document.name.ends_with("/role") {
            document.properties["query"] = json!("x".repeat(LARGEST_TEMPLATE));
        }
    }
    let fault = cloudformation(&environment, &documents).unwrap_err();
    let text = fault.to_string();
    assert!(
        text.starts_with("prod/cloudformation/billing.template.json: 10"),
        "{text}"
    );
    assert!(text.ends_with("bytes; the limit is 1000000"), "{text}");
}

#[test]
fn a_local_environment_has_nothing_to_export() {
    let environment = testing::local("try", &["orders"]);
    let documents = testing::documents(&environment);
    assert!(cloudformation(&environment, &documents).is_err());
}

#[test]
fn a_function_without_a_reservation_has_none() {
    let reserved = |runs| {
        let (mut environment, _) = prod();
        environment.monitor.reserved_concurrency = runs;
        let documents = testing::documents(&environment);
        let files = cloudformation(&environment, &documents).unwrap();
        let mut found = Vec::new();
        for file in files {
            let Ok(template) = serde_json::from_slice::<Value>(&file.bytes) else {
                continue;
            };
            for resource in template["Resources"].as_object().into_iter().flatten() {
                if resource.1["Type"] == "AWS::Lambda::Function" {
                    let properties = resource.1["Properties"].as_object().unwrap();
                    found.push(properties.get("ReservedConcurrentExecutions").cloned());
                }
            }
        }
        found
    };
    assert_eq!(reserved(Some(3)), vec![Some(json!(3)); 2]);
    assert_eq!(reserved(None), vec![None; 2]);
}

#[test]
fn a_boundary_is_expressed_and_what_belongs_to_the_log_group_is_left_out() {
    let template = orders();
    assert_eq!(
        template["Resources"]["Role"]["Properties"]["PermissionsBoundary"],
        "arn:aws:iam::123456789012:policy/b"
    );
    let left_out = template["Metadata"]["pgvigil"]["LeftOut"].to_string();
    assert!(left_out.contains("deletion protection"), "{left_out}");
}

/// The five that checkov 3.3 names on a template, each on the resource that it names and with a reason.
#[test]
fn what_checkov_finds_has_a_reason() {
    let template = orders();
    let mut found = Vec::new();
    for resource in template["Resources"].as_object().unwrap().values() {
        for skip in resource["Metadata"]["checkov"]["skip"]
            .as_array()
            .into_iter()
            .flatten()
        {
            assert!(skip["comment"].as_str().unwrap().len() > 20, "{skip}");
            found.push(format!(
                "{} {}",
                skip["id"].as_str().unwrap(),
                resource["Type"].as_str().unwrap()
            ));
        }
    }
    found.sort();
    assert_eq!(
        found,
        [
            "CKV_AWS_116 AWS::Lambda::Function",
            "CKV_AWS_117 AWS::Lambda::Function",
            "CKV_AWS_158 AWS::Logs::LogGroup",
            "CKV_AWS_173 AWS::Lambda::Function",
            "CKV_AWS_33 AWS::KMS::Key",
        ]
    );
}
