//! Whether somebody asked for a stop: Ctrl-C, and the signals with which pipelines cancel a job.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Listens from now on, and does not end the program any more: whoever listens has to look at the flag.
pub(crate) fn listen() -> anyhow::Result<&'static AtomicBool> {
    static LISTENS: Once = Once::new();
    let mut listens = Ok(());
    // One run may do several things that can be stopped.
    LISTENS.call_once(|| listens = ctrlc::set_handler(|| ASKED.store(true, Ordering::SeqCst)));
    listens.context("cannot listen for signals")?;
    Ok(&ASKED)
}

/// Whether a stop was asked for since somebody listens.
pub(crate) fn is_asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}
