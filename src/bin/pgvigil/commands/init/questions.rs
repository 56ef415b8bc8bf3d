//! The questions of `init`, on a terminal: each has a default, and none is asked that an option answers.

use std::io::{BufRead as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use pgvigil::begin::wish::{is_account, is_cluster, is_region};
use pgvigil::report::visible;

use super::usual::{forge_of, usual_region};
use crate::args::{ForgeArg, InitArgs, ProviderArg};
use crate::session::Session;

/// Options and answers in one form.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    pub(super) provider: Option<ProviderArg>,
    pub(super) environments: Vec<String>,
    pub(super) accounts: Vec<String>,
    pub(super) regions: Vec<String>,
    pub(super) clusters: Vec<String>,
    pub(super) owner: Option<String>,
    pub(super) users: Vec<String>,
    pub(super) emails: Vec<String>,
    pub(super) forge: Option<ForgeArg>,
    pub(super) code_owners: Vec<String>,
    pub(super) import_clusters: bool,
}

impl Answers {
    pub(super) fn of(args: &InitArgs) -> Self {
        Self {
            provider: args.provider,
            environments: args.environments.clone(),
            accounts: args.accounts.clone(),
            regions: args.regions.clone(),
            clusters: args.clusters.clone(),
            owner: args.owner.clone(),
            users: args.users.clone(),
            emails: args.emails.clone(),
            forge: args.forge,
            code_owners: args.code_owners.clone(),
            import_clusters: args.import_clusters,
        }
    }
}

pub(super) struct Questions<'a> {
    session: &'a Session,
    root: &'a Path,
}

/// `None` when the input ended.
type Answer = anyhow::Result<Option<String>>;

impl<'a> Questions<'a> {
    pub(super) fn new(session: &'a Session, root: &'a Path) -> Self {
        Self { session, root }
    }

    /// Asks for everything that no option sets. `None` if the input ended: then nothing is done.
    pub(super) fn ask(&self, mut answers: Answers) -> anyhow::Result<Option<Answers>> {
        macro_rules! asked {
            ($answer:expr) => {
                match $answer? {
                    Some(answer) => answer,
                    None => return Ok(None),
                }
            };
        }
        self.session.say(&format!(
            "A new policy repository in {}. Enter accepts the value in brackets; Ctrl-C stops and writes nothing.\n",
            visible(&self.root.display().to_string())
        ));
        if answers.provider.is_none() {
            let word = asked!(self.one_of(
                "Deploy to AWS, or try it in a local folder?",
                &["aws", "local"],
                "local"
            ));
            answers.provider = Some(if word == "aws" {
                ProviderArg::Aws
            } else {
                ProviderArg::Local
            });
        }
        let is_aws = answers.provider == Some(ProviderArg::Aws);
        if answers.environments.is_empty() {
            let usual = if is_aws { "production" } else { "local" };
            answers.environments = list(&asked!(self.text(
                "Environments, separated by spaces, in the order of deployment",
                usual
            )));
        }
        let names = answers.environments.clone();
        if is_aws {
            if answers.accounts.is_empty() {
                for name in &names {
                    let account = asked!(self.valid(
                        &format!("AWS account of {name}, twelve digits"),
                        "",
                        &is_account
                    ));
                    answers.accounts.push(format!("{name}={account}"));
                }
            }
            if answers.regions.is_empty() {
                let usual = usual_region().unwrap_or_else(|| "eu-central-1".to_owned());
                for name in &names {
                    let region =
                        asked!(self.valid(&format!("AWS region of {name}"), &usual, &is_region));
                    answers.regions.push(format!("{name}={region}"));
                }
            }
            if cfg!(feature = "aws") && answers.clusters.is_empty() && !answers.import_clusters {
                let word = asked!(self.one_of(
                    "List the clusters in RDS, with the AWS credentials of this machine?",
                    &["yes", "no"],
                    "no"
                ));
                answers.import_clusters = word == "yes";
            }
        }
        if answers.clusters.is_empty() && !answers.import_clusters {
            for name in &names {
                let usual = if is_aws { "" } else { "shop" };
                let all = |text: &str| {
                    let names = list(text);
                    !names.is_empty() && names.iter().all(|name| is_cluster(name))
                };
                let clusters = asked!(self.valid(
                    &format!("Aurora clusters of {name}, separated by spaces"),
                    usual,
                    &all
                ));
                answers.clusters.extend(
                    list(&clusters)
                        .into_iter()
                        .map(|cluster| format!("{name}={cluster}")),
                );
            }
        }
        if answers.owner.is_none() {
            answers.owner = Some(asked!(
                self.text("Team that owns the policy", "data-platform")
            ));
        }
        if answers.users.is_empty() {
            answers.users = list(&asked!(self.text("Database roles of people to audit, separated by spaces; `enrol import` can find them later", "")));
        }
        if is_aws && answers.emails.is_empty() {
            answers.emails = list(&asked!(
                self.text("Email addresses to notify when an alarm fires", "")
            ));
        }
        if answers.forge.is_none() {
            let usual = match forge_of(self.root) {
                ForgeArg::Gitlab => "gitlab",
                _ => "github",
            };
            answers.forge = Some(
                match asked!(self.one_of(
                    "Where are pull requests reviewed?",
                    &["github", "gitlab", "none"],
                    usual
                ))
                .as_str()
                {
                    "github" => ForgeArg::Github,
                    "gitlab" => ForgeArg::Gitlab,
                    _ => ForgeArg::None,
                },
            );
        }
        Ok(Some(answers))
    }

    fn line(&self, question: &str, usual: &str) -> Answer {
        let mut terminal = std::io::stderr().lock();
        let usual = if usual.is_empty() {
            String::new()
        } else {
            format!(" [{usual}]")
        };
        write!(terminal, "{question}{usual}: ").context("cannot ask")?;
        terminal.flush().context("cannot ask")?;
        let mut answer = String::new();
        let length = std::io::stdin()
            .lock()
            .read_line(&mut answer)
            .context("cannot read the answer")?;
        if length == 0 {
            let _ = writeln!(terminal);
            return Ok(None);
        }
        Ok(Some(answer.trim().to_owned()))
    }

    fn text(&self, question: &str, usual: &str) -> Answer {
        let answer = self.line(question, usual)?;
        Ok(answer.map(|answer| {
            if answer.is_empty() {
                usual.to_owned()
            } else {
                answer
            }
        }))
    }

    /// Asks again until the answer has its form.
    fn valid(&self, question: &str, usual: &str, is_valid: &dyn Fn(&str) -> bool) -> Answer {
        loop {
            match self.text(question, usual)? {
                Some(answer) if !is_valid(&answer) => {
                    self.session
                        .say(&format!("  `{}` is not valid here.", visible(&answer)));
                }
                other => return Ok(other),
            }
        }
    }

    fn one_of(&self, question: &str, words: &[&str], usual: &str) -> Answer {
        let question = format!("{question} ({})", words.join(", "));
        let answer = self.valid(&question, usual, &|answer| {
            words.iter().any(|word| is_short_for(answer, word))
        })?;
        let whole = |answer: String| {
            let word = words.iter().find(|word| is_short_for(&answer, word));
            word.map_or(answer.clone(), |word| (*word).to_owned())
        };
        Ok(answer.map(whole))
    }
}

/// `y` for `yes`; `gitl` for `gitlab`. The first word that fits is meant.
fn is_short_for(answer: &str, word: &str) -> bool {
    !answer.is_empty() && word.starts_with(&answer.to_lowercase())
}

fn list(text: &str) -> Vec<String> {
    text.split([' ', ','])
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
