//! AWS as the doctor sees it: states, times and counts that stand in no document. Every call here reads.

mod alarm;
mod clock;
mod database;
mod event_bus;
mod function;
mod key;
mod log;
mod metric;
mod rights;

use std::collections::BTreeMap;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::connect::{Aws, Inner};
use super::service::subscription;
use super::sight::Sight;
use crate::compile::resources::{Document, Metric};
use crate::deploy::port::CloudError;
use crate::doctor::observation::{
    Alarm, Answer, Database, Decision, Function, Key, LogGroup, Observed, Request, Subscription,
};
use crate::doctor::port::{Asked, Observer, Since};
use crate::policy::model::Cluster;

pub(super) use alarm::{actions, state};
pub(super) use database::cluster_parameters;

impl Observer for Aws {
    fn now(&self) -> Result<Timestamp, CloudError> {
        self.runtime.block_on(clock::now(&self.inner))
    }

    fn database(&self, cluster: &Cluster) -> Answer<Database> {
        let read = database::read(&self.inner, cluster);
        self.runtime.block_on(read)
    }

    fn log_group(&self, name: &str) -> Answer<LogGroup> {
        self.runtime.block_on(log::read(&self.inner, name))
    }

    fn key(&self, alias: &str) -> Answer<Key> {
        self.runtime.block_on(key::read(&self.inner, alias))
    }

    fn subscription(&self, document: &Document) -> Answer<Subscription> {
        let sight = Sight::default();
        let read = subscription::observe(&self.inner, &sight, document);
        self.runtime.block_on(read)
    }

    fn event_bus(&self, arn: &str) -> Answer<()> {
        self.runtime.block_on(event_bus::read(&self.inner, arn))
    }

    fn alarm(&self, name: &str, history: Since) -> Answer<Alarm> {
        let names = [name.to_owned()];
        let read = alarm::read(&self.inner, &names, history);
        let mut alarms = self.runtime.block_on(read);
        alarms.remove(name).unwrap_or(Ok(None))
    }

    fn function(&self, name: &str, counts: Since) -> Answer<Function> {
        let sight = Sight::default();
        let read = function::read(&self.inner, &sight, name, counts);
        self.runtime.block_on(read)
    }

    fn last_data_point(
        &self,
        namespace: &str,
        metric: &Metric,
        within: Since,
    ) -> Answer<Timestamp> {
        let read = metric::last(&self.inner, namespace, metric, within);
        self.runtime.block_on(read)
    }

    fn simulate(&self, role_arn: &str, requests: &[Request]) -> Result<Vec<Decision>, CloudError> {
        let ask = rights::simulate(&self.inner, role_arn, requests);
        self.runtime.block_on(ask)
    }

    fn observe(&self, asked: &Asked<'_>) -> Observed {
        self.runtime.block_on(observe(&self.inner, asked))
    }
}

/// Asks everything side by side.
async fn observe(aws: &Inner, asked: &Asked<'_>) -> Observed {
    let sight = Sight::default();
    let subscriptions = async {
        let each = asked.subscriptions.iter().map(|document| async {
            let answer = subscription::observe(aws, &sight, document).await;
            (document.address.clone(), answer)
        });
        join_all(each).await.into_iter().collect::<BTreeMap<_, _>>()
    };
    let event_bus = async {
        match &asked.event_bus {
            Some(arn) => Some(event_bus::read(aws, arn).await),
            None => None,
        }
    };
    let (
        database,
        log_group,
        monitor_log_group,
        key,
        subscriptions,
        event_bus,
        alarms,
        function,
        heartbeat,
        decisions,
    ) = tokio::join!(
        database::read(aws, asked.cluster),
        log::read(aws, &asked.log_group),
        log::read(aws, &asked.monitor_log_group),
        key::read(aws, &asked.key),
        subscriptions,
        event_bus,
        alarm::read(aws, &asked.alarms, asked.history),
        function::read(aws, &sight, &asked.function, asked.hours),
        metric::last(
            aws,
            &asked.namespace,
            &asked.heartbeat,
            asked.heartbeat_within
        ),
        rights::simulate(aws, &asked.role, &asked.requests),
    );
    Observed {
        database,
        log_group,
        monitor_log_group,
        key,
        subscriptions,
        event_bus,
        alarms,
        function,
        heartbeat,
        decisions,
    }
}
