//! `ci publish`: brings a result to the pull request, or to the issues.

use crate::args::CiPublishArgs;
use crate::exit::Exit;
use crate::session::Session;

#[cfg(not(feature = "webhook"))]
pub(super) fn run(_session: &Session, _args: &CiPublishArgs) -> anyhow::Result<Exit> {
    anyhow::bail!(
        "this pgvigil was built without the feature `webhook`, which has the HTTP client: build it with the feature"
    )
}

#[cfg(feature = "webhook")]
pub(super) fn run(session: &Session, args: &CiPublishArgs) -> anyhow::Result<Exit> {
    use pgvigil::ci::{Forge, Run, Work};
    use pgvigil::publish::{self, Board, github::GitHub, gitlab::GitLab};
    use pgvigil::report::visible;

    let result = super::render::read(&args.result)?;
    if result.work == Work::Apply {
        session.say("nothing to publish: the summary of the run says what was applied");
        return Ok(Exit::Clean);
    }
    // Where this runs decides, not what a file of somebody else says.
    let run = Run::of(|name| std::env::var(name).ok());
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let needed = |name: &str| {
        variable(name).ok_or_else(|| anyhow::anyhow!("the variable {name} is not set"))
    };
    let request = args.request.or(run.request);
    let board: Box<dyn Board> = match run.forge {
        Forge::Github => {
            let api =
                variable("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned());
            let repository = needed("GITHUB_REPOSITORY")?;
            Box::new(GitHub::new(
                &api,
                &repository,
                request,
                &needed("GITHUB_TOKEN")?,
            )?)
        }
        Forge::Gitlab => {
            let project = needed("CI_PROJECT_ID")?;
            Box::new(GitLab::new(
                &needed("CI_API_V4_URL")?,
                &project,
                request,
                &needed("GITLAB_TOKEN")?,
            )?)
        }
        Forge::Shell => anyhow::bail!(
            "this is neither GitHub Actions nor GitLab CI: `pgvigil ci render RESULT --as comment` prints what would be written"
        ),
    };
    for (what, deed) in publish::publish(&result, &*board)? {
        let what = if what.is_empty() {
            "the repository".to_owned()
        } else {
            what
        };
        session.show(&format!("{:<9} {}\n", deed.name(), visible(&what)))?;
    }
    Ok(Exit::Clean)
}
