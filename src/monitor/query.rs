//! One query, from its start to the last page of its result.

use std::time::Duration;

use super::RunError;
use super::attempt::Patience;
use super::port::{Progress, World};
use crate::insights::service::Request;

/// Before the first look at a query; grows by half each time.
const FIRST_LOOK: Duration = Duration::from_millis(100);

/// Between two looks at most.
const LONGEST_LOOK: Duration = Duration::from_secs(5);

/// For stopping a query that nobody waits for any more.
const STOP: Duration = Duration::from_secs(2);

/// The whole result of a query.
pub(super) struct Rows {
    /// Name and value of the fields, row by row.
    pub(super) rows: Vec<Vec<(String, String)>>,
    /// There are as many as the query asks for: there can be more, which are not here.
    pub(super) cut: bool,
}

/// Runs a query and waits for its end. When there is none in time, it is stopped: it would go on using the quota that
/// dashboards need.
pub(super) async fn run<P: World>(
    port: &P,
    patience: &Patience<'_, P>,
    request: &Request,
) -> Result<Rows, RunError> {
    let id = patience
        .call("start a query", async |within| {
            port.start(request, within).await
        })
        .await?;
    let result = follow(port, patience, &id, request.limit).await;
    if matches!(&result, Err(error) if !matches!(error, RunError::Ended { .. })) {
        // As well as it can: one that nobody stops ends by itself.
        let _ = port.stop(&id, STOP).await;
    }
    result
}

async fn follow<P: World>(
    port: &P,
    patience: &Patience<'_, P>,
    id: &str,
    limit: u32,
) -> Result<Rows, RunError> {
    const READ: &str = "read the result of the query";
    let mut pause = FIRST_LOOK;
    let first = loop {
        patience.pause(READ, pause).await?;
        pause = pause.mul_f32(1.5).min(LONGEST_LOOK);
        let page = patience
            .call(READ, async |within| port.page(id, None, within).await)
            .await?;
        match page.progress {
            Progress::Complete => break page,
            Progress::Ended(state) => return Err(RunError::Ended { state }),
            Progress::Runs => {}
        }
    };
    let (mut rows, mut next) = (first.rows, first.next);
    while let Some(place) = next.take() {
        let page = patience
            .call(READ, async |within| {
                port.page(id, Some(&place), within).await
            })
            .await?;
        if page.progress != Progress::Complete || page.next.as_ref() == Some(&place) {
            return Err(RunError::Result {
                message: "its pages do not come to an end".to_owned(),
            });
        }
        rows.extend(page.rows);
        next = page.next;
    }
    Ok(Rows {
        cut: rows.len() >= limit as usize,
        rows,
    })
}
