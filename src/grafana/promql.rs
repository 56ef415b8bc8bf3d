//! Expressions of PromQL that dashboards and alert rules share.

/// How much a counter grew in a range.
///
/// A series of `watch` begins when its first record comes, so it begins at 1, and `increase` does not see that. Its first
/// value is added if Prometheus has no older sample. `min_over_time` is that value: a counter only grows, and a value after
/// a restart can only make the sum too small. `last_over_time` looks at five minutes, so that one failed scrape makes no
/// series look new.
///
/// `range` is a duration, or a variable of Grafana that is one.
pub(super) fn grown(series: &str, range: &str) -> String {
    format!(
        "(increase({series}[{range}]) + (min_over_time({series}[{range}]) \
         unless last_over_time({series}[5m] offset {range}))) or increase({series}[{range}])"
    )
}
