//! Whether somebody asked for a stop: Ctrl-C, and the signals with which pipelines cancel a job.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;

use crate::progress;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Whether somebody looks at the flag.
static IS_HEARD: AtomicBool = AtomicBool::new(false);

/// Whether somebody else has handlers.
static IS_LEFT: AtomicBool = AtomicBool::new(false);

/// What a shell says of a program that Ctrl-C has ended.
const INTERRUPTED: i32 = 130;

/// Listens from now on, and does not end the program any more: whoever listens has to look at the flag.
pub(crate) fn listen() -> anyhow::Result<&'static AtomicBool> {
    install().context("cannot listen for signals")?;
    IS_HEARD.store(true, Ordering::SeqCst);
    Ok(&ASKED)
}

/// Leaves all signals to a command that has handlers of its own.
pub(crate) fn leave() {
    IS_LEFT.store(true, Ordering::SeqCst);
}

/// Wipes what is drawn before a signal ends the program.
pub(crate) fn wipe() {
    if IS_LEFT.load(Ordering::SeqCst) {
        return;
    }
    // Without it a line is left on the terminal, and nothing else is lost.
    let _ = install();
}

/// One handler for all: there can be no second.
fn install() -> Result<(), ctrlc::Error> {
    static INSTALLED: Once = Once::new();
    let mut installed = Ok(());
    INSTALLED.call_once(|| {
        #[allow(clippy::exit, reason = "a handler of signals cannot return to main")]
        let handler = || {
            ASKED.store(true, Ordering::SeqCst);
            if !IS_HEARD.load(Ordering::SeqCst) {
                progress::clear_all();
                std::process::exit(INTERRUPTED);
            }
        };
        installed = ctrlc::set_handler(handler);
    });
    installed
}

/// Whether a stop was asked for since somebody listens.
pub(crate) fn is_asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}
