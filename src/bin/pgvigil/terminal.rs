//! The bars on the terminal: printed text goes above them, and a signal clears them.

use std::sync::Mutex;

use indicatif::ProgressBar;

/// Bars that are drawn, or might be.
static BARS: Mutex<Vec<ProgressBar>> = Mutex::new(Vec::new());

/// Keeps a bar, to clear it before a signal ends the program.
pub(crate) fn keep(bar: &ProgressBar) {
    if let Ok(mut bars) = BARS.lock() {
        bars.retain(|bar| !bar.is_finished());
        bars.push(bar.clone());
    }
}

pub(crate) fn clear_all() {
    let bars = BARS.lock().map(|bars| bars.clone()).unwrap_or_default();
    for bar in bars {
        bar.finish_and_clear();
    }
}

/// The bar that is drawn at this moment.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Prints above the bar that is drawn.
pub(crate) fn aside<T>(print: impl FnOnce() -> T) -> T {
    let shown = SHOWN.lock().ok().and_then(|shown| shown.clone());
    match shown {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

/// Sets the bar that is drawn at this moment.
pub(crate) fn remember(bar: Option<ProgressBar>) {
    if let Ok(mut shown) = SHOWN.lock() {
        *shown = bar;
    }
}
