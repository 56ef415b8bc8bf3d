//! `adopt`: takes over what other scripts or Terraform made for the same clusters.

use std::io::IsTerminal as _;

use pgvigil::compile;
use pgvigil::compile::resources::Document;
use pgvigil::deploy::{Identity, Prune, Reader, plan_pruned};
use pgvigil::policy::Loaded;
use pgvigil::policy::model::{Environment, Provider};
use pgvigil::report::adopt::{human, human_run, human_step, json, json_run};
use pgvigil::takeover::adopt::proof::Heartbeat;
use pgvigil::takeover::adopt::retire::{Run, State, Wish};
use pgvigil::takeover::adopt::{Finder, Retirer, Search, adoption, proofs, retirement};

use crate::args::{AdoptAlso, AdoptArgs, AdoptFormat};
use crate::commands::deploy::deployment::refuse_elsewhere;
use crate::commands::deploy::ground::{Ground, NoProvider};
use crate::commands::deploy::provider_aws;
use crate::exit::{Exit, Ran};
use crate::progress::Activity;
use crate::session::Session;
use crate::signals;

/// What the progress shows while an account is searched.
const LOOKING: &str = "looking for other stacks";

pub(crate) fn run(session: &Session, args: &AdoptArgs) -> Ran {
    let loaded = session.sound()?;
    let environment = session.environment(&loaded, &args.env)?;
    if environment.provider == Provider::Local {
        return Err(NoProvider(format!(
            "the environment `{}` is a local folder, which no other stack can watch",
            environment.name
        ))
        .into());
    }
    let ground = Ground::of(session);
    if args.retire {
        let retirer = provider_aws::retirer(ground, environment)?;
        return Taking::new(session, args, &loaded, environment, &*retirer)?.run();
    }
    // A search gets a provider that cannot write.
    let finder = provider_aws::finder(ground, environment)?;
    look(session, args, &loaded, environment, &*finder)
}

/// The environment's documents. Refuses credentials that lead elsewhere.
fn documents(
    session: &Session,
    loaded: &Loaded,
    environment: &Environment,
    reader: &dyn Reader,
) -> anyhow::Result<Vec<Document>> {
    refuse_elsewhere(environment, reader)?;
    let mut documents = compile::compile(loaded, environment, session.today()).documents;
    reader.resolve(&mut documents)?;
    Ok(documents)
}

fn look(
    session: &Session,
    args: &AdoptArgs,
    loaded: &Loaded,
    environment: &Environment,
    finder: &dyn Finder,
) -> Ran {
    let activity = Activity::of(session, LOOKING);
    let documents = documents(session, loaded, environment, finder)?;
    let search = Search::new(environment, &documents, &args.functions);
    let remains = finder.find(&search)?;
    drop(activity);
    let adoption = adoption(environment, &documents, &search, &remains);
    session.show(&match args.format {
        AdoptFormat::Human => human(&adoption, session.style()),
        AdoptFormat::Json => json(&adoption),
    })?;
    if adoption.unread.is_empty() {
        return Ok(Exit::Clean);
    }
    session.say("error: some things could not be read: the report is incomplete");
    Ok(Exit::Failed)
}

/// A run that takes stacks out of service.
struct Taking<'a> {
    session: &'a Session,
    args: &'a AdoptArgs,
    identity: Identity,
    documents: Vec<Document>,
    search: Search,
    wish: Wish,
    retirer: &'a dyn Retirer,
}

impl<'a> Taking<'a> {
    fn new(
        session: &'a Session,
        args: &'a AdoptArgs,
        loaded: &Loaded,
        environment: &Environment,
        retirer: &'a dyn Retirer,
    ) -> anyhow::Result<Self> {
        let documents = documents(session, loaded, environment, retirer)?;
        Ok(Self {
            session,
            args,
            identity: Identity::of(environment),
            search: Search::new(environment, &documents, &args.functions),
            documents,
            wish: Wish {
                delete: args.delete,
                roles: args.also.contains(&AdoptAlso::Role),
                alarms: args.alarms.clone(),
            },
            retirer,
        })
    }

    /// The steps that are left to do, and whether they are allowed.
    fn planned(&self) -> anyhow::Result<Run> {
        let _activity = Activity::of(self.session, LOOKING);
        let reader: &dyn Reader = self.retirer;
        let plan = plan_pruned(&self.identity, &self.documents, reader, &Prune::default())?;
        let remains = self.retirer.find(&self.search)?;
        let heartbeats = Heartbeat::all(&self.documents);
        let beats = self.retirer.beats(&heartbeats)?;
        let proofs = proofs(
            &plan,
            &heartbeats,
            &beats,
            &self.search,
            &remains,
            self.wish.delete,
        );
        let retirement = retirement(&self.search, &remains, &self.wish);
        let mut run = Run::planned(self.identity.clone(), proofs, retirement);
        run.without_proof = self.args.without_proof;
        Ok(run)
    }

    fn run(&self) -> Ran {
        let session = self.session;
        let planned = self.planned()?;
        if self.args.format == AdoptFormat::Human {
            session.show(&human_run(&planned, session.style()))?;
        }
        if planned.steps.is_empty() {
            session.hint("there is nothing to take out of service");
            return self.end(&planned, Exit::Clean);
        }
        if !planned.is_proven() {
            if !self.args.without_proof {
                session.say(
                    "error: nothing was changed: could not confirm that pgvigil's own stack works, so the clusters \
                     might be left unwatched; use --without-proof to continue anyway",
                );
                return self.end(&planned, Exit::Failed);
            }
            session.say("warning: continuing without proof: the clusters might be left unwatched");
        }
        if let Some(exit) = self.refused(&planned)? {
            return self.end(&planned, exit);
        }
        // The account can have changed while the user read and agreed.
        let mut run = self.planned()?;
        if run.steps != planned.steps || run.is_proven() != planned.is_proven() {
            session
                .say("error: nothing was changed: the account changed since the steps were shown");
            return self.end(&planned, Exit::Failed);
        }
        signals::listen()?;
        let mut told = Ok(());
        run.carry_out(self.retirer, &signals::is_asked, &mut |taken| {
            if self.args.format == AdoptFormat::Human && told.is_ok() {
                told = session.show(&format!("{}\n", human_step(taken, session.style())));
            }
        });
        told?;
        if !run.is_complete() {
            let left = run
                .steps
                .iter()
                .filter(|taken| taken.state != State::Done)
                .count();
            session.say(&format!(
                "error: {left} steps were not done; run the same command again to continue"
            ));
            return self.end(&run, Exit::PartlyApplied);
        }
        let left = self.planned()?.steps.len();
        if left > 0 {
            session.say(&format!(
                "error: every step was done, but {left} are left: the account changed in the meantime"
            ));
            return self.end(&run, Exit::PartlyApplied);
        }
        self.end(&run, Exit::Clean)
    }

    fn end(&self, run: &Run, exit: Exit) -> Ran {
        if self.args.format == AdoptFormat::Json {
            self.session.show(&json_run(run))?;
        }
        Ok(exit)
    }

    /// Asks for approval of the steps; returns the exit code if it is not given.
    fn refused(&self, run: &Run) -> anyhow::Result<Option<Exit>> {
        let session = self.session;
        let deletions = run
            .steps
            .iter()
            .filter(|taken| taken.step.deletes())
            .count();
        let is_somebody_here = std::io::stdin().is_terminal();
        let refuse = |why: String| {
            session.say(&format!("error: {why}"));
            Ok(Some(Exit::Usage))
        };
        match self.args.allow_delete {
            Some(allowed) if allowed != deletions => refuse(format!(
                "nothing was changed: {deletions} steps delete or remove something, but --allow-delete is {allowed}"
            )),
            Some(_) if deletions > 0 => Ok(None),
            _ if deletions > 0 && !is_somebody_here => refuse(format!(
                "nothing was changed: {deletions} steps delete or remove something, but there is no terminal to confirm on: \
                 confirm them with --allow-delete {deletions}"
            )),
            _ if deletions > 0 => {
                let name = &self.identity.environment;
                let question =
                    format!("\n{deletions} steps delete or remove something in `{name}`.");
                self.asked(&question, name)
            }
            _ if self.args.auto_approve => Ok(None),
            _ if !is_somebody_here => refuse(
                "nothing was changed: there is no terminal to ask for approval: use --auto-approve"
                    .to_owned(),
            ),
            _ => self.asked("\nDisable these schedules?", "yes"),
        }
    }

    fn asked(&self, question: &str, word: &str) -> anyhow::Result<Option<Exit>> {
        if self.session.is_typed(question, word)? {
            return Ok(None);
        }
        self.session.say("nothing was changed");
        Ok(Some(Exit::Clean))
    }
}
