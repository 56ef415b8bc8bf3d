//! `watch --webhook`: a thread that posts, so that a slow receiver never holds up the reading.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use pgvigil::report::visible;
use pgvigil::watch::Watch;
use pgvigil::watch::outbox::{Answer, Batch, Told};
use pgvigil::watch::post::Webhook;
use pgvigil::watch::secret::SecretRef;

use crate::args::WatchArgs;
use crate::session::Session;

/// The thread, and the request that it works on.
pub(crate) struct Poster {
    batches: Sender<Batch>,
    answers: Receiver<Answer>,
}

/// What became of the thread.
#[derive(Debug)]
pub(crate) struct Died;

impl Poster {
    /// Starts it, if a webhook is configured. The error message contains no secret.
    pub(crate) fn start(args: &WatchArgs) -> Result<Option<Self>, String> {
        let Some(address) = &args.webhook else {
            return Ok(None);
        };
        let variable = |name: &str| std::env::var(name).ok();
        let read = |option: &str, value: &str| {
            SecretRef::parse(value)
                .and_then(|secret| secret.read(&variable))
                .map_err(|error| format!("{option}: {error}"))
        };
        let address = read("--webhook", address)?;
        let authorization = match &args.webhook_authorization {
            Some(value) => Some(read("--webhook-authorization", value)?),
            None => None,
        };
        let timeout = Duration::from_secs(args.webhook_timeout);
        let webhook = Webhook::new(&address, authorization.as_deref(), timeout)
            .map_err(|error| error.to_string())?;
        let (batches, to_post) = mpsc::channel::<Batch>();
        let (answered, answers) = mpsc::channel();
        thread::spawn(move || {
            for batch in to_post {
                if answered.send(webhook.post(&batch)).is_err() {
                    return;
                }
            }
        });
        Ok(Some(Self { batches, answers }))
    }

    /// Waits for an answer, passes it on, and posts the next batch.
    pub(crate) fn turn(
        &self,
        session: &Session,
        watch: &mut Watch,
        wait: Duration,
    ) -> Result<(), Died> {
        let answer = match self.answers.recv_timeout(wait) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Err(Died),
        };
        let Some(outbox) = watch.outbox() else {
            return Ok(());
        };
        let now = Instant::now();
        let mut told = Told::Nothing;
        let mut is_taken = false;
        if let Some(answer) = answer {
            is_taken = answer == Answer::Taken;
            told = outbox.answered(now, answer, random());
        }
        let (waiting, _) = outbox.size();
        if let Some(batch) = outbox.due(now)
            && self.batches.send(batch).is_err()
        {
            return Err(Died);
        }
        if is_taken {
            watch.metrics().webhook_took(SystemTime::now());
        }
        match told {
            Told::Nothing => {}
            Told::Broken(what) => {
                watch.metrics().warning();
                session.say(&format!(
                    "warning: the webhook does not accept records: {}; {waiting} records are queued and will be sent again",
                    visible(&what)
                ));
            }
            Told::Works => session.say("note: the webhook accepts records again"),
        }
        Ok(())
    }
}

/// The seed of a hash table is random.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
