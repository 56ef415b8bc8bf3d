//! `rules attack --database`: the same statements on a server with pgAudit.

use pgvigil::database::{AttackDatabase, Target};
use pgvigil::policy::model::{Environment, Policy};
use pgvigil::report::visible;
use pgvigil::rules::attack::generate::generate;
use pgvigil::rules::attack::server::{ConfirmError, confirm as ask};
use pgvigil::rules::attack::{AttackReport, Options};

use crate::exit::{Exit, Ran};
use crate::progress::Activity;
use crate::session::Session;
use crate::signals;

/// Statements between two lines of progress.
const SPOKEN: usize = 10_000;

/// Connects, and asks the user to confirm that this is the right database.
pub(crate) fn open(session: &Session, value: &str, auto_approve: bool) -> Ran<AttackDatabase> {
    let target = Target::parse(value, &|name| std::env::var(name).ok()).map_err(|error| {
        session.say(&format!("error: {}", visible(&error.to_string())));
        Exit::Usage
    })?;
    let database = AttackDatabase::open(&target)?;
    let question = format!(
        "Statements that read, change and delete data, some built from texts in the policy, will run in the database\n  {}\n\
         in one transaction that is rolled back. Use a throw-away server. Continue?",
        visible(&target.to_string())
    );
    if !auto_approve && !session.is_agreed(&question)? {
        session.say("nothing was changed");
        return Err(Exit::Usage.into());
    }
    Ok(database)
}

/// Runs the attacks, and rolls them back even if it fails or is stopped.
pub(crate) fn confirm(
    session: &Session,
    policy: &Policy,
    environment: &Environment,
    options: &Options,
    report: &mut AttackReport,
    mut database: AttackDatabase,
    generated: Option<usize>,
) -> Ran<()> {
    signals::listen()?;
    database.prepare()?;
    let activity = Activity::of(session, "sending statements");
    let mut watch = |done: usize, total: usize| {
        let sent = format!("{done} of {total} statements sent");
        if done.is_multiple_of(SPOKEN) && !activity.is_shown() {
            session.hint(&sent);
        }
        activity.now(&sent);
        !signals::is_asked()
    };
    let asked = match generated {
        Some(count) => {
            generate(policy, environment, count, &mut database, &mut watch).map(|found| {
                report.passed &= found.silent == 0;
                report.generated = Some(found);
            })
        }
        None => ask(
            policy,
            environment,
            session.today(),
            options,
            report,
            &mut database,
            &mut watch,
        ),
    };
    let finished = database.finish();
    drop(activity);
    match asked {
        Err(ConfirmError::Stopped) => {
            session.say("stopped; everything was undone");
            Err(Exit::Failed.into())
        }
        Err(error) => Err(error.into()),
        Ok(()) => {
            finished?;
            Ok(())
        }
    }
}
