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

/// Bytes of a page, about. Pages are judged one by one, and the memory of a function is small.
const PAGE_BYTES: usize = 2 << 20;

/// Rows of the first page: each can be as long as a log event can be (1 MB).
const FIRST_ROWS: u32 = 8;

/// Rows of a page at most (CloudWatch Logs API, `GetQueryResults`, `maxItems`).
const ROWS_MOST: u32 = 10_000;

/// Name and value of the fields of a row.
pub(super) type Fields = Vec<(String, String)>;

/// Runs a query, waits for its end and hands over each row. Says whether there are as many rows as it asks for: then there can
/// be more, which are not here. When there is no end in time, the query is stopped: it would go on using the quota that
/// dashboards need.
pub(super) async fn run<P: World>(
    port: &P,
    patience: &Patience<'_, P>,
    request: &Request,
    each: &mut impl FnMut(&Fields) -> Result<(), RunError>,
) -> Result<bool, RunError> {
    let id = patience
        .call("start a query", async |within| {
            port.start(request, within).await
        })
        .await?;
    let result = follow(port, patience, &id, request.limit, each).await;
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
    each: &mut impl FnMut(&Fields) -> Result<(), RunError>,
) -> Result<bool, RunError> {
    const READ: &str = "read the result of the query";
    let mut pause = FIRST_LOOK;
    let mut most = FIRST_ROWS;
    let mut page = loop {
        patience.pause(READ, pause).await?;
        pause = pause.mul_f32(1.5).min(LONGEST_LOOK);
        let page = patience
            .call(READ, async |within| port.page(id, None, most, within).await)
            .await?;
        match page.progress {
            Progress::Complete => break page,
            Progress::Ended(state) => return Err(RunError::Ended { state }),
            Progress::Runs => {}
        }
    };
    let mut rows = 0;
    loop {
        rows += page.rows.len();
        for row in &page.rows {
            each(row)?;
        }
        most = next_rows(most, &page.rows);
        let Some(place) = page.next.take() else {
            return Ok(rows >= limit as usize);
        };
        // What was read is judged: its memory is for the next page.
        page.rows = Vec::new();
        page = patience
            .call(READ, async |within| {
                port.page(id, Some(&place), most, within).await
            })
            .await?;
        if page.progress != Progress::Complete || page.next.as_ref() == Some(&place) {
            return Err(RunError::Result {
                message: "its pages do not come to an end".to_owned(),
            });
        }
    }
}

/// How many rows the next page may have. The rows come with the longest first: none of the next is much longer than the last
/// one of these.
fn next_rows(most: u32, rows: &[Fields]) -> u32 {
    let length = rows.last().map_or(0, |row| {
        row.iter()
            .map(|(name, value)| name.len() + value.len())
            .sum()
    });
    let fitting = PAGE_BYTES / length.max(1);
    u32::try_from(fitting)
        .unwrap_or(ROWS_MOST)
        .min(most.saturating_mul(16))
        .clamp(1, ROWS_MOST)
}
