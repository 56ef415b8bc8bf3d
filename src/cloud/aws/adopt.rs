//! Finds stacks that others made, by what they do: functions that read a cluster's log, what starts them, alarms on
//! what they count, and what those tell.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value answers null for what it does not have"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    AlarmType, CompositeAlarm, Dimension, Metric, MetricAlarm, MetricDataQuery, MetricStat,
};
use aws_sdk_eventbridge::types::RuleState;
use aws_sdk_kms::types::KeyManagerType;
use aws_sdk_lambda::types::FunctionConfiguration;
use jiff::Timestamp;
use serde_json::Value;

use super::call::found;
use super::connect::{Aws, Inner};
use super::look::role;
use super::service::{alarm, key};
use super::sight::Sight;
use crate::compile::monitor_environment::{FORMER, RULES_DIGEST};
use crate::compile::name::PREFIX;
use crate::deploy::former;
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;
use crate::takeover::adopt::METRIC;
use crate::takeover::adopt::port::{Finder, Search, Watched};
use crate::takeover::adopt::proof::{Beats, Heartbeat, PERIODS};
use crate::takeover::adopt::remains::{
    Alarm, Dashboard, Endpoint, Function, Key, Remains, Role, Rule, Subscription, Topic, Unread,
    is_same_function,
};

impl Finder for Aws {
    fn find(&self, search: &Search) -> Result<Remains, CloudError> {
        self.runtime.block_on(find(&self.inner, search))
    }

    fn beats(&self, heartbeats: &[Heartbeat]) -> Result<Vec<Beats>, CloudError> {
        self.runtime.block_on(async {
            let mut all = Vec::new();
            for heartbeat in heartbeats {
                all.push(beats(&self.inner, heartbeat).await?);
            }
            Ok(all)
        })
    }
}

async fn find(aws: &Inner, search: &Search) -> Result<Remains, CloudError> {
    let mut remains = Remains::default();
    let configurations = functions(aws).await?;
    for configuration in &configurations {
        if let Some(function) = function(aws, search, configuration, &mut remains.unread).await? {
            remains.functions.push(function);
        }
    }
    for name in &search.named {
        if !remains
            .functions
            .iter()
            .any(|function| function.name == *name)
        {
            return Err(CloudError::NotFound {
                resource: format!("the function {name}, reading the log of a watched cluster,"),
            });
        }
    }
    remains.rules = rules(aws, &remains.functions, &mut remains.unread).await?;
    let (alarms, composites) = alarms(aws).await?;
    remains.alarm_names = alarms
        .iter()
        .filter_map(MetricAlarm::alarm_name)
        .chain(composites.iter().filter_map(CompositeAlarm::alarm_name))
        .map(str::to_owned)
        .collect();
    remains.alarms = alarms
        .iter()
        .filter_map(|alarm| about(search, alarm, &composites))
        .collect();
    find_topics(aws, &alarms, &mut remains).await;
    find_keys(aws, &mut remains).await;
    find_roles(aws, &configurations, &mut remains).await;
    find_dashboards(aws, search, &mut remains).await;
    for watched in &search.watched {
        let Watched {
            cluster, own_topic, ..
        } = watched;
        let arn = aws.location.arn("sns", own_topic);
        match subscriptions(aws, &arn).await {
            Ok(listeners) => remains.own_listeners.push((cluster.clone(), listeners)),
            Err(CloudError::NotFound { .. }) => {}
            Err(error) => remains.unread.push(unread(&arn, &error)),
        }
    }
    Ok(remains)
}

fn unread(resource: &str, error: &CloudError) -> Unread {
    Unread {
        resource: resource.to_owned(),
        message: error.to_string(),
    }
}

/// Every function of the account's region.
async fn functions(aws: &Inner) -> Result<Vec<FunctionConfiguration>, CloudError> {
    let mut all = Vec::new();
    let mut marker: Option<String> = None;
    loop {
        let page = aws
            .caller
            .make(Operation::ListFunctions, "functions", || {
                aws.lambda
                    .list_functions()
                    .set_marker(marker.clone())
                    .send()
            })
            .await?;
        all.extend(page.functions.unwrap_or_default());
        marker = page.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(all);
        }
    }
}

/// The function as a monitor; `None` when it reads no watched cluster's log, or is pgvigil's own.
async fn function(
    aws: &Inner,
    search: &Search,
    configuration: &FunctionConfiguration,
    unreadable: &mut Vec<Unread>,
) -> Result<Option<Function>, CloudError> {
    let name = configuration.function_name().unwrap_or_default();
    let environment = configuration.environment();
    let refused = environment.and_then(|environment| environment.error());
    let is_suspect = name.starts_with(former::FUNCTION) || search.named.iter().any(|n| n == name);
    if let Some(error) = refused.filter(|_| is_suspect) {
        unreadable.push(Unread {
            resource: format!("the variables of the function {name}"),
            message: error.message().unwrap_or_default().to_owned(),
        });
    }
    let variables = environment.and_then(|environment| environment.variables());
    let variable = |key: &str| variables.and_then(|variables| variables.get(key)).cloned();
    let Some(log_group) = variable("LOG_GROUP_NAME").filter(|group| search.is_watched(group))
    else {
        return Ok(None);
    };
    // Another environment's pgvigil is no stack to take over either.
    let is_pgvigil = search.own.contains(name)
        || name.starts_with(&format!("{PREFIX}-"))
        || [RULES_DIGEST]
            .iter()
            .chain(FORMER)
            .any(|name| variable(name).is_some());
    if is_pgvigil {
        return Ok(None);
    }
    let (namespace, window_minutes) = (
        variable("METRIC_NAMESPACE"),
        variable("QUERY_WINDOW_MINUTES"),
    );
    Ok(Some(Function {
        is_certain: is_suspect || (namespace.is_some() && window_minutes.is_some()),
        name: name.to_owned(),
        arn: configuration.function_arn().unwrap_or_default().to_owned(),
        log_group,
        namespace,
        window_minutes,
        runtime: configuration
            .runtime()
            .map(|runtime| runtime.as_str().to_owned()),
        role: configuration.role().unwrap_or_default().to_owned(),
        own_log: own_log(aws, name).await?,
    }))
}

async fn own_log(aws: &Inner, function: &str) -> Result<Option<Option<i32>>, CloudError> {
    let name = format!("/aws/lambda/{function}");
    let page = aws
        .caller
        .make(Operation::DescribeLogGroups, &name, || {
            aws.logs
                .describe_log_groups()
                .log_group_name_prefix(&name)
                .send()
        })
        .await?;
    let mut groups = page.log_groups().iter();
    // A name that others begin with sorts before them.
    Ok(groups
        .find(|group| group.log_group_name() == Some(&name))
        .map(|group| group.retention_in_days()))
}

/// Schedules that start one of the functions. A schedule without targets is found by the function's policy, which
/// admits it: a deletion may have stopped between the two.
async fn rules(
    aws: &Inner,
    functions: &[Function],
    unreadable: &mut Vec<Unread>,
) -> Result<Vec<Rule>, CloudError> {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for function in functions {
        let by_target = rule_names(aws, &function.arn).await?;
        let mut of_function = by_target;
        for arn in admitted(aws, &function.name).await? {
            match arn
                .split_once(":rule/")
                .map(|(_, name)| name.rsplit_once('/'))
            {
                Some(None) => {
                    let (_, name) = arn.split_once(":rule/").unwrap_or_default();
                    of_function.push(name.to_owned());
                }
                Some(Some(("default", name))) => of_function.push(name.to_owned()),
                Some(Some(_)) => unreadable.push(Unread {
                    resource: arn.clone(),
                    message: "a schedule of another event bus, which pgvigil does not read"
                        .to_owned(),
                }),
                None => {}
            }
        }
        for name in of_function {
            names.entry(name).or_default().insert(function.arn.clone());
        }
    }
    let mut all = Vec::new();
    for (name, functions) in names {
        // A pattern in a policy names no schedule.
        if name.contains(['*', '?']) {
            unreadable.push(Unread {
                resource: format!("schedules like {name}"),
                message: "a function allows all of them: pgvigil does not search for those without a target"
                    .to_owned(),
            });
            continue;
        }
        if let Some(rule) = rule(aws, &name, functions).await? {
            let is_theirs = rule.targets.is_empty() || rule.own().next().is_some();
            if is_theirs {
                all.push(rule);
            }
        }
    }
    Ok(all)
}

async fn rule_names(aws: &Inner, target: &str) -> Result<Vec<String>, CloudError> {
    let mut all = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = aws
            .caller
            .make(Operation::ListRuleNamesByTarget, target, || {
                aws.events
                    .list_rule_names_by_target()
                    .target_arn(target)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        all.extend(page.rule_names.unwrap_or_default());
        token = page.next_token;
        if token.is_none() {
            return Ok(all);
        }
    }
}

/// ARNs of what a function's policy lets invoke it.
async fn admitted(aws: &Inner, function: &str) -> Result<Vec<String>, CloudError> {
    let answer = aws
        .caller
        .make(Operation::GetPolicy, function, || {
            aws.lambda.get_policy().function_name(function).send()
        })
        .await;
    let text = found(answer)?.and_then(|answer| answer.policy);
    let policy: Value = text
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let statements = policy["Statement"].as_array().into_iter().flatten();
    Ok(statements
        .filter_map(|statement| statement["Condition"].as_object())
        .flat_map(|condition| condition.values())
        .filter_map(|keys| {
            let mut keys = keys.as_object()?.iter();
            keys.find(|(key, _)| key.eq_ignore_ascii_case("aws:SourceArn"))
                .and_then(|(_, arn)| arn.as_str())
        })
        .map(str::to_owned)
        .collect())
}

/// A schedule as it is now; `None` when there is none.
pub(super) async fn rule(
    aws: &Inner,
    name: &str,
    functions: BTreeSet<String>,
) -> Result<Option<Rule>, CloudError> {
    let answer = aws
        .caller
        .make(Operation::DescribeRule, name, || {
            aws.events.describe_rule().name(name).send()
        })
        .await;
    let Some(live) = found(answer)? else {
        return Ok(None);
    };
    let mut targets = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = aws
            .caller
            .make(Operation::ListTargetsByRule, name, || {
                aws.events
                    .list_targets_by_rule()
                    .rule(name)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        let page_targets = page.targets().iter();
        targets
            .extend(page_targets.map(|target| (target.id().to_owned(), target.arn().to_owned())));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    Ok(Some(Rule {
        name: name.to_owned(),
        schedule: live.schedule_expression().map(str::to_owned),
        is_enabled: live.state() != Some(&RuleState::Disabled),
        functions: functions
            .into_iter()
            .filter(|function| {
                targets.is_empty()
                    || targets
                        .iter()
                        .any(|(_, arn)| is_same_function(function, arn))
            })
            .collect(),
        targets,
    }))
}

/// Every alarm of the account's region.
async fn alarms(aws: &Inner) -> Result<(Vec<MetricAlarm>, Vec<CompositeAlarm>), CloudError> {
    let (mut metric, mut composite) = (Vec::new(), Vec::new());
    let mut token: Option<String> = None;
    loop {
        let page = aws
            .caller
            .make(Operation::DescribeAlarms, "alarms", || {
                aws.alarms
                    .describe_alarms()
                    .alarm_types(AlarmType::MetricAlarm)
                    .alarm_types(AlarmType::CompositeAlarm)
                    .max_records(100)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        metric.extend(page.metric_alarms.unwrap_or_default());
        composite.extend(page.composite_alarms.unwrap_or_default());
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok((metric, composite));
        }
    }
}

/// The alarm, when it watches people's statements on a watched cluster and is not pgvigil's own.
fn about(search: &Search, live: &MetricAlarm, composites: &[CompositeAlarm]) -> Option<Alarm> {
    let name = live.alarm_name()?;
    if search.own.contains(name) || name.starts_with(&format!("{PREFIX}-")) {
        return None;
    }
    let log_group = watched_group(live).filter(|group| search.is_watched(group))?;
    Some(Alarm {
        name: name.to_owned(),
        log_group,
        properties: alarm::properties(live),
        composites: composites
            .iter()
            .filter(|composite| {
                let rule = composite.alarm_rule().unwrap_or_default();
                rule.split(|letter: char| letter.is_whitespace() || "()\"".contains(letter))
                    .any(|word| word == name || word.ends_with(&format!(":alarm:{name}")))
            })
            .filter_map(|composite| composite.alarm_name().map(str::to_owned))
            .collect(),
    })
}

/// The log group whose statements an alarm watches, itself or within an expression.
pub(super) fn watched_group(live: &MetricAlarm) -> Option<String> {
    let group = |metric: Option<&str>, dimensions: &[Dimension]| {
        let mut dimensions = dimensions.iter();
        metric.filter(|metric| *metric == METRIC)?;
        dimensions
            .find(|dimension| dimension.name() == Some("LogGroup"))?
            .value()
            .map(str::to_owned)
    };
    group(live.metric_name(), live.dimensions()).or_else(|| {
        let parts = live.metrics().iter();
        parts
            .filter_map(|part| part.metric_stat()?.metric())
            .find_map(|metric| group(metric.metric_name(), metric.dimensions()))
    })
}

async fn subscriptions(aws: &Inner, topic: &str) -> Result<Vec<Subscription>, CloudError> {
    let mut all = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = aws
            .caller
            .make(Operation::ListSubscriptionsByTopic, topic, || {
                aws.topics
                    .list_subscriptions_by_topic()
                    .topic_arn(topic)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        all.extend(page.subscriptions().iter().map(|live| {
            Subscription {
                protocol: live.protocol().unwrap_or_default().to_owned(),
                endpoint: Endpoint(live.endpoint().unwrap_or_default().to_owned()),
                is_confirmed: live
                    .subscription_arn()
                    .is_some_and(|arn| arn.starts_with("arn:")),
            }
        }));
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}

/// Topics that the alarms tell, with who else tells them.
async fn find_topics(aws: &Inner, alarms: &[MetricAlarm], remains: &mut Remains) {
    let own: BTreeSet<&str> = remains
        .alarms
        .iter()
        .map(|alarm| alarm.name.as_str())
        .collect();
    let arns: BTreeSet<String> = remains
        .alarms
        .iter()
        .flat_map(Alarm::actions)
        .filter(|action| action.split(':').nth(2) == Some("sns"))
        .map(str::to_owned)
        .collect();
    let mut topics = Vec::new();
    let mut unreadable = Vec::new();
    for arn in arns {
        // pgvigil's own topic may be told by an alarm that somebody made.
        let name = arn.rsplit(':').next().unwrap_or_default();
        if name.starts_with(&format!("{PREFIX}-")) {
            continue;
        }
        let others = alarms
            .iter()
            .filter(|alarm| {
                let mut actions = alarm.alarm_actions().iter().chain(alarm.ok_actions());
                actions.any(|action| *action == arn)
            })
            .filter_map(MetricAlarm::alarm_name)
            .filter(|name| !own.contains(name))
            .map(str::to_owned)
            .collect();
        match topic(aws, &arn, others).await {
            Ok(topic) => topics.push(topic),
            Err(error) => unreadable.push(unread(&arn, &error)),
        }
    }
    remains.topics = topics;
    remains.unread.extend(unreadable);
}

async fn topic(aws: &Inner, arn: &str, other_alarms: Vec<String>) -> Result<Topic, CloudError> {
    let answer = aws
        .caller
        .make(Operation::GetTopicAttributes, arn, || {
            aws.topics.get_topic_attributes().topic_arn(arn).send()
        })
        .await?;
    let text = |key: &str| answer.attributes().and_then(|all| all.get(key));
    Ok(Topic {
        key: text("KmsMasterKeyId")
            .filter(|key| !key.is_empty())
            .cloned(),
        policy: text("Policy")
            .and_then(|policy| serde_json::from_str(policy).ok())
            .unwrap_or_default(),
        subscriptions: subscriptions(aws, arn).await?,
        arn: arn.to_owned(),
        other_alarms,
    })
}

async fn find_keys(aws: &Inner, remains: &mut Remains) {
    let names: BTreeSet<String> = remains
        .topics
        .iter()
        .filter_map(|topic| topic.key.clone())
        .collect();
    for name in names {
        match one_key(aws, &name).await {
            Ok(key) => remains.keys.push(key),
            Err(error) => remains.unread.push(unread(&format!("key {name}"), &error)),
        }
    }
}

async fn one_key(aws: &Inner, name: &str) -> Result<Key, CloudError> {
    let metadata = aws
        .caller
        .make(Operation::DescribeKey, name, || {
            aws.keys.describe_key().key_id(name).send()
        })
        .await?
        .key_metadata;
    let missing = || CloudError::NotFound {
        resource: format!("key {name}"),
    };
    let metadata = metadata.ok_or_else(missing)?;
    let id = metadata.key_id();
    let is_customers = metadata.key_manager() == Some(&KeyManagerType::Customer);
    let aliases = aws
        .caller
        .make(Operation::ListAliases, id, || {
            aws.keys.list_aliases().key_id(id).limit(100).send()
        })
        .await?;
    Ok(Key {
        name: name.to_owned(),
        aliases: aliases
            .aliases()
            .iter()
            .filter_map(|alias| alias.alias_name().map(str::to_owned))
            .collect(),
        policy: key::policy(aws, id).await?,
        rotates: is_customers && key::rotation(aws, id).await?["enabled"] == true,
        is_customers,
    })
}

async fn find_roles(aws: &Inner, functions: &[FunctionConfiguration], remains: &mut Remains) {
    let arns: BTreeSet<String> = remains
        .functions
        .iter()
        .map(|function| function.role.clone())
        .collect();
    for arn in arns {
        let own: BTreeSet<&str> = remains
            .functions
            .iter()
            .filter(|function| function.is_certain)
            .map(|function| function.name.as_str())
            .collect();
        let others = functions
            .iter()
            .filter(|function| function.role() == Some(&arn))
            .filter_map(FunctionConfiguration::function_name)
            .filter(|name| !own.contains(name))
            .map(str::to_owned)
            .collect();
        match one_role(aws, &arn, others).await {
            Ok(Some(role)) => remains.roles.push(role),
            // Deleted already, by a run that stopped before the function.
            Ok(None) => {}
            Err(error) => remains.unread.push(unread(&arn, &error)),
        }
    }
}

async fn one_role(
    aws: &Inner,
    arn: &str,
    other_functions: Vec<String>,
) -> Result<Option<Role>, CloudError> {
    let name = arn.rsplit('/').next().unwrap_or_default();
    let sight = Sight::default();
    let Some(live) = role::role(aws, &sight, name).await? else {
        return Ok(None);
    };
    let mut policies = Vec::new();
    for policy in role::policy_names(aws, &sight, name).await?.iter() {
        if let Some(text) = role::policy_text(aws, name, policy).await? {
            policies.push((policy.clone(), role::policy_document(&text)));
        }
    }
    Ok(Some(Role {
        arn: arn.to_owned(),
        name: name.to_owned(),
        trust: role::policy_document(live.assume_role_policy_document().unwrap_or_default()),
        policies,
        attached: role::attached(aws, name).await?,
        other_functions,
    }))
}

async fn find_dashboards(aws: &Inner, search: &Search, remains: &mut Remains) {
    let names = match dashboard_names(aws).await {
        Ok(names) => names,
        Err(error) => return remains.unread.push(unread("dashboards", &error)),
    };
    for name in names {
        if search.own.contains(&name) || name.starts_with(&format!("{PREFIX}-")) {
            continue;
        }
        let answer = aws
            .caller
            .make(Operation::GetDashboard, &name, || {
                aws.alarms.get_dashboard().dashboard_name(&name).send()
            })
            .await;
        match found(answer) {
            Ok(None) => {}
            Ok(Some(live)) => {
                let text = live.dashboard_body.unwrap_or_default();
                let shows_group = search
                    .watched
                    .iter()
                    .any(|watched| text.contains(&watched.log_group));
                let shows_alarm = remains
                    .alarms
                    .iter()
                    .any(|alarm| text.contains(&format!(":alarm:{}\"", alarm.name)));
                if shows_group || shows_alarm {
                    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
                    remains.dashboards.push(Dashboard { name, body });
                }
            }
            Err(error) => remains
                .unread
                .push(unread(&format!("dashboard {name}"), &error)),
        }
    }
}

async fn dashboard_names(aws: &Inner) -> Result<Vec<String>, CloudError> {
    let mut all = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = aws
            .caller
            .make(Operation::ListDashboards, "dashboards", || {
                aws.alarms
                    .list_dashboards()
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        let entries = page.dashboard_entries().iter();
        all.extend(entries.filter_map(|entry| entry.dashboard_name().map(str::to_owned)));
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}

async fn beats(aws: &Inner, heartbeat: &Heartbeat) -> Result<Beats, CloudError> {
    let now = (aws.now)();
    let dimensions = heartbeat
        .dimensions
        .iter()
        .map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let metric = Metric::builder()
        .namespace(&heartbeat.namespace)
        .metric_name(&heartbeat.metric)
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let query = MetricDataQuery::builder()
        .id("beats")
        .metric_stat(
            MetricStat::builder()
                .metric(metric)
                .period(heartbeat.period_seconds)
                .stat("Maximum")
                .build(),
        )
        .build();
    let seconds = i64::from(heartbeat.period_seconds);
    let span = Duration::from_secs(u64::try_from(seconds).unwrap_or(300)) * PERIODS;
    let begin = now
        .checked_sub(jiff::SignedDuration::try_from(span).unwrap_or_default())
        .unwrap_or(now);
    // Periods begin at multiples of their length; one that began just now counts too.
    let begin = begin.as_second() - begin.as_second().rem_euclid(seconds.max(1));
    let answer = aws
        .caller
        .make(Operation::GetMetricData, &heartbeat.metric, || {
            aws.alarms
                .get_metric_data()
                .metric_data_queries(query.clone())
                .start_time(DateTime::from_secs(begin))
                .end_time(DateTime::from_secs(now.as_second() + 1))
                .send()
        })
        .await?;
    let results = answer.metric_data_results().iter();
    let periods = results
        .flat_map(|result| result.timestamps().iter().zip(result.values()))
        .filter(|(_, value)| **value >= 1.0)
        .filter_map(|(time, _)| Timestamp::from_second(time.secs()).ok())
        .collect();
    Ok(Beats { periods, now })
}
