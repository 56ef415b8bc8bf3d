//! The clusters of an environment as CloudFormation templates, for stacks and StackSets.
//!
//! One template for each cluster, not for each environment: a stack is what CloudFormation rolls back and deletes as
//! a whole, and a failed change of one cluster must not take back the alarms of the others. It also keeps a template
//! with the shipped rules below the 51,200 bytes that need no bucket, however many clusters an environment has.
//!
//! **The cluster's own log group** belongs to RDS. A stack could set its retention only by owning it, and would then
//! make and delete it: it is left out, and the template's metadata says so.
//!
//! **The layer with the rules** is one for all clusters, and each stack publishes a version of its own: a stack that is
//! rolled back or deleted takes along nothing that another one needs.
//!
//! **The account** stands in the ARNs that the policy compiles. A rule of the template refuses every other account
//! and region.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::export::{
    ExportFault, ExportFile, cluster, is_retained, kind_at, location, pascal, tail,
};
use super::resources::{Document, EVERY_CLUSTER, Kind, Location, Ownership, canonical, encode};
use crate::policy::model::Environment;

mod alerts;
mod function;
mod watch;

/// The folder of the templates below the environment's.
pub const FOLDER: &str = "cloudformation";

/// What the name of a template ends with.
pub const ENDING: &str = ".template.json";

/// Most resources of a template:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
pub const MOST_RESOURCES: usize = 500;

/// Largest template, in bytes, that is taken without a bucket (`TemplateBody`); the same source.
pub const LARGEST_BODY: usize = 51_200;

/// Largest template, in bytes, that is taken from a bucket (`TemplateURL`): 1 MB; the same source.
pub const LARGEST_TEMPLATE: usize = 1_000_000;

/// Most bytes of a template's description; the same source.
const LONGEST_DESCRIPTION: usize = 1_024;

/// What CloudFormation replaces in every text:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html>
const DYNAMIC: &str = "{{resolve:";

/// The templates of an environment, `ENV/cloudformation/CLUSTER.template.json`, sorted by cluster, and behind them the
/// object that their layers are made of.
pub fn cloudformation(
    environment: &Environment,
    documents: &[Document],
) -> Result<Vec<ExportFile>, ExportFault> {
    let at = location(environment)?;
    let mut clusters: BTreeMap<&str, Vec<&Document>> = BTreeMap::new();
    for document in documents {
        clusters
            .entry(cluster(document))
            .or_default()
            .push(document);
    }
    let shared = clusters.remove(EVERY_CLUSTER).unwrap_or_default();
    let mut layer = None;
    let mut files = clusters
        .into_iter()
        .map(|(cluster, documents)| {
            let path = format!("{}/{FOLDER}/{}{ENDING}", environment.name, encode(cluster));
            let all: Vec<&Document> = shared.iter().copied().chain(documents).collect();
            let mut template = Template::of(&all)?;
            if let Some((name, bytes)) = template.layer.take() {
                layer = Some(ExportFile {
                    path: format!("{}/{FOLDER}/{name}", environment.name),
                    bytes,
                });
            }
            let count = template.resources.len();
            let text = text(&template.whole(environment, cluster, &at));
            within(&path, count, "resources", MOST_RESOURCES)?;
            within(&path, text.len(), "bytes", LARGEST_TEMPLATE)?;
            if text.contains(DYNAMIC) {
                return Err(ExportFault::Replaced {
                    file: path,
                    text: DYNAMIC.to_owned(),
                });
            }
            Ok(ExportFile {
                path,
                bytes: text.into_bytes(),
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    files.extend(layer);
    Ok(files)
}

fn within(file: &str, size: usize, unit: &'static str, limit: usize) -> Result<(), ExportFault> {
    if size <= limit {
        return Ok(());
    }
    Err(ExportFault::TooLarge {
        file: file.to_owned(),
        size,
        unit,
        limit,
    })
}

/// A template that grows.
#[derive(Debug, Default)]
struct Template {
    known: BTreeMap<String, Document>,
    /// The name that most resources of the cluster share.
    shared: String,
    resources: BTreeMap<String, Value>,
    /// Parameters that hold secrets, with their descriptions.
    secrets: BTreeMap<String, String>,
    /// The package that the function runs.
    package: Option<String>,
    /// The object of the layer: its name and contents.
    layer: Option<(String, Vec<u8>)>,
    /// What the template leaves to others.
    left_out: Vec<String>,
}

impl Template {
    fn of(documents: &[&Document]) -> Result<Self, ExportFault> {
        let mut template = Self::default();
        for document in documents {
            // One of the resources that bear the shared name, in either engine.
            if document.kind == Kind::KmsKey {
                template.shared.clone_from(&document.name);
            }
            let address = document.address.clone();
            template.known.insert(address, (*document).clone());
        }
        for document in documents {
            template.add(document)?;
        }
        Ok(template)
    }

    fn add(&mut self, document: &Document) -> Result<(), ExportFault> {
        if document.ownership == Ownership::Adopted {
            return watch::adopted(self, document);
        }
        match document.kind {
            Kind::LogGroup => watch::log_group(self, document),
            Kind::KmsKey => alerts::key(self, document),
            Kind::KmsAlias => alerts::alias(self, document),
            Kind::SnsTopic => alerts::topic(self, document),
            Kind::SnsSubscription => alerts::subscription(self, document),
            Kind::IamRole => function::role(self, document),
            Kind::IamRolePolicy => function::role_policy(self, document),
            Kind::PolicyLayer => function::layer(self, document),
            Kind::LambdaFunction => function::function(self, document),
            Kind::Alarm => alerts::alarm(self, document),
            Kind::LogAlarm => alerts::log_alarm(self, document),
            Kind::Dashboard => watch::dashboard(self, document),
            Kind::SavedQuery => watch::saved_query(self, document),
            Kind::LambdaPermission => function::permission(self, document),
            Kind::EventRule => watch::rule(self, document),
            // A target is a property of its rule, which takes it along.
            Kind::EventTarget => watch::taken_along(self, document),
        }
    }

    /// The logical id of a document's resource.
    fn id(&self, document: &Document) -> String {
        let tail = || pascal(tail(document, &self.shared));
        match document.kind {
            Kind::LogGroup => "MonitorLogGroup".to_owned(),
            Kind::KmsKey => "Key".to_owned(),
            Kind::KmsAlias => "KeyAlias".to_owned(),
            Kind::SnsTopic if document.name == self.shared => "Topic".to_owned(),
            Kind::SnsTopic => "ChatTopic".to_owned(),
            Kind::SnsSubscription => format!("Subscription{}", tail()),
            Kind::IamRole => "Role".to_owned(),
            Kind::IamRolePolicy => "RolePolicy".to_owned(),
            Kind::PolicyLayer => "PolicyLayer".to_owned(),
            Kind::LambdaFunction => "Function".to_owned(),
            Kind::Alarm | Kind::LogAlarm => format!("Alarm{}", tail()),
            Kind::Dashboard => "Dashboard".to_owned(),
            Kind::SavedQuery => format!("SavedQuery{}", tail()),
            Kind::LambdaPermission => "Permission".to_owned(),
            Kind::EventRule | Kind::EventTarget => "Schedule".to_owned(),
        }
    }

    /// Logical ids of what must stand before documents: not what the template leaves out, and not themselves.
    fn depends_on(&self, documents: &[&Document]) -> Vec<String> {
        let own: BTreeSet<String> = documents.iter().map(|document| self.id(document)).collect();
        let needed: BTreeSet<String> = documents
            .iter()
            .flat_map(|document| &document.depends_on)
            .filter_map(|address| self.known.get(address))
            .filter(|needed| needed.ownership == Ownership::Owned)
            .map(|needed| self.id(needed))
            .filter(|id| !own.contains(id))
            .collect();
        needed.into_iter().collect()
    }

    /// Adds the resource of a document.
    fn put(
        &mut self,
        document: &Document,
        of_type: &str,
        properties: Value,
    ) -> Result<(), ExportFault> {
        let (id, depends_on) = (self.id(document), self.depends_on(&[document]));
        self.put_as(document, id, of_type, properties, &depends_on)
    }

    /// Adds a resource that stands for a part of a document, under an id of its own.
    fn put_as(
        &mut self,
        document: &Document,
        id: String,
        of_type: &str,
        properties: Value,
        depends_on: &[String],
    ) -> Result<(), ExportFault> {
        let mut resource = Map::new();
        resource.insert("Type".to_owned(), json!(of_type));
        // What a reference says already is not said again.
        let referred = references(&properties);
        let depends_on: Vec<&String> = depends_on
            .iter()
            .filter(|id| !referred.contains(id.as_str()))
            .collect();
        if !depends_on.is_empty() {
            resource.insert("DependsOn".to_owned(), json!(depends_on));
        }
        if is_retained(document.kind) {
            for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
                resource.insert(policy.to_owned(), json!("Retain"));
            }
        }
        resource.insert("Properties".to_owned(), properties);
        if let Some(metadata) = waived(of_type) {
            resource.insert("Metadata".to_owned(), metadata);
        }
        match self.resources.insert(id.clone(), Value::Object(resource)) {
            None => Ok(()),
            Some(_) => Err(ExportFault::SameLabel {
                address: document.address.clone(),
                label: id,
            }),
        }
    }

    /// `Ref` or `Fn::GetAtt` of the resource of that kind that the document depends on, where the document's own text
    /// names it: by its name, or by an ARN that ends with it. A text that names another is kept.
    fn referred(
        &self,
        document: &Document,
        text: &str,
        kind: Kind,
        attribute: Option<&str>,
    ) -> Value {
        let named = document
            .depends_on
            .iter()
            .filter(|address| kind_at(address) == Some(kind))
            .filter_map(|address| self.known.get(address))
            .filter(|needed| needed.ownership == Ownership::Owned)
            .find(|needed| {
                text == needed.name
                    || text
                        .strip_suffix(needed.name.as_str())
                        .is_some_and(|start| {
                            start.starts_with("arn:") && start.ends_with([':', '/'])
                        })
            });
        match (named, attribute) {
            (None, _) => json!(text),
            (Some(needed), None) => json!({ "Ref": self.id(needed) }),
            (Some(needed), Some(attribute)) => {
                json!({ "Fn::GetAtt": [self.id(needed), attribute] })
            }
        }
    }

    fn whole(self, environment: &Environment, cluster: &str, at: &Location) -> Value {
        let mut parameters = match &self.package {
            None => json!({}),
            Some(package) => json!({
                "PackageBucket": {
                    "Type": "String",
                    "Description": "Bucket of the package and of policy-….zip, in the region of the stack",
                },
                "PolicyPrefix": {
                    "Type": "String",
                    "Default": "",
                    "Description": "Prefix of the keys of policy-….zip in that bucket, such as pgvigil/",
                },
                "PackageKey": {
                    "Type": "String",
                    "Description": format!(
                        "Key of the package {package}: use a different key for each version, because CloudFormation \
                         compares only the key, not the content",
                    ),
                },
            }),
        };
        if let Some(parameters) = parameters.as_object_mut() {
            for (name, description) in self.secrets {
                parameters.insert(
                    name,
                    json!({ "Type": "String", "NoEcho": true, "Description": description }),
                );
            }
        }
        let only = |pseudo: &str, value: &str, what: &str| {
            json!({ "Assertions": [{
                "Assert": { "Fn::Equals": [{ "Ref": pseudo }, value] },
                "AssertDescription": format!("This template is for the {what} {value}"),
            }] })
        };
        let mut description = format!(
            "pgvigil: watches {cluster} ({}). Compiled: edit the policy, not this file",
            environment.name
        );
        if description.len() > LONGEST_DESCRIPTION {
            description = "pgvigil. Compiled: edit the policy, not this file".to_owned();
        }
        json!({
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": description,
            "Metadata": { "pgvigil": { "LeftOut": self.left_out } },
            "Parameters": parameters,
            "Rules": {
                "Account": only("AWS::AccountId", &at.account, "account"),
                "Region": only("AWS::Region", &at.region, "region"),
            },
            "Resources": self.resources,
        })
    }
}

/// What checkov (3.3) finds wrong with a resource and is meant so, with the reasons: it reads them from the metadata
/// (checkov's documentation, "Suppressing and Skipping Policies").
fn waived(of_type: &str) -> Option<Value> {
    let reasons: &[(&str, &str)] = match of_type {
        "AWS::Lambda::Function" => &[
            (
                "CKV_AWS_116",
                "a failed run needs no dead-letter queue: the next run counts its window, and an alarm reports the failure",
            ),
            (
                "CKV_AWS_117",
                "the function calls only AWS services, nothing in a VPC",
            ),
            (
                "CKV_AWS_173",
                "the variables contain names and digests, but no secrets",
            ),
        ],
        "AWS::Logs::LogGroup" => &[(
            "CKV_AWS_158",
            "CloudWatch Logs encrypts it with its own key; pgvigil creates no key for logs",
        )],
        "AWS::KMS::Key" => &[(
            "CKV_AWS_33",
            "the statement with the principal * applies to one role only: aws:PrincipalArn, kms:CallerAccount and \
             kms:ViaService limit it; KMS refuses a key that names a role which does not exist yet",
        )],
        _ => return None,
    };
    let skip: Value = reasons
        .iter()
        .map(|(id, reason)| json!({ "id": id, "comment": reason }))
        .collect();
    Some(json!({ "checkov": { "skip": skip } }))
}

/// Logical ids that a value refers to.
fn references(value: &Value) -> BTreeSet<&str> {
    match value {
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| match (key.as_str(), value) {
                ("Ref", Value::String(id)) => BTreeSet::from([id.as_str()]),
                ("Fn::GetAtt", Value::Array(path)) => {
                    path.first().and_then(Value::as_str).into_iter().collect()
                }
                _ => references(value),
            })
            .collect(),
        _ => BTreeSet::new(),
    }
}

/// The template's text: a line for each part and each resource. Indented further, the shipped rules would need a bucket.
fn text(template: &Value) -> String {
    let mut text = lines(template, &|part, value| match part {
        "Resources" => lines(value, &|_, resource| canonical(resource)),
        _ => canonical(value),
    });
    text.push('\n');
    text
}

/// A map with one line for each key, sorted.
fn lines(map: &Value, write: &dyn Fn(&str, &Value) -> String) -> String {
    let map: BTreeMap<&String, &Value> = map.as_object().into_iter().flatten().collect();
    let lines: Vec<String> = map
        .into_iter()
        .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), write(key, value)))
        .collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}

/// Tags as a list, sorted by key.
fn tags(value: &Value) -> Value {
    pairs(value, "Key")
}

/// A map as CloudFormation writes some: a list of pairs, sorted by key.
fn pairs(value: &Value, key: &str) -> Value {
    let map: BTreeMap<&String, &Value> = value.as_object().into_iter().flatten().collect();
    map.into_iter()
        .map(|(name, value)| json!({ key: name, "Value": value }))
        .collect()
}

/// Adds a property where the document says more than the default.
fn unless_null(properties: &mut Value, name: &str, value: Value) {
    if let (Some(properties), false) = (properties.as_object_mut(), value.is_null()) {
        properties.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
