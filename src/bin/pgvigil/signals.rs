//! Whether the user or a pipeline requested a stop: by Ctrl-C, or by the signals that cancel a job.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;

use crate::terminal;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Whether a command checks the flag.
static IS_HEARD: AtomicBool = AtomicBool::new(false);

/// Whether a command has handlers of its own.
static IS_LEFT: AtomicBool = AtomicBool::new(false);

/// The exit code that a shell shows for a program ended by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// From now on a signal sets the flag instead of ending the program: the caller has to check the flag.
pub(crate) fn listen() -> anyhow::Result<&'static AtomicBool> {
    install().context("cannot listen for signals")?;
    IS_HEARD.store(true, Ordering::SeqCst);
    Ok(&ASKED)
}

/// From now on a signal ends the program, as before `listen`.
pub(crate) fn end() {
    IS_HEARD.store(false, Ordering::SeqCst);
}

/// Leaves all signals to a command that has handlers of its own.
pub(crate) fn leave() {
    IS_LEFT.store(true, Ordering::SeqCst);
}

/// Clears the progress from the terminal before a signal ends the program.
pub(crate) fn wipe() {
    if IS_LEFT.load(Ordering::SeqCst) {
        return;
    }
    // If this fails, a line stays on the terminal; nothing else is lost.
    let _ = install();
}

/// Installs the handler: a process can have only one.
fn install() -> Result<(), ctrlc::Error> {
    static INSTALLED: Once = Once::new();
    let mut installed = Ok(());
    INSTALLED.call_once(|| {
        #[allow(clippy::exit, reason = "a handler of signals cannot return to main")]
        let handler = || {
            ASKED.store(true, Ordering::SeqCst);
            if !IS_HEARD.load(Ordering::SeqCst) {
                terminal::clear_all();
                std::process::exit(INTERRUPTED);
            }
        };
        installed = ctrlc::set_handler(handler);
    });
    installed
}

/// Whether a stop was requested since `listen`.
pub(crate) fn is_asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}
