//! The monitor: its role, the layer with its rules, the function, and who may start it.

use serde_json::{Value, json};

use super::super::export::{self, ExportFault, Fields};
use super::super::resources::{Document, Kind};
use super::import::Id;
use super::literal::{self, literal};
use super::{Block, Module, block, object};

pub(super) fn role(document: &Document) -> Result<Vec<Block>, ExportFault> {
    let mut fields = Fields::of(document)?;
    let name = literal(&fields.take("name")?);
    let mut arguments = json!({
        "name": name,
        "description": literal(&fields.take("description")?),
        "path": literal(&fields.take("path")?),
        "max_session_duration": fields.take("max_session_seconds")?,
        "assume_role_policy": literal::document(&fields.take("trust_policy")?),
        "tags": literal(&fields.take("tags")?),
    });
    let boundary = fields.take("permissions_boundary")?;
    if let (Some(arguments), false) = (arguments.as_object_mut(), boundary.is_null()) {
        arguments.insert("permissions_boundary".to_owned(), literal(&boundary));
    }
    let managed = literal(&Value::Array(fields.list("managed_policies")?));
    fields.finish()?;
    Ok(vec![
        block(document.kind, arguments, Id::known(&document.name)),
        // Also that there is none: a policy that somebody attaches by hand is a change.
        Block {
            of_type: "aws_iam_role_policy_attachments_exclusive",
            arguments: object(json!({ "role_name": name, "policy_arns": managed })),
            import: Id::known(&document.name),
        },
    ])
}

pub(super) fn role_policy(module: &Module, document: &Document) -> Result<Vec<Block>, ExportFault> {
    let mut fields = Fields::of(document)?;
    let (role, name) = (fields.text("role")?, fields.text("name")?);
    let arguments = json!({
        "role": module.referred(document, &role, Kind::IamRole, "name"),
        "name": literal(&json!(name)),
        "policy": literal::document(&fields.take("policy")?),
    });
    fields.finish()?;
    let id = Id::known(&format!("{role}:{name}"));
    Ok(vec![block(document.kind, arguments, id)])
}

pub(super) fn layer(module: &mut Module, document: &Document) -> Result<Vec<Block>, ExportFault> {
    let (file, zip) = export::layer(document)?;
    let path = format!("${{path.module}}/{file}");
    let mut fields = Fields::of(document)?;
    // What the file holds, the digest in its name says.
    fields.take("rules")?;
    fields.take("code_sha256")?;
    let arguments = json!({
        "layer_name": literal(&fields.take("name")?),
        "description": literal(&fields.take("description")?),
        "filename": path,
        "source_code_hash": format!("${{filebase64sha256(\"{path}\")}}"),
        "compatible_runtimes": fields.take("compatible_runtimes")?,
        "compatible_architectures": fields.take("compatible_architectures")?,
        // Functions are told of the new version before the old one goes.
        "lifecycle": { "create_before_destroy": true },
    });
    fields.finish()?;
    module.layer = Some((file, zip));
    Ok(vec![block(document.kind, arguments, Id::Never)])
}

pub(super) fn function(
    module: &mut Module,
    document: &Document,
) -> Result<Vec<Block>, ExportFault> {
    let mut fields = Fields::of(document)?;
    let mut logging = fields.object("logging")?;
    let mut retries = fields.object("retries")?;
    let name = literal(&fields.take("name")?);
    let architectures = fields.take("architectures")?;
    module.package(document, &fields.take("code")?)?;
    // The provider's word for none (`aws_lambda_function`, `reserved_concurrent_executions`).
    let reserved = match fields.take("reserved_concurrency")? {
        Value::Null => json!(-1),
        runs => runs,
    };
    let arguments = json!({
        "function_name": name,
        "description": literal(&fields.take("description")?),
        "package_type": fields.take("package_type")?,
        "filename": "${var.package}",
        "source_code_hash": "${filebase64sha256(var.package)}",
        "runtime": fields.take("runtime")?,
        "handler": literal(&fields.take("handler")?),
        "architectures": architectures,
        "memory_size": fields.take("memory_mb")?,
        "ephemeral_storage": { "size": fields.take("ephemeral_storage_mb")? },
        "timeout": fields.take("timeout_seconds")?,
        "reserved_concurrent_executions": reserved,
        "role": module.referred(document, &fields.text("role")?, Kind::IamRole, "arn"),
        "environment": { "variables": literal(&fields.take("environment")?) },
        "layers": module.layers(document, fields.list("layers")?)?,
        "tracing_config": { "mode": fields.take("tracing")? },
        "logging_config": {
            "log_format": logging.take("format")?,
            "log_group": module.referred(document, &logging.text("log_group")?, Kind::LogGroup, "name"),
        },
        "tags": literal(&fields.take("tags")?),
    });
    let retries_arguments = json!({
        "function_name": name,
        "maximum_retry_attempts": retries.take("maximum_attempts")?,
        "maximum_event_age_in_seconds": retries.take("maximum_event_age_seconds")?,
    });
    fields.must("vpc", &json!({ "security_groups": [], "subnets": [] }))?;
    fields.must("dead_letter", &Value::Null)?;
    fields.must("kms_key", &Value::Null)?;
    logging.finish()?;
    retries.finish()?;
    fields.finish()?;
    Ok(vec![
        block(document.kind, arguments, Id::known(&document.name)),
        Block {
            of_type: "aws_lambda_function_event_invoke_config",
            arguments: object(retries_arguments),
            import: Id::known(&document.name),
        },
    ])
}

impl Module {
    /// The versions of layers that a function has: those of layers that the module publishes.
    fn layers(&self, document: &Document, layers: Vec<Value>) -> Result<Value, ExportFault> {
        let one = |layer: Value| {
            let needed = document
                .depends_on
                .iter()
                .filter_map(|address| self.known.get(address))
                .any(|needed| {
                    needed.kind == Kind::PolicyLayer
                        && ["name", "code_sha256"]
                            .iter()
                            .all(|field| needed.properties.get(*field) == layer.get(*field))
                });
            let reference = self.reference(document, Kind::PolicyLayer, "arn");
            match reference {
                Some(reference) if needed => Ok(json!(reference)),
                _ => Err(ExportFault::Inexpressible {
                    address: document.address.clone(),
                    field: "layers".to_owned(),
                    value: layer.to_string(),
                }),
            }
        };
        layers.into_iter().map(one).collect()
    }

    /// Remembers which package the variable stands for. An environment has one.
    fn package(&mut self, document: &Document, code: &Value) -> Result<(), ExportFault> {
        let name = code.get("digest_of").and_then(Value::as_str);
        match (name, &self.package) {
            (Some(name), None) => self.package = Some(name.to_owned()),
            (Some(name), Some(known)) if name == known => {}
            _ => {
                return Err(ExportFault::Inexpressible {
                    address: document.address.clone(),
                    field: "code".to_owned(),
                    value: code.to_string(),
                });
            }
        }
        Ok(())
    }
}

pub(super) fn permission(module: &Module, document: &Document) -> Result<Vec<Block>, ExportFault> {
    let mut fields = Fields::of(document)?;
    let (function, id) = (fields.text("function")?, fields.text("statement_id")?);
    let arguments = json!({
        "function_name": module.referred(document, &function, Kind::LambdaFunction, "function_name"),
        "statement_id": literal(&json!(id)),
        "action": fields.take("action")?,
        "principal": fields.take("principal")?,
        "source_arn": literal(&fields.take("source_arn")?),
        "source_account": literal(&fields.take("source_account")?),
    });
    fields.finish()?;
    let id = Id::known(&format!("{function}/{id}"));
    Ok(vec![block(document.kind, arguments, id)])
}
