//! Subscriptions of SNS topics.
//!
//! A subscription has no name: it is known by its protocol and where it leads. Where that is a secret which cannot be
//! had here, a trace that was noted when it was written tells it apart.
//!
//! Of an endpoint with a password SNS lists all but the password. So the trace decides whether it leads where the secret leads,
//! and a second trace, of what is listed, finds it again where the secret is not known.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_sns::types::Subscription;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cloud::aws::call::{found, gone};
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::look::topic::{arn, structure, tags};
use crate::cloud::aws::note::Note;
use crate::cloud::aws::sight::Sight;
use crate::cloud::aws::value::owner_and_name;
use crate::cloud::aws::{names, note, secret};
use crate::compile::name::{chat_topic, short_hash, subscription as subscription_name};
use crate::compile::resources::filter;
use crate::deploy::document::{Document, Fingerprint, Kind, canonical};
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Found, Live, Reading};
use crate::doctor::observation;
use crate::policy::model::{Notification, Secret};

/// All subscriptions of a topic; `None` when there is no topic.
async fn subscriptions(
    aws: &Inner,
    sight: &Sight,
    base: &str,
) -> Result<Option<Arc<Vec<Subscription>>>, CloudError> {
    let arn = arn(aws, base);
    let ask = || async {
        let mut all = Vec::new();
        let mut token = None;
        loop {
            let answer = aws
                .caller
                .make(Operation::ListSubscriptionsByTopic, base, || {
                    aws.topics
                        .list_subscriptions_by_topic()
                        .topic_arn(&arn)
                        .set_next_token(token.clone())
                        .send()
                })
                .await;
            let Some(page) = found(answer)? else {
                return Ok(None);
            };
            all.extend(page.subscriptions.unwrap_or_default());
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(Some(Arc::new(all)));
            }
        }
    };
    sight.subscriptions.get(base, ask).await
}

/// A subscription of a document, as far as it can be told.
struct Match {
    subscription: Subscription,
    /// Where it leads, in the form of the document: a reference where it leads to what that stands for.
    endpoint: Value,
}

/// Finds the subscription that a document asks for, or, for a secret that changed, the one that was made of it.
async fn matching(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
    noted: &Note,
) -> Result<Option<Match>, CloudError> {
    let base = names::base(aws, document);
    let Some(all) = subscriptions(aws, sight, &base).await? else {
        return Ok(None);
    };
    let wanted = &document.properties["endpoint"];
    let protocol = document.properties["protocol"].as_str();
    let text = secret::text(aws, wanted).await?;
    let place = arn(aws, &base);
    let same_protocol: Vec<&Subscription> = all
        .iter()
        .filter(|subscription| subscription.protocol() == protocol)
        .collect();
    // What a secret with a password leads to is listed without it: that it is the same password, the trace alone tells.
    let is_noted = |text: &&String| noted.more.first() == Some(&secret::trace(&place, text));
    let listed = text.as_ref().filter(is_noted);
    let listed = listed.and_then(|text| secret::masked(text));
    let leads_there = best(&same_protocol, |subscription| {
        let endpoint = subscription.endpoint();
        endpoint.is_some() && [text.as_deref(), listed.as_deref()].contains(&endpoint)
    });
    if let Some(subscription) = leads_there {
        return Ok(Some(Match {
            subscription: subscription.clone(),
            endpoint: wanted.clone(),
        }));
    }
    let traced = best(&same_protocol, |subscription| {
        is_traced(&place, subscription, &noted.more)
    });
    match traced {
        Some(subscription) if text.is_none() => Ok(Some(Match {
            subscription: subscription.clone(),
            endpoint: wanted.clone(),
        })),
        // It leads where the secret led before.
        Some(subscription) => Ok(Some(Match {
            subscription: subscription.clone(),
            endpoint: json!(subscription.endpoint()),
        })),
        None if text.is_none() && !same_protocol.is_empty() => Err(CloudError::Unreadable {
            resource: document.address.clone(),
            message: "the secret with its address is not available here, and pgvigil has no note of the address: run this once where the secret is"
                .to_owned(),
        }),
        None => Ok(None),
    }
}

/// The first one that fits; one that was confirmed before one that waits: those with a password are listed alike.
fn best<'a>(
    all: &[&'a Subscription],
    fits: impl Fn(&Subscription) -> bool,
) -> Option<&'a Subscription> {
    let fitting = || all.iter().copied().filter(|one| fits(one));
    fitting()
        .find(|one| !is_pending(one))
        .or_else(|| fitting().next())
}

/// Whether a subscription is the one of which these words were noted.
fn is_traced(place: &str, subscription: &Subscription, words: &[String]) -> bool {
    let trace = secret::trace(place, subscription.endpoint().unwrap_or_default());
    words.first() == Some(&trace) || words.get(MASKED) == Some(&trace)
}

/// Where the trace of an endpoint without its password is among the words of a note.
const MASKED: usize = 2;

/// What the service returns of a delivery policy, without what it adds by itself.
fn delivery_policy(text: Option<&str>) -> Value {
    let mut value = text.map_or(Value::Null, structure);
    if let Value::Object(map) = &mut value {
        map.retain(|key, value| {
            !(value.is_null() || key == "guaranteed" && *value == json!(false))
        });
        if map.is_empty() {
            return Value::Null;
        }
    }
    value
}

/// A policy as a structure. An empty one, which is how a policy is taken away, is none.
fn filled(text: Option<&str>) -> Value {
    let value = text.map_or(Value::Null, structure);
    let is_empty = value == json!({}) || value == json!("");
    if is_empty { Value::Null } else { value }
}

async fn subscription_attributes(
    aws: &Inner,
    arn: &str,
) -> Result<HashMap<String, String>, CloudError> {
    let answer = aws
        .caller
        .make(Operation::GetSubscriptionAttributes, arn, || {
            aws.topics
                .get_subscription_attributes()
                .subscription_arn(arn)
                .send()
        })
        .await;
    Ok(found(answer)?
        .and_then(|answer| answer.attributes)
        .unwrap_or_default())
}

async fn subscription_properties(
    aws: &Inner,
    topic: &str,
    subscription: &Subscription,
    endpoint: &Value,
) -> Result<Value, CloudError> {
    let arn = subscription.subscription_arn().unwrap_or_default();
    let attributes = subscription_attributes(aws, arn).await?;
    let text = |key: &str| attributes.get(key).map(String::as_str);
    let mut properties = json!({
        "topic": topic,
        "protocol": subscription.protocol(),
        "endpoint": endpoint,
        "delivery_policy": delivery_policy(text("DeliveryPolicy")),
        "filter_policy": filled(text("FilterPolicy")),
        "raw_message_delivery": text("RawMessageDelivery") == Some("true"),
        "redrive_policy": filled(text("RedrivePolicy")),
    });
    // Without a filter its scope means nothing.
    if !properties["filter_policy"].is_null() {
        let scope = text("FilterPolicyScope").unwrap_or(filter::SCOPE);
        properties["filter_policy_scope"] = json!(scope);
    }
    Ok(properties)
}

pub(in crate::cloud::aws) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let noted = note::read(aws, sight, document).await?;
    let Some(found) = matching(aws, sight, document, &noted).await? else {
        return Ok(Reading::Absent {
            applied: noted.applied,
        });
    };
    let topic = arn(aws, &names::base(aws, document));
    if is_pending(&found.subscription) {
        // Nothing but where it leads can be read until it is confirmed.
        let mut properties = document.properties.clone();
        properties["endpoint"] = found.endpoint;
        return Ok(Reading::Present(Live {
            properties,
            note: Some(pending(aws, document, &noted)),
            applied: noted.applied,
        }));
    }
    let properties =
        subscription_properties(aws, &topic, &found.subscription, &found.endpoint).await?;
    let mut applied = noted.applied;
    // It leads where the secret led when it was applied, and the secret moved since: as a file would have.
    if found.endpoint != document.properties["endpoint"] {
        let mut before = properties.clone();
        before["endpoint"] = document.properties["endpoint"].clone();
        if applied == Some(Fingerprint::of(document.kind, &before)) {
            applied = Some(Fingerprint::of(document.kind, &properties));
        }
    }
    Ok(Reading::Present(Live {
        properties,
        applied,
        note: None,
    }))
}

fn is_pending(subscription: &Subscription) -> bool {
    !subscription
        .subscription_arn()
        .is_some_and(|arn| arn.starts_with("arn:"))
}

/// A declared subscription as the doctor sees it.
pub(in crate::cloud::aws) async fn observe(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Option<observation::Subscription>, CloudError> {
    let noted = note::read(aws, sight, document).await?;
    let found = matching(aws, sight, document, &noted).await?;
    // One that leads where the secret led before is another.
    let found = found.filter(|found| document.properties.get("endpoint") == Some(&found.endpoint));
    Ok(found.map(|found| {
        if is_pending(&found.subscription) {
            let since = since(&noted);
            observation::Subscription::Pending { since }
        } else {
            observation::Subscription::Confirmed
        }
    }))
}

/// When it was asked for, as far as that was noted.
fn since(noted: &Note) -> Option<Timestamp> {
    noted.more.get(1).and_then(|since| since.parse().ok())
}

/// How long nobody has confirmed. SNS forgets such a subscription after two days or three.
fn pending(aws: &Inner, document: &Document, noted: &Note) -> String {
    let waits = match since(noted) {
        None => "it is waiting for its confirmation, so it notifies no one".to_owned(),
        Some(since) => {
            let hours = (aws.now)().duration_since(since).as_hours();
            format!(
                "it has been waiting for its confirmation since {since} ({hours} hours), so it notifies no one"
            )
        }
    };
    if document.properties["filter_policy"].is_null() {
        waits
    } else {
        format!("{waits}; until then its filter can be neither read nor changed")
    }
}

/// What is noted about a subscription besides its fingerprint: a trace of where it leads, since when it stands, and, where that
/// has a password, a trace of it without the password.
pub(in crate::cloud::aws) async fn words(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Vec<String>, CloudError> {
    let noted = note::read(aws, sight, document).await?;
    let endpoint = secret::text(aws, &document.properties["endpoint"]).await?;
    let place = arn(aws, &names::base(aws, document));
    let (trace, masked) = match &endpoint {
        Some(text) => {
            let masked = secret::masked(text);
            let trace_of = |text: &str| secret::trace(&place, text);
            (trace_of(text), masked.as_deref().map(trace_of))
        }
        None => {
            let first = noted.more.first().cloned();
            let trace = first.unwrap_or_else(|| "-".to_owned());
            (trace, noted.more.get(MASKED).cloned())
        }
    };
    let since = match noted.more.get(1) {
        Some(since) if noted.more.first() == Some(&trace) => since.clone(),
        _ => (aws.now)().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    };
    Ok([trace, since].into_iter().chain(masked).collect())
}

pub(in crate::cloud::aws) async fn put(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<(), CloudError> {
    let wanted = &document.properties;
    let base = names::base(aws, document);
    let topic = arn(aws, &base);
    let endpoint = secret::required(aws, &wanted["endpoint"], &document.address).await?;
    let noted = note::read(aws, sight, document).await?;
    let live = matching(aws, sight, document, &noted).await?;
    let stays = live
        .as_ref()
        .filter(|live| live.endpoint == wanted["endpoint"] && !is_pending(&live.subscription));
    if let Some(live) = stays {
        let arn = live.subscription.subscription_arn().unwrap_or_default();
        let properties =
            subscription_properties(aws, &topic, &live.subscription, &live.endpoint).await?;
        for (field, attribute) in SUBSCRIPTION_ATTRIBUTES {
            if canonical(&properties[field]) == canonical(&wanted[field]) {
                continue;
            }
            let value = match &wanted[field] {
                // It goes with the filter.
                Value::Null if field == "filter_policy_scope" => continue,
                Value::Null => "{}".to_owned(),
                value => attribute_text(value),
            };
            aws.caller
                .make(
                    Operation::SetSubscriptionAttributes,
                    &document.address,
                    || {
                        aws.topics
                            .set_subscription_attributes()
                            .subscription_arn(arn)
                            .attribute_name(attribute)
                            .attribute_value(&value)
                            .send()
                    },
                )
                .await?;
        }
        return Ok(());
    }
    let attributes: HashMap<String, String> = SUBSCRIPTION_ATTRIBUTES
        .iter()
        .filter(|(field, _)| !wanted[*field].is_null())
        .map(|(field, attribute)| ((*attribute).to_owned(), attribute_text(&wanted[*field])))
        .collect();
    let made = aws
        .caller
        .make(Operation::Subscribe, &document.address, || {
            aws.topics
                .subscribe()
                .topic_arn(&topic)
                .set_protocol(wanted["protocol"].as_str().map(str::to_owned))
                .endpoint(&endpoint)
                .set_attributes(Some(attributes.clone()))
                .return_subscription_arn(true)
                .send()
        })
        .await?;
    // Last, so that somebody is told all the time.
    match live.filter(|live| live.endpoint != wanted["endpoint"]) {
        Some(old) if !is_pending(&old.subscription) => {
            let listed = old.subscription.endpoint().unwrap_or_default();
            if secret::masked(listed).as_deref() == Some(listed) {
                return unsubscribe_older(aws, sight, &base, listed, made.subscription_arn()).await;
            }
            unsubscribe(aws, old.subscription.subscription_arn().unwrap_or_default()).await
        }
        _ => Ok(()),
    }
}

/// Whether there are subscriptions that are listed as the secret with a password is, beyond the one that was noted.
pub(in crate::cloud::aws) async fn has_unnoted(
    aws: &Inner,
    document: &Document,
) -> Result<bool, CloudError> {
    // Without the secret nothing was asked for.
    let text = secret::text(aws, &document.properties["endpoint"])
        .await
        .ok()
        .flatten();
    let Some(listed) = text.as_deref().and_then(secret::masked) else {
        return Ok(false);
    };
    let sight = Sight::default();
    let base = names::base(aws, document);
    let noted = note::read(aws, &sight, document).await?;
    let trace = secret::trace(&arn(aws, &base), &listed);
    let known = usize::from(noted.more.get(MASKED) == Some(&trace));
    let all = subscriptions(aws, &sight, &base).await?.unwrap_or_default();
    let alike = all
        .iter()
        .filter(|one| one.protocol() == Some("https") && one.endpoint() == Some(listed.as_str()));
    Ok(alike.count() > known)
}

/// Ends the subscriptions that are listed like this one, whose password is another: an apply that was cut left two. SNS gives
/// the ARN of the subscription that there is already when it is asked for it again (Subscribe).
async fn unsubscribe_older(
    aws: &Inner,
    sight: &Sight,
    base: &str,
    listed: &str,
    kept: Option<&str>,
) -> Result<(), CloudError> {
    // Without the ARN none can be told from the others.
    let Some(kept) = kept.filter(|arn| arn.starts_with("arn:")) else {
        return Ok(());
    };
    let all = subscriptions(aws, sight, base).await?.unwrap_or_default();
    for subscription in all.iter() {
        let is_older = subscription.protocol() == Some("https")
            && subscription.endpoint() == Some(listed)
            && subscription.subscription_arn() != Some(kept)
            && !is_pending(subscription);
        if is_older {
            unsubscribe(aws, subscription.subscription_arn().unwrap_or_default()).await?;
        }
    }
    Ok(())
}

/// Fields of a subscription that can be set, with the service's names.
const SUBSCRIPTION_ATTRIBUTES: [(&str, &str); 5] = [
    ("delivery_policy", "DeliveryPolicy"),
    // Before the filter, which must fit it.
    ("filter_policy_scope", "FilterPolicyScope"),
    ("filter_policy", "FilterPolicy"),
    ("raw_message_delivery", "RawMessageDelivery"),
    ("redrive_policy", "RedrivePolicy"),
];

/// A field as the service takes it: a word as it is, and else JSON.
fn attribute_text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| canonical(value), str::to_owned)
}

async fn unsubscribe(aws: &Inner, arn: &str) -> Result<(), CloudError> {
    let answer = aws
        .caller
        .make(Operation::Unsubscribe, arn, || {
            aws.topics.unsubscribe().subscription_arn(arn).send()
        })
        .await;
    gone(answer)
}

/// The name of a subscription that no document asks for. It says nothing of where an https one leads.
fn name_beside(base: &str, subscription: &Subscription) -> String {
    let protocol = subscription.protocol().unwrap_or("unknown");
    let endpoint = subscription.endpoint().unwrap_or_default();
    let hash = short_hash(&[&format!("{protocol}:{endpoint}")]);
    format!("{base}/{protocol}-{hash}")
}

/// The reference that stands for where a subscription leads; `None` for an address, which stands for itself.
fn reference(notification: &Notification) -> Option<Value> {
    match notification {
        Notification::Email(_) => None,
        Notification::Https(Secret::FromEnv(name)) => Some(json!({ "from_env": name })),
        Notification::Https(Secret::FromSecret(name)) => Some(json!({ "from_secret": name })),
    }
}

/// Where AWS's chat integration listens ("Amazon Q Developer in chat applications", troubleshooting of its subscriptions).
const CHAT_INTEGRATION: &str = "https://global.sns-api.chatbot.amazonaws.com";

/// Subscriptions that no document asks for: whoever made one reads every alert.
pub(in crate::cloud::aws) async fn beside(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Vec<Found>, CloudError> {
    let base = &document.name;
    let cluster = document.address.split('/').next().unwrap_or_default();
    let Some(all) = subscriptions(aws, sight, base).await? else {
        return Ok(Vec::new());
    };
    let notes = tags(aws, sight, base).await?.unwrap_or_default();
    let topic = arn(aws, base);
    let mut asked = Vec::new();
    let ours = |document: &&Document| {
        document.kind == Kind::SnsSubscription && names::base(aws, document) == *base
    };
    for document in sight.documents.iter().filter(ours) {
        let noted = note::read(aws, sight, document).await?;
        // What cannot be told apart is reported where it is read.
        if let Ok(Some(found)) = matching(aws, sight, document, &noted).await {
            asked.push((
                document.address.clone(),
                found.subscription.subscription_arn().map(str::to_owned),
                found.subscription.endpoint().map(str::to_owned),
            ));
        }
    }
    let unknown_secret = sight.documents.iter().filter(ours).count() > asked.len();
    let mut beside = Vec::new();
    let is_chat = *base == chat_topic(&names::base(aws, document));
    for subscription in all.iter() {
        // Amazon Q subscribes itself where an administrator names the topic of a channel.
        if is_chat && subscription.endpoint() == Some(CHAT_INTEGRATION) {
            continue;
        }
        let is_asked = asked.iter().any(|(_, arn, endpoint)| {
            arn.as_deref() == subscription.subscription_arn()
                && endpoint.as_deref() == subscription.endpoint()
        });
        // It may be the one whose secret is not known here.
        let may_be_asked = unknown_secret && subscription.protocol() == Some("https");
        if is_asked || may_be_asked {
            continue;
        }
        // Made of a secret: the trace tells of which.
        let place = &topic;
        let trace = secret::trace(place, subscription.endpoint().unwrap_or_default());
        let declared = aws
            .environment
            .receivers()
            .into_iter()
            .find_map(|(notification, _)| {
                let name = subscription_name(base, notification);
                let address = Document::address_of(cluster, Kind::SnsSubscription, &name);
                let noted = note::of(&notes, Kind::SnsSubscription, &address);
                let endpoint = reference(notification)?;
                // A second one that is listed alike is another.
                let is_found = asked.iter().any(|(of, ..)| *of == address);
                let is_it = !is_found && is_traced(place, subscription, &noted.more);
                is_it.then_some((name, endpoint))
            });
        let (name, endpoint) = declared.unwrap_or_else(|| {
            (
                name_beside(base, subscription),
                json!(subscription.endpoint()),
            )
        });
        let address = Document::address_of(cluster, Kind::SnsSubscription, &name);
        let mut applied = note::of(&notes, Kind::SnsSubscription, &address).applied;
        let mut digest = None;
        if !is_pending(subscription) {
            let properties = subscription_properties(aws, &topic, subscription, &endpoint).await?;
            digest = Some(Fingerprint::of(Kind::SnsSubscription, &properties));
        }
        // Of a secret that no file names any more: it was ours.
        let is_of_another = |key: &str| {
            asked
                .iter()
                .all(|(of, ..)| note::tag_key(Kind::SnsSubscription, of) != key)
        };
        let traced = notes.iter().find(|(key, note)| {
            let words = [1, 1 + MASKED].map(|word| note.split(' ').nth(word));
            words.contains(&Some(trace.as_str())) && is_of_another(key)
        });
        if let Some((_, note)) = traced.filter(|_| applied.is_none()) {
            applied = note.split(' ').next().and_then(Fingerprint::parse);
            digest.clone_from(&applied);
        }
        beside.push(Found {
            address,
            kind: Some(Kind::SnsSubscription),
            name,
            digest,
            applied,
        });
    }
    Ok(beside)
}

pub(in crate::cloud::aws) async fn delete(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let (base, _) = owner_and_name(name);
    let sight = Sight::default();
    let Some(all) = subscriptions(aws, &sight, base).await? else {
        return Ok(());
    };
    let notes = tags(aws, &sight, base).await?.unwrap_or_default();
    for subscription in all.iter() {
        // Also the one that a document of that name made.
        let place = arn(aws, base);
        let noted = aws.cluster_of_base(base).map(|cluster| {
            let address = Document::address_of(&cluster, Kind::SnsSubscription, name);
            note::of(&notes, Kind::SnsSubscription, &address).more
        });
        let is_it = name_beside(base, subscription) == name
            || noted.is_some_and(|words| is_traced(&place, subscription, &words));
        if !is_it {
            continue;
        }
        // Nothing can be done about one that nobody has confirmed: SNS forgets it by itself within three days.
        if is_pending(subscription) {
            continue;
        }
        unsubscribe(aws, subscription.subscription_arn().unwrap_or_default()).await?;
    }
    Ok(())
}
