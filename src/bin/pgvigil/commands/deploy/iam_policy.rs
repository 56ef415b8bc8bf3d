//! `iam-policy`: the minimum permissions that a role needs.

use pgvigil::compile;
use pgvigil::deploy::document::{Kind, pretty};
use pgvigil::deploy::permission::{Purpose, policy};
use pgvigil::policy::model::Provider;

use crate::args::{IamPolicyArgs, RoleArg};
use crate::exit::{Exit, Ran};
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &IamPolicyArgs) -> Ran {
    let loaded = session.sound()?;
    let environment = session.environment(&loaded, &args.env)?;
    if environment.provider == Provider::Local {
        session.say(&format!(
            "error: the environment `{}` is a folder on this machine, which has no IAM policies",
            args.env
        ));
        return Ok(Exit::Usage);
    }
    let purpose = match args.role {
        RoleArg::Plan => Purpose::Plan,
        RoleArg::Blame => Purpose::Blame,
        RoleArg::Apply => Purpose::Apply,
        RoleArg::Doctor => Purpose::Doctor,
        RoleArg::Canary => Purpose::Canary,
        RoleArg::Adopt => Purpose::Adopt,
        RoleArg::Retire => Purpose::Retire,
        RoleArg::Prove => Purpose::Prove,
        RoleArg::Report => Purpose::Report,
        RoleArg::Monitor => {
            // What is deployed, and nothing that could differ from it.
            let documents = compile::compile(&loaded, environment, session.today()).documents;
            let policies: serde_json::Map<String, serde_json::Value> = documents
                .into_iter()
                .filter(|document| document.kind == Kind::IamRolePolicy)
                .map(|document| {
                    let cluster = document.address.split('/').next().unwrap_or_default();
                    (
                        cluster.to_owned(),
                        document
                            .properties
                            .get("policy")
                            .cloned()
                            .unwrap_or_default(),
                    )
                })
                .collect();
            session.show(&pretty(&policies.into()))?;
            return Ok(Exit::Clean);
        }
    };
    session.show(&pretty(&policy(environment, purpose)))?;
    Ok(Exit::Clean)
}
