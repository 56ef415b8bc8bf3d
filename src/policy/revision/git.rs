//! Calls of the `git` program. A repository can be somebody else's: nothing that its own configuration names is run, and no
//! call lasts forever.

use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::RevisionError;
use crate::waiting;

/// How long a call may take: more than the largest repository needs.
const USUAL: Duration = Duration::from_secs(120);

/// Settings with which a repository's configuration names programs, or makes calls that do (git-config(1)), each with the
/// value that runs none.
const OFF: [(&str, &str); 6] = [
    ("core.quotePath", "false"),
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.pager", "cat"),
    ("log.showSignature", "false"),
    ("status.submoduleSummary", "false"),
];

/// The settings of filters, of which git runs some to compare a file with the index.
const FILTERS: &str = r"^filter\..*\.(clean|smudge|process|required)$";

/// Runs git on a repository's folder and returns what it prints. Its files are looked at: filters that the configuration
/// names are turned off too.
pub(super) fn of_files(root: &Path, arguments: &[&str]) -> Result<Vec<u8>, RevisionError> {
    let named = call(
        root,
        &[],
        &["config", "--null", "--name-only", "--get-regexp", FILTERS],
        b"",
    );
    let named = match named {
        Ok(named) => String::from_utf8_lossy(&named).into_owned(),
        // There is none.
        Err(RevisionError::Git(message)) if message.is_empty() => String::new(),
        Err(error) => return Err(error),
    };
    let off: Vec<(&str, &str)> = named
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(|name| {
            let value = if name.ends_with(".required") {
                "false"
            } else {
                ""
            };
            (name, value)
        })
        .collect();
    call(root, &off, arguments, b"")
}

/// Runs git on what a repository holds, with this input, and returns what it prints.
pub(super) fn of_objects(
    root: &Path,
    arguments: &[&str],
    input: &[u8],
) -> Result<Vec<u8>, RevisionError> {
    call(root, &[], arguments, input)
}

fn call(
    root: &Path,
    off: &[(&str, &str)],
    arguments: &[&str],
    input: &[u8],
) -> Result<Vec<u8>, RevisionError> {
    let settings = OFF.iter().chain(off);
    // Settings that the user gives in this way come first, and stay.
    let first = std::env::var("GIT_CONFIG_COUNT")
        .ok()
        .and_then(|count| count.parse::<usize>().ok())
        .unwrap_or_default();
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(root)
        .args(["--no-pager", "--literal-pathspecs"])
        .args(arguments)
        .env("LC_ALL", "C")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        // A partial clone would fetch what it lacks, with the program that its configuration names.
        .env("GIT_NO_LAZY_FETCH", "1")
        .env_remove("GIT_EXTERNAL_DIFF")
        // By variables: a name may hold `=`, at which `-c` ends it.
        .env(
            "GIT_CONFIG_COUNT",
            (first + settings.clone().count()).to_string(),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (at, (name, value)) in settings.enumerate() {
        let at = first + at;
        command
            .env(format!("GIT_CONFIG_KEY_{at}"), name)
            .env(format!("GIT_CONFIG_VALUE_{at}"), value);
    }
    let what = arguments.first().copied().unwrap_or_default();
    let limit = waiting::limit(USUAL);
    let (status, printed, told) = finish(command.spawn()?, input, limit)?
        .ok_or_else(|| RevisionError::Late(what.to_owned(), waiting::given_up(limit)))?;
    if status.success() {
        return Ok(printed);
    }
    let told = String::from_utf8_lossy(&told);
    let told = told
        .trim()
        .trim_start_matches("fatal: ")
        .replace('\n', "; ");
    Err(RevisionError::Git(told))
}

type Ended = (ExitStatus, Vec<u8>, Vec<u8>);

/// Waits until a program has ended; `None`, and the program is gone, if that takes too long.
fn finish(mut child: Child, input: &[u8], limit: Duration) -> std::io::Result<Option<Ended>> {
    let (stdin, input) = (child.stdin.take(), input.to_vec());
    // Git answers while it is asked: all ends have to move.
    thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
    let (over, is_over) = channel();
    let printed = read(child.stdout.take(), over.clone());
    let told = read(child.stderr.take(), over);
    // Both senders are gone when both ends were read.
    if is_over.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
        child.kill()?;
        child.wait()?;
        // What it started may hold the ends open: nobody waits for those.
        return Ok(None);
    }
    let gather = |reader: thread::JoinHandle<Vec<u8>>| reader.join().unwrap_or_default();
    Ok(Some((child.wait()?, gather(printed), gather(told))))
}

fn read(
    end: Option<impl Read + Send + 'static>,
    over: std::sync::mpsc::Sender<()>,
) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut end) = end {
            // What was read until then is all there is.
            let _ = end.read_to_end(&mut bytes);
        }
        drop(over);
        bytes
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_program_that_never_ends_is_ended() {
        let mut command = Command::new("sleep");
        command.arg("60");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let start = Instant::now();
        let ended = finish(command.spawn().unwrap(), b"", Duration::from_millis(200)).unwrap();
        assert!(ended.is_none());
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    /// More than a pipe holds, in both directions.
    #[test]
    fn much_is_written_and_read_at_once() {
        let mut command = Command::new("cat");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let input = vec![b'x'; 1 << 20];
        let ended = finish(command.spawn().unwrap(), &input, Duration::from_secs(60)).unwrap();
        let (status, printed, told) = ended.unwrap();
        assert!(status.success() && told.is_empty());
        assert_eq!(printed, input);
    }
}
