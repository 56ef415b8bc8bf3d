//! The monitor: its role, the layer with its rules, the function, and who may start it.

use serde_json::{Value, json};

use super::super::export::{self, ExportFault, Fields};
use super::super::resources::{Document, Kind};
use super::{Template, tags, unless_null};

pub(super) fn role(template: &mut Template, document: &Document) -> Result<(), ExportFault> {
    let mut fields = Fields::of(document)?;
    let mut properties = json!({
        "RoleName": fields.take("name")?,
        "Description": fields.take("description")?,
        "Path": fields.take("path")?,
        "MaxSessionDuration": fields.take("max_session_seconds")?,
        "ManagedPolicyArns": fields.list("managed_policies")?,
        "AssumeRolePolicyDocument": fields.take("trust_policy")?,
        "Tags": tags(&fields.take("tags")?),
    });
    let boundary = fields.take("permissions_boundary")?;
    unless_null(&mut properties, "PermissionsBoundary", boundary);
    fields.finish()?;
    template.put(document, "AWS::IAM::Role", properties)
}

pub(super) fn role_policy(template: &mut Template, document: &Document) -> Result<(), ExportFault> {
    let mut fields = Fields::of(document)?;
    let role = fields.text("role")?;
    let properties = json!({
        "RoleName": template.referred(document, &role, Kind::IamRole, None),
        "PolicyName": fields.take("name")?,
        "PolicyDocument": fields.take("policy")?,
    });
    fields.finish()?;
    template.put(document, "AWS::IAM::RolePolicy", properties)
}

pub(super) fn layer(template: &mut Template, document: &Document) -> Result<(), ExportFault> {
    let (file, zip) = export::layer(document)?;
    let mut fields = Fields::of(document)?;
    // What the object holds, the digest in its key says.
    fields.take("rules")?;
    fields.take("code_sha256")?;
    let properties = json!({
        "LayerName": fields.take("name")?,
        "Description": fields.take("description")?,
        "Content": {
            "S3Bucket": { "Ref": "PackageBucket" },
            "S3Key": { "Fn::Join": ["", [{ "Ref": "PolicyPrefix" }, file]] },
        },
        "CompatibleRuntimes": fields.take("compatible_runtimes")?,
        "CompatibleArchitectures": fields.take("compatible_architectures")?,
    });
    fields.finish()?;
    template.layer = Some((file, zip));
    template.put(document, "AWS::Lambda::LayerVersion", properties)
}

/// The versions of layers that a function has: those of layers that the template publishes.
fn layers(
    template: &Template,
    document: &Document,
    layers: Vec<Value>,
) -> Result<Value, ExportFault> {
    let one = |layer: Value| {
        let needed = document
            .depends_on
            .iter()
            .filter_map(|address| template.known.get(address))
            .find(|needed| {
                needed.kind == Kind::PolicyLayer
                    && ["name", "code_sha256"]
                        .iter()
                        .all(|field| needed.properties.get(*field) == layer.get(*field))
            });
        match needed {
            Some(needed) => Ok(json!({ "Ref": template.id(needed) })),
            None => Err(ExportFault::Inexpressible {
                address: document.address.clone(),
                field: "layers".to_owned(),
                value: layer.to_string(),
            }),
        }
    };
    layers.into_iter().map(one).collect()
}

pub(super) fn function(template: &mut Template, document: &Document) -> Result<(), ExportFault> {
    let mut fields = Fields::of(document)?;
    let mut logging = fields.object("logging")?;
    let mut retries = fields.object("retries")?;
    let code = fields.take("code")?;
    template.package = match code.get("digest_of").and_then(Value::as_str) {
        Some(name) => Some(name.to_owned()),
        None => {
            return Err(ExportFault::Inexpressible {
                address: document.address.clone(),
                field: "code".to_owned(),
                value: code.to_string(),
            });
        }
    };
    let (role, group) = (fields.text("role")?, logging.text("log_group")?);
    let mut properties = json!({
        "FunctionName": fields.take("name")?,
        "Description": fields.take("description")?,
        "PackageType": fields.take("package_type")?,
        "Code": { "S3Bucket": { "Ref": "PackageBucket" }, "S3Key": { "Ref": "PackageKey" } },
        "Runtime": fields.take("runtime")?,
        "Handler": fields.take("handler")?,
        "Architectures": fields.take("architectures")?,
        "MemorySize": fields.take("memory_mb")?,
        "EphemeralStorage": { "Size": fields.take("ephemeral_storage_mb")? },
        "Timeout": fields.take("timeout_seconds")?,
        "Role": template.referred(document, &role, Kind::IamRole, Some("Arn")),
        "Environment": { "Variables": fields.take("environment")? },
        "Layers": layers(template, document, fields.list("layers")?)?,
        "TracingConfig": { "Mode": fields.take("tracing")? },
        "LoggingConfig": {
            "LogFormat": logging.take("format")?,
            "LogGroup": template.referred(document, &group, Kind::LogGroup, None),
        },
        "Tags": tags(&fields.take("tags")?),
    });
    let reserved = fields.take("reserved_concurrency")?;
    unless_null(&mut properties, "ReservedConcurrentExecutions", reserved);
    let attempts = retries.take("maximum_attempts")?;
    let age = retries.take("maximum_event_age_seconds")?;
    fields.must("vpc", &json!({ "security_groups": [], "subnets": [] }))?;
    fields.must("dead_letter", &Value::Null)?;
    fields.must("kms_key", &Value::Null)?;
    logging.finish()?;
    retries.finish()?;
    fields.finish()?;
    template.put(document, "AWS::Lambda::Function", properties)?;
    let id = template.id(document);
    template.put_as(
        document,
        format!("{id}Retries"),
        "AWS::Lambda::EventInvokeConfig",
        json!({
            "FunctionName": { "Ref": id },
            "Qualifier": "$LATEST",
            "MaximumRetryAttempts": attempts,
            "MaximumEventAgeInSeconds": age,
        }),
        &[],
    )
}

pub(super) fn permission(template: &mut Template, document: &Document) -> Result<(), ExportFault> {
    let mut fields = Fields::of(document)?;
    let (function, id) = (fields.text("function")?, fields.text("statement_id")?);
    template.left_out.push(format!(
        "The id {id} of the statement that allows the schedule to start the function: CloudFormation chooses its own."
    ));
    let properties = json!({
        "FunctionName": template.referred(document, &function, Kind::LambdaFunction, None),
        "Action": fields.take("action")?,
        "Principal": fields.take("principal")?,
        "SourceArn": fields.take("source_arn")?,
        "SourceAccount": fields.take("source_account")?,
    });
    fields.finish()?;
    template.put(document, "AWS::Lambda::Permission", properties)
}
