//! What may be asked of AWS: one table of operations. The adapter refuses a call that is not in it for its purpose,
//! and the least-privilege policies are printed from it.
//!
//! Actions and what they can be limited to are from the Service Authorization Reference; rates from the services'
//! pages of quotas, halved, since others in the account need room too.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::former;
use crate::compile::name::PREFIX;
use crate::compile::resources::{Location, event_bus_arn};
use crate::policy::model::{Cluster, ClusterKind, Engine, Environment, Notification, Secret};

/// What somebody is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// `plan` and `drift`: compares. Never writes.
    Plan,
    /// `drift --blame`: asks besides who changed something.
    Blame,
    /// `doctor`: looks for what fails silently. Never writes.
    Doctor,
    /// `doctor --canary`: proves the way of an alert, with a metric and an alarm of its own.
    Canary,
    /// `apply` and `destroy`.
    Apply,
    /// `adopt`: looks for stacks that others made. Never writes.
    Adopt,
    /// `init --import-clusters`: lists what an account has. Never writes.
    Begin,
    /// `adopt --retire`: disables and deletes such a stack, and nothing of pgvigil's.
    Retire,
    /// `prove`: asks the services themselves, in log groups and with an alarm of its own.
    Prove,
    /// `report --save-records`: reads what monitors wrote into their logs. Never writes.
    Report,
}

impl Purpose {
    /// Purposes whose calls this one makes too.
    fn includes(self) -> &'static [Self] {
        match self {
            Self::Plan => &[Self::Plan],
            Self::Begin => &[Self::Begin],
            Self::Blame => &[Self::Plan, Self::Blame],
            Self::Doctor => &[Self::Plan, Self::Doctor],
            Self::Canary => &[Self::Plan, Self::Doctor, Self::Canary],
            Self::Apply => &[Self::Plan, Self::Apply],
            Self::Adopt => &[Self::Plan, Self::Adopt],
            Self::Retire => &[Self::Plan, Self::Adopt, Self::Retire],
            Self::Prove => &[Self::Prove],
            Self::Report => &[Self::Report],
        }
    }

    /// Says whether a call is made for this purpose.
    pub fn allows(self, operation: Operation) -> bool {
        operation
            .row()
            .purposes
            .iter()
            .any(|purpose| self.includes().contains(purpose))
    }
}

/// What an operation is about: what a policy can limit its action to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    /// IAM cannot limit it, or the operation lists.
    Everything,
    /// Log groups of watched clusters.
    ClusterLogGroups,
    /// Log groups of monitors.
    MonitorLogGroups,
    LogGroups,
    /// Log groups that a proof makes and takes away.
    ProofLogGroups,
    Functions,
    /// Layers with the rules of monitors, and their versions.
    Layers,
    /// Roles of monitors and of log alarms.
    Roles,
    /// The same roles, for what gives them rights: only with the environment's permissions boundary, where it has one.
    BoundRoles,
    /// Roles, handed to the service of the engine and to nothing else.
    PassedRoles,
    Topics,
    /// Keys that bear our tag.
    Keys,
    /// A key that is made with our tag.
    NewKeys,
    Aliases,
    Alarms,
    Dashboards,
    Rules,
    /// The bus that gets the monitor's events, where the environment has one.
    EventBuses,
    /// Watched clusters and instances.
    Databases,
    /// Secrets that the environment refers to.
    Secrets,
    /// The environment's metric namespace.
    Namespace,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The service, as its SDK names it.
    pub service: &'static str,
    /// The operation, as its service names it.
    pub name: &'static str,
    /// IAM actions that it needs.
    pub actions: &'static [&'static str],
    pub writes: bool,
    /// What it is about.
    pub on: On,
    /// Calls in a second, at most.
    pub rate: u32,
    pub purposes: &'static [Purpose],
}

macro_rules! operations {
    ($($service:literal { $($id:ident $access:ident $on:ident $rate:literal for $($purpose:ident),+ needs $($action:literal),*;)+ })+) => {
        /// An operation of AWS that pgvigil asks for. There is no other.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation { $($($id,)+)+ }

        impl Operation {
            pub const ALL: &[Self] = &[$($(Self::$id,)+)+];

            /// Its line of the table.
            pub fn row(self) -> Row {
                match self {
                    $($(Self::$id => Row {
                        service: $service,
                        name: stringify!($id),
                        actions: &[$($action),*],
                        writes: operations!(@writes $access),
                        on: On::$on,
                        rate: $rate,
                        purposes: &[$(Purpose::$purpose),+],
                    },)+)+
                }
            }
        }
    };
    (@writes reads) => { false };
    (@writes writes) => { true };
}

operations! {
    "STS" {
        GetCallerIdentity reads Everything 50 for Plan, Begin, Prove, Report needs;
    }
    "CloudWatch Logs" {
        DescribeLogGroups reads Everything 5 for Plan, Prove needs "logs:DescribeLogGroups";
        ListTagsForResource reads MonitorLogGroups 5 for Plan, Prove needs "logs:ListTagsForResource";
        GetDataProtectionPolicy reads Everything 5 for Plan needs "logs:GetDataProtectionPolicy";
        GetTransformer reads Everything 5 for Plan needs "logs:GetTransformer";
        DescribeAccountPolicies reads Everything 5 for Plan needs "logs:DescribeAccountPolicies", "logs:GetDataProtectionPolicy", "logs:GetTransformer";
        DescribeQueryDefinitions reads Everything 5 for Plan needs "logs:DescribeQueryDefinitions";
        DescribeLogStreams reads LogGroups 5 for Doctor needs "logs:DescribeLogStreams";
        CreateLogGroup writes MonitorLogGroups 5 for Apply, Prove needs "logs:CreateLogGroup", "logs:TagResource";
        PutLogGroupDeletionProtection writes ClusterLogGroups 5 for Apply needs "logs:PutLogGroupDeletionProtection";
        PutRetentionPolicy writes LogGroups 5 for Apply, Prove needs "logs:PutRetentionPolicy";
        TagLogGroup writes MonitorLogGroups 5 for Apply needs "logs:TagResource";
        UntagLogGroup writes MonitorLogGroups 5 for Apply needs "logs:UntagResource";
        PutQueryDefinition writes Everything 5 for Apply needs "logs:PutQueryDefinition";
        DeleteQueryDefinition writes Everything 5 for Apply needs "logs:DeleteQueryDefinition";
        FilterLogEvents reads MonitorLogGroups 5 for Report needs "logs:FilterLogEvents";
        CreateLogStream writes ProofLogGroups 25 for Prove needs "logs:CreateLogStream";
        PutLogEvents writes ProofLogGroups 5 for Prove needs "logs:PutLogEvents";
        GetLogEvents reads ProofLogGroups 5 for Prove needs "logs:GetLogEvents";
        StartQuery reads ProofLogGroups 5 for Prove needs "logs:StartQuery";
        GetQueryResults reads Everything 5 for Prove needs "logs:GetQueryResults";
        StopQuery reads Everything 5 for Prove needs "logs:StopQuery";
        DeleteLogGroup writes ProofLogGroups 5 for Prove needs "logs:DeleteLogGroup";
    }
    "KMS" {
        DescribeKey reads Keys 50 for Plan needs "kms:DescribeKey";
        GetKeyPolicy reads Keys 50 for Plan needs "kms:GetKeyPolicy";
        GetKeyRotationStatus reads Keys 50 for Plan needs "kms:GetKeyRotationStatus";
        ListResourceTags reads Keys 50 for Plan needs "kms:ListResourceTags";
        ListGrants reads Keys 50 for Plan needs "kms:ListGrants";
        ListKeys reads Everything 20 for Apply needs "kms:ListKeys";
        ListAliases reads Everything 20 for Apply, Adopt needs "kms:ListAliases";
        CreateKey writes NewKeys 2 for Apply needs "kms:CreateKey", "kms:TagResource";
        PutKeyPolicy writes Keys 5 for Apply needs "kms:PutKeyPolicy";
        EnableKey writes Keys 5 for Apply needs "kms:EnableKey";
        EnableKeyRotation writes Keys 5 for Apply needs "kms:EnableKeyRotation";
        UpdateKeyDescription writes Keys 5 for Apply needs "kms:UpdateKeyDescription";
        TagKey writes Keys 5 for Apply needs "kms:TagResource";
        UntagKey writes Keys 5 for Apply needs "kms:UntagResource";
        RevokeGrant writes Keys 5 for Apply needs "kms:RevokeGrant";
        CancelKeyDeletion writes Keys 5 for Apply needs "kms:CancelKeyDeletion";
        ScheduleKeyDeletion writes Keys 5 for Apply needs "kms:ScheduleKeyDeletion";
        CreateAlias writes Aliases 5 for Apply needs "kms:CreateAlias";
        UpdateAlias writes Aliases 5 for Apply needs "kms:UpdateAlias";
        DeleteAlias writes Aliases 5 for Apply needs "kms:DeleteAlias";
    }
    "SNS" {
        GetTopicAttributes reads Topics 15 for Plan needs "sns:GetTopicAttributes";
        ListTagsForTopic reads Topics 5 for Plan needs "sns:ListTagsForResource";
        ListSubscriptionsByTopic reads Topics 15 for Plan needs "sns:ListSubscriptionsByTopic";
        GetSubscriptionAttributes reads Topics 15 for Plan needs "sns:GetSubscriptionAttributes";
        CreateTopic writes Topics 15 for Apply needs "sns:CreateTopic", "sns:TagResource";
        SetTopicAttributes writes Topics 5 for Apply needs "sns:SetTopicAttributes";
        TagTopic writes Topics 5 for Apply needs "sns:TagResource";
        UntagTopic writes Topics 5 for Apply needs "sns:UntagResource";
        Subscribe writes Topics 15 for Apply needs "sns:Subscribe";
        Unsubscribe writes Topics 15 for Apply needs "sns:Unsubscribe";
        SetSubscriptionAttributes writes Topics 5 for Apply needs "sns:SetSubscriptionAttributes";
        DeleteTopic writes Topics 5 for Apply needs "sns:DeleteTopic";
    }
    "IAM" {
        GetRole reads Roles 10 for Plan needs "iam:GetRole";
        ListRolePolicies reads Roles 10 for Plan needs "iam:ListRolePolicies";
        GetRolePolicy reads Roles 10 for Plan needs "iam:GetRolePolicy";
        ListAttachedRolePolicies reads Roles 10 for Plan needs "iam:ListAttachedRolePolicies";
        SimulatePrincipalPolicy reads Roles 5 for Doctor needs "iam:SimulatePrincipalPolicy";
        CreateRole writes BoundRoles 5 for Apply needs "iam:CreateRole";
        UpdateRole writes Roles 5 for Apply needs "iam:UpdateRole";
        UpdateAssumeRolePolicy writes Roles 5 for Apply needs "iam:UpdateAssumeRolePolicy";
        DetachRolePolicy writes Roles 5 for Apply, Retire needs "iam:DetachRolePolicy";
        PutRolePermissionsBoundary writes BoundRoles 5 for Apply needs "iam:PutRolePermissionsBoundary";
        DeleteRolePermissionsBoundary writes Roles 5 for Apply needs "iam:DeleteRolePermissionsBoundary";
        PutRolePolicy writes BoundRoles 5 for Apply needs "iam:PutRolePolicy";
        DeleteRolePolicy writes Roles 5 for Apply, Retire needs "iam:DeleteRolePolicy";
        TagRole writes Roles 5 for Apply needs "iam:TagRole";
        UntagRole writes Roles 5 for Apply needs "iam:UntagRole";
        DeleteRole writes Roles 5 for Apply, Retire needs "iam:DeleteRole";
    }
    "Lambda" {
        GetFunctionConfiguration reads Functions 50 for Plan needs "lambda:GetFunctionConfiguration";
        GetFunctionConcurrency reads Functions 50 for Plan needs "lambda:GetFunctionConcurrency";
        ListTags reads Functions 7 for Plan needs "lambda:ListTags";
        GetAccountSettings reads Everything 7 for Plan needs "lambda:GetAccountSettings";
        ListFunctions reads Everything 10 for Adopt needs "lambda:ListFunctions";
        GetPolicy reads Functions 7 for Plan needs "lambda:GetPolicy";
        GetFunctionEventInvokeConfig reads Functions 7 for Plan needs "lambda:GetFunctionEventInvokeConfig";
        ListLayerVersions reads Everything 7 for Plan needs "lambda:ListLayerVersions";
        GetLayerVersion reads Layers 7 for Plan needs "lambda:GetLayerVersion";
        PublishLayerVersion writes Layers 7 for Apply needs "lambda:PublishLayerVersion";
        DeleteLayerVersion writes Layers 7 for Apply needs "lambda:DeleteLayerVersion";
        CreateFunction writes Functions 7 for Apply needs "lambda:CreateFunction", "lambda:TagResource";
        UpdateFunctionCode writes Functions 7 for Apply needs "lambda:UpdateFunctionCode";
        UpdateFunctionConfiguration writes Functions 7 for Apply needs "lambda:UpdateFunctionConfiguration";
        PutFunctionConcurrency writes Functions 7 for Apply needs "lambda:PutFunctionConcurrency";
        DeleteFunctionConcurrency writes Functions 7 for Apply needs "lambda:DeleteFunctionConcurrency";
        PutFunctionEventInvokeConfig writes Functions 7 for Apply needs "lambda:PutFunctionEventInvokeConfig";
        AddPermission writes Functions 7 for Apply needs "lambda:AddPermission";
        RemovePermission writes Functions 7 for Apply needs "lambda:RemovePermission";
        TagFunction writes Functions 7 for Apply needs "lambda:TagResource";
        UntagFunction writes Functions 7 for Apply needs "lambda:UntagResource";
        DeleteFunction writes Functions 7 for Apply, Retire needs "lambda:DeleteFunction";
    }
    "CloudWatch" {
        DescribeAlarms reads Everything 5 for Plan, Prove needs "cloudwatch:DescribeAlarms";
        ListDashboards reads Everything 5 for Adopt needs "cloudwatch:ListDashboards";
        GetDashboard reads Dashboards 5 for Plan needs "cloudwatch:GetDashboard";
        DescribeAlarmHistory reads Everything 5 for Doctor, Prove needs "cloudwatch:DescribeAlarmHistory";
        GetMetricData reads Everything 20 for Doctor, Adopt needs "cloudwatch:GetMetricData";
        PutMetricAlarm writes Alarms 2 for Apply, Canary, Prove needs "cloudwatch:PutMetricAlarm";
        PutLogAlarm writes Alarms 2 for Apply needs "cloudwatch:PutLogAlarm";
        DeleteAlarms writes Alarms 2 for Apply, Canary, Retire, Prove needs "cloudwatch:DeleteAlarms";
        PutDashboard writes Dashboards 5 for Apply needs "cloudwatch:PutDashboard";
        DeleteDashboards writes Dashboards 5 for Apply, Retire needs "cloudwatch:DeleteDashboards";
        PutMetricData writes Namespace 20 for Canary, Prove needs "cloudwatch:PutMetricData";
    }
    "EventBridge" {
        DescribeRule reads Rules 20 for Plan needs "events:DescribeRule";
        ListTargetsByRule reads Rules 20 for Plan needs "events:ListTargetsByRule";
        DescribeEventBus reads EventBuses 20 for Doctor needs "events:DescribeEventBus";
        ListRuleNamesByTarget reads Everything 20 for Adopt needs "events:ListRuleNamesByTarget";
        DisableRule writes Rules 5 for Retire needs "events:DisableRule";
        PutRule writes Rules 5 for Apply needs "events:PutRule";
        DeleteRule writes Rules 5 for Apply, Retire needs "events:DeleteRule";
        PutTargets writes Rules 5 for Apply needs "events:PutTargets";
        RemoveTargets writes Rules 5 for Apply, Retire needs "events:RemoveTargets";
    }
    "RDS" {
        DescribeDBClusters reads Databases 5 for Doctor, Begin needs "rds:DescribeDBClusters";
        DescribeDBInstances reads Databases 5 for Doctor needs "rds:DescribeDBInstances";
        DescribeDBClusterParameters reads Everything 5 for Doctor, Begin needs "rds:DescribeDBClusterParameters";
        DescribeDBParameters reads Everything 5 for Doctor needs "rds:DescribeDBParameters";
    }
    "CloudTrail" {
        LookupEvents reads Everything 1 for Blame needs "cloudtrail:LookupEvents";
    }
    "Secrets Manager" {
        GetSecretValue reads Secrets 10 for Apply needs "secretsmanager:GetSecretValue";
    }
}

impl Operation {
    /// The operation as its service spells it: several services have a `TagResource`.
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::TagLogGroup | Self::TagKey | Self::TagTopic | Self::TagFunction => "TagResource",
            Self::UntagLogGroup | Self::UntagKey | Self::UntagTopic | Self::UntagFunction => {
                "UntagResource"
            }
            Self::ListTagsForTopic => "ListTagsForResource",
            other => other.row().name,
        }
    }

    /// The only engine that needs it. What takes the other engine's resources down is for both.
    fn engine(self) -> Option<Engine> {
        match self {
            Self::PublishLayerVersion
            | Self::CreateFunction
            | Self::UpdateFunctionCode
            | Self::UpdateFunctionConfiguration
            | Self::GetAccountSettings
            | Self::PutFunctionConcurrency
            | Self::DeleteFunctionConcurrency
            | Self::PutFunctionEventInvokeConfig
            | Self::AddPermission
            | Self::TagFunction
            | Self::PutRule
            | Self::PutTargets => Some(Engine::Monitor),
            Self::PutLogAlarm => Some(Engine::LogAlarm),
            _ => None,
        }
    }

    /// Says whether what the files ask for can need it.
    fn is_for(self, environment: &Environment) -> bool {
        let is_bound = environment.permissions_boundary.is_some();
        match self {
            Self::PutLogGroupDeletionProtection => environment.log_deletion_protection,
            Self::PutRolePermissionsBoundary => is_bound,
            // Whoever may take it off is not bound.
            Self::DeleteRolePermissionsBoundary => !is_bound,
            _ => self
                .engine()
                .is_none_or(|engine| engine == environment.engine),
        }
    }

    /// What it is about for a purpose. A proof has log groups of its own, and touches no others.
    fn on(self, purpose: Purpose) -> On {
        match self.row().on {
            On::MonitorLogGroups | On::LogGroups if purpose == Purpose::Prove => On::ProofLogGroups,
            on => on,
        }
    }

    /// The operation of that name of a service.
    pub fn find(service: &str, wire_name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| {
            operation.row().service == service && operation.wire_name() == wire_name
        })
    }

    /// The action that a refused caller lacks, as messages name it.
    pub fn action(self) -> &'static str {
        self.row()
            .actions
            .first()
            .copied()
            .unwrap_or("sts:GetCallerIdentity")
    }
}

/// The policy that a role needs for a purpose in one environment, and no more.
pub fn policy(environment: &Environment, purpose: Purpose) -> Value {
    let mut statements: BTreeMap<(bool, On), Vec<&str>> = BTreeMap::new();
    for operation in Operation::ALL {
        let row = operation.row();
        if purpose.allows(*operation) && operation.is_for(environment) && !row.actions.is_empty() {
            statements
                .entry((row.writes, operation.on(purpose)))
                .or_default()
                .extend(row.actions);
        }
    }
    let passes = purpose.allows(Operation::CreateRole);
    if passes {
        statements.insert((true, On::PassedRoles), vec!["iam:PassRole"]);
    }
    let mut written: Vec<Value> = Vec::new();
    for ((writes, on), mut actions) in statements {
        actions.sort_unstable();
        actions.dedup();
        let resources = resources(environment, on, &names(environment, purpose, on, writes));
        // Nothing of that kind in the environment, such as secrets: no right to it either.
        if resources.is_empty() {
            continue;
        }
        let mut statement = Map::from_iter([
            (
                "Sid".to_owned(),
                json!(format!("{}{on:?}", if writes { "Change" } else { "Read" })),
            ),
            ("Effect".to_owned(), json!("Allow")),
            ("Action".to_owned(), json!(actions)),
            ("Resource".to_owned(), json!(resources)),
        ]);
        if let Some(condition) = condition(environment, on) {
            statement.insert("Condition".to_owned(), condition);
        }
        written.push(statement.into());
    }
    if purpose.allows(Operation::ListRuleNamesByTarget) {
        written.push(former_keys(environment));
    }
    json!({ "Version": "2012-10-17", "Statement": written })
}

/// What the names of the log groups begin with that a proof of an environment makes.
pub fn proof_log_groups(environment: &str) -> String {
    format!("/{PREFIX}/prove/{environment}/")
}

/// Patterns of the names that a statement is about: the environment's own, and those of stacks that others made.
/// What takes such a stack out of service has no right on pgvigil's own.
fn names(environment: &Environment, purpose: Purpose, on: On, writes: bool) -> Vec<String> {
    let ours = format!("{PREFIX}-{}-*", environment.name);
    let looks = purpose.allows(Operation::ListRuleNamesByTarget);
    let begins = match on {
        On::Functions => Some(former::FUNCTION),
        On::Roles => Some(former::ROLE),
        On::Topics => Some(former::TOPIC),
        On::Alarms => Some(former::ALARM),
        // Any dashboard may show a log group of the environment's, and reading one tells nothing but that.
        On::Dashboards if writes => Some(former::DASHBOARD),
        On::Dashboards => Some(""),
        On::Rules => Some(former::RULE),
        _ => None,
    };
    let begins = begins.filter(|_| looks).map(|begins| format!("{begins}*"));
    match begins {
        None => vec![ours],
        Some(theirs) if writes => vec![theirs],
        Some(theirs) => vec![ours, theirs],
    }
}

/// Keys of topics that others made bear no tag of ours; their alias is known.
fn former_keys(environment: &Environment) -> Value {
    json!({
        "Sid": "ReadFormerKeys",
        "Effect": "Allow",
        "Action": ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus"],
        "Resource": resources(environment, On::Keys, &[]),
        "Condition": { "ForAnyValue:StringLike": { "kms:ResourceAliases": format!("{}*", former::ALIAS) } },
    })
}

/// Watched clusters that a policy lists one by one; with more it would outgrow IAM's limit of 6,144 characters.
const CLUSTERS_LISTED: usize = 10;

/// ARNs by the environment's part of the names, so that a new cluster, or one that no file asks for any more, needs
/// no new policy.
fn resources(environment: &Environment, on: On, names: &[String]) -> Vec<String> {
    let at = Location::of(environment);
    let ours = format!("{PREFIX}-{}-*", environment.name);
    let named = |arn: &dyn Fn(&str) -> String| names.iter().map(|name| arn(name)).collect();
    let log_group = |name: &str| {
        let arn = at.log_group_arn(name);
        vec![arn.clone(), format!("{arn}:*")]
    };
    match on {
        On::Everything | On::NewKeys | On::Namespace => vec!["*".to_owned()],
        On::ClusterLogGroups => clusters(environment, &|cluster| log_group(&cluster.log_group())),
        On::MonitorLogGroups => log_group(&format!("/aws/lambda/{ours}")),
        On::LogGroups => {
            let mut both = resources(environment, On::ClusterLogGroups, names);
            both.extend(resources(environment, On::MonitorLogGroups, names));
            both
        }
        On::ProofLogGroups => log_group(&format!("{}*", proof_log_groups(&environment.name))),
        On::Functions => named(&|name| at.arn("lambda", &format!("function:{name}"))),
        // The pattern holds for the versions too: `layer:NAME` and `layer:NAME:NUMBER`.
        On::Layers => named(&|name| at.arn("lambda", &format!("layer:{name}"))),
        On::Roles | On::BoundRoles | On::PassedRoles => {
            named(&|name| at.iam_arn(&format!("role/{name}")))
        }
        On::Topics => named(&|name| at.arn("sns", name)),
        On::Keys => vec![at.arn("kms", "key/*")],
        // An alias is made and moved with a right on the key as well.
        On::Aliases => vec![
            at.arn("kms", &format!("alias/{ours}")),
            at.arn("kms", "key/*"),
        ],
        On::Alarms => named(&|name| at.arn("cloudwatch", &format!("alarm:{name}"))),
        // Dashboards belong to an account, not to a region.
        On::Dashboards => named(&|name| {
            format!(
                "arn:{}:cloudwatch::{}:dashboard/{name}",
                at.partition, at.account
            )
        }),
        On::Rules => named(&|name| at.arn("events", &format!("rule/{name}"))),
        On::EventBuses => event_bus_arn(environment).into_iter().collect(),
        On::Databases => clusters(environment, &|cluster| {
            let kind = match cluster.kind {
                ClusterKind::Aurora => "cluster",
                ClusterKind::Instance => "db",
            };
            vec![at.arn("rds", &format!("{kind}:{}", cluster.name))]
        }),
        On::Secrets => {
            let named = |notification: &Notification| match notification {
                Notification::Https(Secret::FromSecret(name)) if name.starts_with("arn:") => {
                    Some(name.clone())
                }
                // The service appends six characters to a secret's name.
                Notification::Https(Secret::FromSecret(name)) => {
                    Some(at.arn("secretsmanager", &format!("secret:{name}-??????")))
                }
                _ => None,
            };
            let receivers = environment.receivers();
            let mut all: Vec<String> = receivers.iter().filter_map(|(one, _)| named(one)).collect();
            all.sort();
            all.dedup();
            all
        }
    }
}

fn clusters(environment: &Environment, arns: &dyn Fn(&Cluster) -> Vec<String>) -> Vec<String> {
    let mut clusters: Vec<Cluster> = environment.clusters.clone();
    if clusters.len() > CLUSTERS_LISTED {
        clusters.dedup_by_key(|cluster| cluster.kind);
        for cluster in &mut clusters {
            cluster.name = "*".to_owned();
        }
    }
    let mut all: Vec<String> = clusters.iter().flat_map(arns).collect();
    all.sort();
    all.dedup();
    all
}

fn condition(environment: &Environment, on: On) -> Option<Value> {
    let name = &environment.name;
    match on {
        On::PassedRoles => {
            let service = match environment.engine {
                Engine::Monitor => json!("lambda.amazonaws.com"),
                // The role is given to CloudWatch, and CloudWatch Logs takes it on: which of them IAM asks about is
                // not documented.
                Engine::LogAlarm => json!(["cloudwatch.amazonaws.com", "logs.amazonaws.com"]),
            };
            Some(json!({ "StringEquals": { "iam:PassedToService": service } }))
        }
        // What the request or the role has, as IAM checks each of these actions (Service Authorization Reference, IAM).
        On::BoundRoles => environment
            .permissions_boundary
            .as_ref()
            .map(|boundary| json!({ "StringEquals": { "iam:PermissionsBoundary": boundary } })),
        On::Keys => {
            Some(json!({ "StringEquals": { "aws:ResourceTag/pgvigil:environment": name } }))
        }
        On::NewKeys => {
            Some(json!({ "StringEquals": { "aws:RequestTag/pgvigil:environment": name } }))
        }
        On::Namespace => Some(
            json!({ "StringEquals": { "cloudwatch:namespace": environment.monitor.namespace } }),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::resources::canonical;
    use crate::compile::resources::testing::environment;

    #[test]
    fn reading_purposes_read() {
        for operation in Operation::ALL {
            for purpose in [
                Purpose::Plan,
                Purpose::Blame,
                Purpose::Doctor,
                Purpose::Adopt,
            ] {
                assert!(
                    !(purpose.allows(*operation) && operation.row().writes),
                    "{purpose:?} would {operation:?}"
                );
            }
            assert_eq!(
                Operation::find(operation.row().service, operation.wire_name()),
                Some(*operation)
            );
        }
    }

    #[test]
    fn a14_policies_name_what_they_are_about() {
        let names: Vec<String> = (0..200).map(|number| format!("cluster-{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for purpose in [
            Purpose::Plan,
            Purpose::Blame,
            Purpose::Doctor,
            Purpose::Canary,
            Purpose::Apply,
            Purpose::Adopt,
            Purpose::Retire,
            Purpose::Prove,
        ] {
            let policy = policy(&environment("prod", &names), purpose);
            assert!(
                canonical(&policy).len() < 6144,
                "{purpose:?}: longer than a managed policy may be"
            );
            for statement in policy["Statement"].as_array().unwrap() {
                let everything = statement["Resource"] == json!(["*"]);
                let sid = statement["Sid"].as_str().unwrap();
                // Listing, and what IAM cannot limit: neither changes what others own.
                let harmless = sid == "ReadEverything" || sid == "ChangeEverything";
                assert!(
                    !everything || harmless || statement.get("Condition").is_some(),
                    "{sid}"
                );
            }
        }
    }
    #[test]
    fn a_boundary_bounds_who_gives_rights() {
        let mut environment = environment("prod", &["orders"]);
        let of = |environment: &Environment, action: &str| -> Vec<Value> {
            let policy = policy(environment, Purpose::Apply);
            let statements = policy["Statement"].as_array().unwrap().iter();
            statements
                .filter(|one| one["Action"].as_array().unwrap().contains(&json!(action)))
                .cloned()
                .collect()
        };
        let gives = ["iam:CreateRole", "iam:PutRolePolicy"];
        for action in gives {
            assert_eq!(
                of(&environment, action)[0].get("Condition"),
                None,
                "{action}"
            );
        }
        assert_eq!(
            of(&environment, "iam:DeleteRolePermissionsBoundary").len(),
            1
        );
        assert_eq!(of(&environment, "iam:PutRolePermissionsBoundary").len(), 0);
        let arn = "arn:aws:iam::123456789012:policy/b";
        environment.permissions_boundary = Some(arn.to_owned());
        for action in gives.into_iter().chain(["iam:PutRolePermissionsBoundary"]) {
            let statements = of(&environment, action);
            assert_eq!(statements.len(), 1, "{action}");
            assert_eq!(
                statements[0]["Condition"],
                json!({ "StringEquals": { "iam:PermissionsBoundary": arn } }),
                "{action}"
            );
        }
        assert_eq!(
            of(&environment, "iam:DeleteRolePermissionsBoundary").len(),
            0
        );
    }

    /// Only the doctor looks at the bus, and only where there is one.
    #[test]
    fn a_bus_is_looked_at_where_there_is_one() {
        let mut environment = environment("prod", &["orders"]);
        let of = |environment: &Environment, purpose| -> Vec<Value> {
            let policy = policy(environment, purpose);
            let statements = policy["Statement"].as_array().unwrap().iter();
            statements
                .filter(|one| one["Sid"] == json!("ReadEventBuses"))
                .cloned()
                .collect()
        };
        assert_eq!(of(&environment, Purpose::Doctor), [Value::Null; 0]);
        environment.events = Some("audit".to_owned());
        assert_eq!(
            of(&environment, Purpose::Doctor),
            [json!({
                "Sid": "ReadEventBuses",
                "Effect": "Allow",
                "Action": ["events:DescribeEventBus"],
                "Resource": ["arn:aws:events:us-east-1:123456789012:event-bus/audit"],
            })]
        );
        assert_eq!(of(&environment, Purpose::Plan), [Value::Null; 0]);
        assert_eq!(of(&environment, Purpose::Apply), [Value::Null; 0]);
    }

    /// The role that retires another stack cannot touch pgvigil's own.
    #[test]
    fn retiring_writes_to_former_stacks_only() {
        let policy = policy(&environment("prod", &["orders"]), Purpose::Retire);
        let writes: Vec<&Value> = policy["Statement"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|statement| statement["Sid"].as_str().unwrap().starts_with("Change"))
            .collect();
        assert_eq!(writes.len(), 5, "{writes:#?}");
        for statement in writes {
            for resource in statement["Resource"].as_array().unwrap() {
                let resource = resource.as_str().unwrap();
                assert!(
                    !resource.contains(PREFIX) && !resource.ends_with("/*") && resource != "*",
                    "{statement}"
                );
            }
        }
    }
}
