//! An environment as a root module of Terraform, in JSON syntax, and the layer with its rules beside it.
//!
//! One file for all clusters, since a state belongs to an account and a region. What a fleet needs beside it (a
//! backend, its own tags) stands in files of its own in the same folder.
//!
//! **Order.** Each resource depends on what its document depends on, so that nothing watches before the way to
//! people stands, and the schedule comes last.
//!
//! **The cluster's own log group** belongs to RDS and holds the evidence. Its `import` block always stands: Terraform
//! takes the group over where it is and fails where it is not, so it never makes one. `prevent_destroy` refuses a
//! plan that would delete it; `skip_destroy` lets go of it without deleting when somebody removes its block, which
//! `prevent_destroy` cannot see.
//!
//! **Taking over** what `pgvigil apply` made is asked for by a variable, since an `import` block of what does not
//! exist is an error: `take_over`. Ids that no data source knows come in `import_ids`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::export::{
    ExportFault, ExportFile, cluster, is_retained, kind_at, label, location, tail,
};
use super::resources::{Document, Kind, Location, Ownership, pretty};
use crate::policy::model::{Engine, Environment};

mod alerts;
mod function;
mod import;
mod literal;
mod watch;

use literal::literal;

/// The folder of the module below the environment's.
pub const FOLDER: &str = "terraform";

/// The module's only file that Terraform reads by itself.
pub const FILE: &str = "main.tf.json";

/// `import` blocks with `for_each` came with 1.7: <https://developer.hashicorp.com/terraform/language/import>
const TERRAFORM: &str = ">= 1.7.0";

/// The generation of the provider that the export was tried with: 5.100.0. The next one renames arguments.
const PROVIDER: &str = ">= 5.100.0, < 6.0.0";

/// The provider of what CloudFormation knows and `hashicorp/aws` lacks: log alarms
/// (<https://github.com/hashicorp/terraform-provider-aws/issues/48764>). It was not tried here.
const CLOUD_CONTROL: &str = ">= 1.0.0, < 2.0.0";

/// One resource of a module: type, name, arguments.
#[derive(Debug)]
struct Block {
    of_type: &'static str,
    arguments: Map<String, Value>,
    import: import::Id,
}

/// The module of an environment, `ENV/terraform/main.tf.json`, and behind it the file that its layer is made of.
pub fn terraform(
    environment: &Environment,
    documents: &[Document],
) -> Result<Vec<ExportFile>, ExportFault> {
    let at = location(environment)?;
    let mut module = Module::of(at, documents);
    for document in documents {
        module.add(document)?;
    }
    let mut variables = Map::new();
    if let Some(package) = &module.package {
        variables.insert(
            "package".to_owned(),
            json!({
                "type": "string",
                "description": format!("Path of the package {package}, a zip file"),
            }),
        );
    }
    variables.insert(
        "take_over".to_owned(),
        json!({
            "type": "bool",
            "default": false,
            "description": "Import the resources that `pgvigil apply` created before. Leave it off if nothing was applied",
        }),
    );
    variables.insert(
        "import_ids".to_owned(),
        json!({
            "type": "map(string)",
            "default": {},
            "description": "Import ids that no data source provides, by address of the resource: ARNs of subscriptions and of saved queries",
        }),
    );
    for (variable, description) in &module.secrets {
        variables.insert(
            variable.clone(),
            json!({ "type": "string", "sensitive": true, "description": description }),
        );
    }
    let mut providers = json!({ "aws": { "source": "hashicorp/aws", "version": PROVIDER } });
    let mut settings = json!({ "aws": {
        "region": module.at.region,
        "allowed_account_ids": [module.at.account],
        "ignore_tags": { "key_prefixes": ["pgvigil:applied"] },
    } });
    if environment.engine == Engine::LogAlarm {
        let add = |to: &mut Value, value: Value| {
            if let Some(to) = to.as_object_mut() {
                to.insert("awscc".to_owned(), value);
            }
        };
        let source = json!({ "source": "hashicorp/awscc", "version": CLOUD_CONTROL });
        add(&mut providers, source);
        add(&mut settings, json!({ "region": module.at.region }));
    }
    let mut root = json!({
        "//": format!("Compiled by pgvigil from the policy of {}: edit the policy, not this file", environment.name),
        "terraform": {
            "required_version": TERRAFORM,
            "required_providers": providers,
        },
        "provider": settings,
        "variable": variables,
        "resource": module.resources,
        "import": module.imports,
    });
    if let (Some(root), false) = (root.as_object_mut(), module.data.is_empty()) {
        root.insert("data".to_owned(), json!({ "aws_kms_alias": module.data }));
    }
    let at = |name: &str| format!("{}/{FOLDER}/{name}", environment.name);
    let mut files = vec![ExportFile {
        path: at(FILE),
        bytes: pretty(&root).into_bytes(),
    }];
    files.extend(module.layer.map(|(name, bytes)| ExportFile {
        path: at(&name),
        bytes,
    }));
    Ok(files)
}

/// A module that grows.
#[derive(Debug)]
struct Module {
    at: Location,
    known: BTreeMap<String, Document>,
    /// The name that most resources of a cluster share, by cluster.
    shared: BTreeMap<String, String>,
    /// By type, then by label.
    resources: BTreeMap<&'static str, BTreeMap<String, Value>>,
    imports: Vec<Value>,
    /// Aliases that lead to the id of a key, by label.
    data: BTreeMap<String, Value>,
    /// Variables that hold secrets, with their descriptions.
    secrets: BTreeMap<String, String>,
    /// The package that every function of the environment runs.
    package: Option<String>,
    /// The file of the layer that every function of the environment has: its name and contents.
    layer: Option<(String, Vec<u8>)>,
}

impl Module {
    fn of(at: Location, documents: &[Document]) -> Self {
        let mut module = Self {
            at,
            known: BTreeMap::new(),
            shared: BTreeMap::new(),
            resources: BTreeMap::new(),
            imports: Vec::new(),
            data: BTreeMap::new(),
            secrets: BTreeMap::new(),
            package: None,
            layer: None,
        };
        for document in documents {
            // One of the resources that bear the shared name, in either engine.
            if document.kind == Kind::KmsKey {
                let name = document.name.clone();
                module.shared.insert(cluster(document).to_owned(), name);
            }
            module
                .known
                .insert(document.address.clone(), document.clone());
        }
        module
    }

    fn add(&mut self, document: &Document) -> Result<(), ExportFault> {
        let blocks = match document.kind {
            Kind::LogGroup => watch::log_group(document),
            Kind::KmsKey => alerts::key(self, document),
            Kind::KmsAlias => alerts::alias(self, document),
            Kind::SnsTopic => alerts::topic(self, document),
            Kind::SnsSubscription => alerts::subscription(self, document),
            Kind::IamRole => function::role(document),
            Kind::IamRolePolicy => function::role_policy(self, document),
            Kind::PolicyLayer => function::layer(self, document),
            Kind::LambdaFunction => function::function(self, document),
            Kind::Alarm => alerts::alarm(self, document),
            Kind::LogAlarm => alerts::log_alarm(self, document),
            Kind::Dashboard => watch::dashboard(document),
            Kind::SavedQuery => watch::saved_query(self, document),
            Kind::LambdaPermission => function::permission(self, document),
            Kind::EventRule => watch::rule(document),
            Kind::EventTarget => watch::target(self, document),
        }?;
        let label = self.label(document);
        let mut depends_on = self.depends_on(document);
        for (index, mut block) in blocks.into_iter().enumerate() {
            if index == 0 && is_retained(document.kind) {
                let lifecycle = block
                    .arguments
                    .entry("lifecycle")
                    .or_insert_with(|| json!({}));
                if let Some(lifecycle) = lifecycle.as_object_mut() {
                    lifecycle.insert("prevent_destroy".to_owned(), json!(true));
                }
            }
            if !depends_on.is_empty() {
                block
                    .arguments
                    .insert("depends_on".to_owned(), json!(depends_on));
            }
            let address = format!("{}.{label}", block.of_type);
            let adopted = document.ownership == Ownership::Adopted;
            self.imports.extend(block.import.block(&address, adopted));
            if let Some(note) = block.import.note() {
                block.arguments.insert("//".to_owned(), json!(note));
            }
            let of_type = self.resources.entry(block.of_type).or_default();
            let taken = of_type.insert(label.clone(), Value::Object(block.arguments));
            if taken.is_some() {
                return Err(ExportFault::SameLabel {
                    address: document.address.clone(),
                    label: address,
                });
            }
            // What belongs to a resource stands after it.
            if index == 0 {
                depends_on = vec![address];
            }
        }
        Ok(())
    }

    /// `CLUSTER`, and what tells the document from others of its kind.
    fn label(&self, document: &Document) -> String {
        let of = cluster(document);
        let own = || {
            let shared = self.shared.get(of).map(String::as_str);
            tail(document, shared.unwrap_or_default())
        };
        let part = match (document.kind, document.ownership) {
            (Kind::LogGroup, Ownership::Adopted) => "database",
            (Kind::LogGroup, Ownership::Owned) => "monitor",
            (Kind::Alarm | Kind::LogAlarm | Kind::SnsSubscription, _) => own(),
            (Kind::SavedQuery, _) => match own() {
                "" => return label(of),
                what => what,
            },
            // One for all clusters.
            (Kind::PolicyLayer, _) => return "policy".to_owned(),
            _ => return label(of),
        };
        format!("{}_{}", label(of), label(part))
    }

    fn depends_on(&self, document: &Document) -> Vec<String> {
        let addresses: BTreeSet<String> = document
            .depends_on
            .iter()
            .filter_map(|address| self.known.get(address))
            .map(|needed| format!("{}.{}", type_of(needed.kind), self.label(needed)))
            .collect();
        addresses.into_iter().collect()
    }

    /// An expression for an attribute of the resource that the document depends on.
    fn reference(&self, document: &Document, kind: Kind, attribute: &str) -> Option<String> {
        let needed = document
            .depends_on
            .iter()
            .filter(|address| kind_at(address) == Some(kind))
            .find_map(|address| self.known.get(address))?;
        Some(format!(
            "${{{}.{}.{attribute}}}",
            type_of(kind),
            self.label(needed)
        ))
    }

    /// The same where the document's own text names that resource: by its name, or by an ARN that ends with it.
    /// A text that names another is kept.
    fn referred(&self, document: &Document, text: &str, kind: Kind, attribute: &str) -> Value {
        let is_named = document
            .depends_on
            .iter()
            .filter(|address| kind_at(address) == Some(kind))
            .filter_map(|address| self.known.get(address))
            .next()
            .is_some_and(|needed| {
                text == needed.name
                    || text
                        .strip_suffix(needed.name.as_str())
                        .is_some_and(|start| {
                            start.starts_with("arn:") && start.ends_with([':', '/'])
                        })
            });
        match self.reference(document, kind, attribute) {
            Some(reference) if is_named => json!(reference),
            _ => literal(&json!(text)),
        }
    }
}

/// The provider's word for a kind.
fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::LogGroup => "aws_cloudwatch_log_group",
        Kind::KmsKey => "aws_kms_key",
        Kind::KmsAlias => "aws_kms_alias",
        Kind::SnsTopic => "aws_sns_topic",
        Kind::SnsSubscription => "aws_sns_topic_subscription",
        Kind::IamRole => "aws_iam_role",
        Kind::IamRolePolicy => "aws_iam_role_policy",
        Kind::PolicyLayer => "aws_lambda_layer_version",
        Kind::LambdaFunction => "aws_lambda_function",
        Kind::Alarm => "aws_cloudwatch_metric_alarm",
        Kind::LogAlarm => "awscc_cloudwatch_log_alarm",
        Kind::Dashboard => "aws_cloudwatch_dashboard",
        Kind::SavedQuery => "aws_cloudwatch_query_definition",
        Kind::LambdaPermission => "aws_lambda_permission",
        Kind::EventRule => "aws_cloudwatch_event_rule",
        Kind::EventTarget => "aws_cloudwatch_event_target",
    }
}

/// The first block of a document.
fn block(kind: Kind, arguments: Value, import: import::Id) -> Block {
    Block {
        of_type: type_of(kind),
        arguments: object(arguments),
        import,
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
