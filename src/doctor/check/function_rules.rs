//! What the monitor's function judges by: the rules in its layer, and the digest that it compares them with.

use serde_json::Value;

use super::{Check, Context, Findings, Run, text};
use crate::compile::monitor_environment::RULES_DIGEST;
use crate::compile::resources::Kind;
use crate::doctor::diagnosis::Finding;
use crate::doctor::remedy::Remedy;
use crate::package::file_name;

pub(super) const RULES: Check = Check {
    id: "function-rules",
    group: "function",
    title: "the function applies the rules in the files",
    why: "with other rules it silences other records, and with a layer that does not match its digest it does not start",
    needs: &["function"],
    run: Run::Cluster(rules),
};

fn rules(context: &Context<'_>) -> Findings {
    let document = context.document(Kind::LambdaFunction)?;
    let live = context.live(document)?;
    let digest = |properties: &Value| -> Option<String> {
        text(properties.get("environment")?, RULES_DIGEST).map(str::to_owned)
    };
    let (live_digest, wanted_digest) = (digest(live), digest(&document.properties));
    let Some(live_digest) = live_digest else {
        let sentence =
            format!("`{RULES_DIGEST}` is missing: it runs an earlier engine, or nothing at all");
        return Ok(vec![Finding::fail(sentence, with_package(context))]);
    };
    let layers = |properties: &Value| -> Vec<Value> {
        let layers = properties.get("layers").and_then(Value::as_array);
        layers.into_iter().flatten().cloned().collect()
    };
    let (live_layers, wanted_layers) = (layers(live), layers(&document.properties));
    let is_of_files = Some(&live_digest) == wanted_digest.as_ref();
    let is_attached = wanted_layers
        .iter()
        .all(|layer| live_layers.contains(layer));
    let fail = |sentence: String| Finding::fail(sentence, context.subject.apply());
    let mut findings = Vec::new();
    let shown = short(&live_digest);
    match (is_attached, is_of_files) {
        (true, true) => {}
        (false, _) if !live_layers.iter().any(is_layer_with_rules) => findings.push(fail(
            "no layer with rules is attached: each run fails when it starts".to_owned(),
        )),
        (false, false) => findings.push(fail(format!(
            "its rules differ from those that the files declare: {shown}"
        ))),
        _ => findings.push(fail(format!(
            "the layer's rules do not match `{RULES_DIGEST}`, {shown}: each run fails when it starts"
        ))),
    }
    for layer in live_layers
        .iter()
        .filter(|layer| !is_layer_with_rules(layer))
    {
        let name = layer.as_str().unwrap_or_default();
        findings.push(
            fail(
                "a layer that no file declares is attached: it can replace what the function reads"
                    .to_owned(),
            )
            .about(name),
        );
    }
    if findings.is_empty() {
        findings.push(Finding::ok(format!("its layer has the rules {shown}")));
    }
    Ok(findings)
}

/// Layers of ours stand there by what they hold, others by their ARNs.
fn is_layer_with_rules(layer: &Value) -> bool {
    layer.is_object()
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// Another engine is other code: an apply needs the package.
fn with_package(context: &Context<'_>) -> Remedy {
    let environment = &context.subject.environment;
    let package = file_name(environment.monitor.architecture);
    Remedy::mend(&[
        "pgvigil",
        "apply",
        "--env",
        &environment.name,
        "--package",
        &package,
    ])
}
