//! `ci publish`: publishes a result on the pull request or as issues, and sets the status of required approvals.

mod approvals;

use pgvigil::ci::{CiResult, Forge, Run, Work};
use pgvigil::publish::approval::{self, CONTEXT, Gate, Needed, Request, Status};
use pgvigil::publish::{self, Board, github::GitHub, gitlab::GitLab};
use pgvigil::report::visible;

use crate::args::CiPublishArgs;
use crate::exit::{Exit, Ran};
use crate::session::Session;

/// A forge: results are written to it, and approvals are read from it.
enum Desk {
    GitHub(GitHub),
    GitLab(GitLab),
}

impl Desk {
    /// The environment variables of this run decide, not a file that someone else wrote.
    fn of(run: &Run, request: Option<u64>) -> anyhow::Result<Self> {
        let needed = |name: &str| {
            variable(name).ok_or_else(|| anyhow::anyhow!("the variable {name} is not set"))
        };
        Ok(match run.forge {
            Forge::Github => {
                let api = variable("GITHUB_API_URL")
                    .unwrap_or_else(|| "https://api.github.com".to_owned());
                let repository = needed("GITHUB_REPOSITORY")?;
                let token = needed("GITHUB_TOKEN")?;
                Self::GitHub(GitHub::new(&api, &repository, request, &token)?)
            }
            Forge::Gitlab => {
                let project = needed("CI_PROJECT_ID")?;
                let (api, token) = (needed("CI_API_V4_URL")?, needed("GITLAB_TOKEN")?);
                Self::GitLab(GitLab::new(&api, &project, request, &token)?)
            }
            Forge::Shell => anyhow::bail!(
                "this is neither GitHub Actions nor GitLab CI: `pgvigil ci render RESULT --as comment` prints what would be published"
            ),
        })
    }

    fn board(&self) -> &dyn Board {
        match self {
            Self::GitHub(forge) => forge,
            Self::GitLab(forge) => forge,
        }
    }

    fn gate(&self) -> &dyn Gate {
        match self {
            Self::GitHub(forge) => forge,
            Self::GitLab(forge) => forge,
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

pub(super) fn run(session: &Session, args: &CiPublishArgs) -> Ran {
    let result = match &args.result {
        Some(path) => Some(super::form::read(path)?),
        None => None,
    };
    if result
        .as_ref()
        .is_some_and(|result| result.work == Work::Apply)
    {
        session.say("nothing to publish: the summary of the run shows what was applied");
        return Ok(Exit::Clean);
    }
    let run = Run::of(|name| std::env::var(name).ok());
    let mut number = args.request.or(run.request);
    if let Some(commit) = &args.commit {
        number = Some(the_request(&Desk::of(&run, None)?, commit)?);
    }
    let desk = Desk::of(&run, number)?;
    if let Some(result) = &result {
        for (what, deed) in publish::publish(result, desk.board())? {
            let what = if what.is_empty() {
                "the repository".to_owned()
            } else {
                what
            };
            session.show(&format!("{:<9} {}\n", deed.name(), visible(&what)))?;
        }
        if result.work != Work::Pr || args.comments_only {
            return Ok(Exit::Clean);
        }
    }
    let numbers = match number {
        Some(number) => vec![number],
        None if args.open => desk.gate().open_requests(None)?,
        None => {
            return Err(anyhow::anyhow!(
                "no request is named: give --request NUMBER, --commit COMMIT or --open"
            )
            .into());
        }
    };
    for number in numbers {
        let request = desk.gate().request(number)?;
        status(session, args, &desk, &run, &request, result.as_ref())?;
    }
    Ok(Exit::Clean)
}

/// The open request into the default branch whose last commit this is.
fn the_request(desk: &Desk, commit: &str) -> anyhow::Result<u64> {
    for number in desk.gate().open_requests(Some(commit))? {
        let request = desk.gate().request(number)?;
        if request
            .default_branch
            .as_ref()
            .is_none_or(|branch| *branch == request.target)
        {
            return Ok(number);
        }
    }
    anyhow::bail!(
        "no open request into the default branch has the last commit {}",
        visible(commit)
    )
}

/// Sets the status of a request.
fn status(
    session: &Session,
    args: &CiPublishArgs,
    desk: &Desk,
    run: &Run,
    request: &Request,
    result: Option<&CiResult>,
) -> anyhow::Result<()> {
    // The status belongs to the commit. Another request with the same commit, into a branch that was created for it, must
    // not decide.
    if request
        .default_branch
        .as_ref()
        .is_some_and(|branch| *branch != request.target)
    {
        session.show(&format!(
            "no status {CONTEXT}: the request {} targets {}, which is not the default branch\n",
            request.number,
            visible(&request.target)
        ))?;
        return Ok(());
    }
    let base = args.base.as_deref().unwrap_or(&request.base);
    let status = match approvals::needed(session, base, &request.head) {
        Ok((mut needed, owners)) => {
            told(result, &mut needed);
            approval::decide(&needed, request, &owners, desk.gate())?
        }
        Err(error) => {
            let mut needed = Needed::default();
            told(result, &mut needed);
            // The result of the change's own run can only ask for too few approvals, so it is used if it asks for more and no base is given.
            if args.base.is_none() && needed.count > 0 {
                approval::decide(&needed, request, &Default::default(), desk.gate())?
            } else {
                Status::not_known(&format!("{error:#}"))
            }
        }
    };
    let page = run.url.as_deref();
    desk.gate().set_status(request, &status, page)?;
    session.show(&format!(
        "{:<9} {CONTEXT} of {}: {}\n",
        if status.is_success {
            "success"
        } else {
            "failure"
        },
        request.number,
        visible(&status.description)
    ))?;
    Ok(())
}

/// A run that requires more approvals is respected, whoever made it.
fn told(result: Option<&CiResult>, needed: &mut Needed) {
    let reports = result
        .into_iter()
        .flat_map(|result| &result.environments)
        .filter_map(|environment| environment.impact.as_ref());
    for report in reports {
        if report.approvals.required > needed.count {
            needed.count = report.approvals.required;
            needed.reasons.clone_from(&report.approvals.reasons);
        }
        needed
            .not_by
            .extend(report.approvals.not_by.iter().cloned());
    }
}
