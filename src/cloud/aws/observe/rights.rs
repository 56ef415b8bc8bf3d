//! What IAM answers about calls that a role has yet to make.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{
    ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType,
};
use futures_util::future::try_join_all;

use crate::cloud::aws::connect::Inner;
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;
use crate::doctor::observation::{Decision, Request};

/// One question takes all actions on one resource with one context.
type Question<'a> = (&'a str, &'a BTreeMap<String, String>);

pub(super) async fn simulate(
    aws: &Inner,
    role_arn: &str,
    requests: &[Request],
) -> Result<Vec<Decision>, CloudError> {
    let mut questions: BTreeMap<Question<'_>, Vec<&str>> = BTreeMap::new();
    for request in requests {
        let question = (request.resource.as_str(), &request.context);
        let actions = questions.entry(question).or_default();
        actions.push(&request.action);
    }
    let asked = questions.into_iter().map(|(question, actions)| async move {
        let results = ask(aws, role_arn, question, &actions).await?;
        Ok::<_, CloudError>((question, results))
    });
    let answers: BTreeMap<Question<'_>, Vec<EvaluationResult>> =
        try_join_all(asked).await?.into_iter().collect();
    Ok(requests
        .iter()
        .filter_map(|request| {
            let question = (request.resource.as_str(), &request.context);
            let results = answers.get(&question)?;
            let result = results.iter().find(|result| {
                result
                    .eval_action_name()
                    .eq_ignore_ascii_case(&request.action)
            })?;
            Some(decision(request, result))
        })
        .collect())
}

fn decision(request: &Request, result: &EvaluationResult) -> Decision {
    let refused_by = if result
        .organizations_decision_detail()
        .is_some_and(|detail| !detail.allowed_by_organizations())
    {
        Some("the organisation refuses it")
    } else if result
        .permissions_boundary_decision_detail()
        .is_some_and(|detail| !detail.allowed_by_permissions_boundary())
    {
        Some("the role's boundary refuses it")
    } else {
        None
    };
    let answer = result.eval_decision();
    let is_allowed = *answer == PolicyEvaluationDecisionType::Allowed;
    Decision {
        request: request.clone(),
        allowed: is_allowed && refused_by.is_none(),
        answer: match refused_by {
            Some(who) => format!("{} ({who})", answer.as_str()),
            None => answer.as_str().to_owned(),
        },
    }
}

async fn ask(
    aws: &Inner,
    role_arn: &str,
    (resource, context): Question<'_>,
    actions: &[&str],
) -> Result<Vec<EvaluationResult>, CloudError> {
    let entries: Vec<ContextEntry> = context
        .iter()
        .map(|(key, value)| {
            ContextEntry::builder()
                .context_key_name(key)
                .context_key_type(ContextKeyTypeEnum::String)
                .context_key_values(value)
                .build()
        })
        .collect();
    let actions: Vec<String> = actions.iter().map(|action| (*action).to_owned()).collect();
    let mut results = Vec::new();
    let mut marker = None;
    loop {
        let page = aws
            .caller
            .make(Operation::SimulatePrincipalPolicy, role_arn, || {
                aws.roles
                    .simulate_principal_policy()
                    .policy_source_arn(role_arn)
                    .set_action_names(Some(actions.clone()))
                    .resource_arns(resource)
                    .set_context_entries(Some(entries.clone()))
                    .set_marker(marker.clone())
                    .send()
            })
            .await?;
        results.extend(page.evaluation_results.unwrap_or_default());
        marker = page.marker.filter(|_| page.is_truncated);
        if marker.is_none() {
            return Ok(results);
        }
    }
}
