//! The README of a new repository: what is where, and what is left to do.

use super::wish::{Forge, Wish};
use crate::policy::model::Provider;
use crate::policy::scalar::remark;

/// The file.
pub fn readme(wish: &Wish) -> String {
    let is_aws = wish.provider == Provider::Aws;
    let name = wish
        .environments
        .first()
        .map_or("ENVIRONMENT", |environment| environment.name.as_str());
    let mut text = format!(
        "# Audit of human access to PostgreSQL\n\n\
         Who is audited, which noise does not count, and where that runs. pgvigil compiles these files into one query, enrolment\n\
         SQL and settings of the monitor, proves them on real audit logs, and deploys them. Owner: {}.\n\n\
         | here | stands |\n| --- | --- |\n\
         | `rules/users.yaml` | people who are audited, and accounts that are not |\n\
         | `rules/exclusions.yaml` | noise that does not count, with the records that each exclusion silences and those that stay loud |\n\
         | `environments/` | accounts, regions and clusters; what all share stands in `base.yaml` |\n\
         | `samples/` | audit logs on which a change of the rules is tried |\n\
         | `schema/` | what the files may hold, for editors; `pgvigil schema` writes it anew after an update |\n\n\
         ## Every day\n\n\
         A change is a pull request. Before it:\n\n```sh\npgvigil check\npgvigil rules test\npgvigil rules attack --env {name}\n```\n\n\
         `git config core.hooksPath .githooks` runs `pgvigil check` before each commit.\n",
        prose(&wish.owner)
    );
    if is_aws {
        text.push_str(&format!(
            "\n## Once\n\n\
             1. Each cluster has to export its log and preload pgAudit: `pgvigil doctor --env {name}` tells what is missing.\n\
             2. `pgvigil enrol import --env {name} --database URL` adds the login roles of a database to `rules/users.yaml`;\n   \
             `pgvigil enrol plan` and `enrol apply` switch their audit on.\n\
             3. `pgvigil iam-policy --env {name} --for plan`, and `--for apply`, print the rights that the two roles need.\n\
             4. `pgvigil plan --env {name}` shows what an apply would make.\n"
        ));
    }
    match wish.forge {
        Forge::None => {}
        Forge::Github => github(&mut text, wish, is_aws),
        Forge::Gitlab => gitlab(&mut text),
    }
    text
}

/// A name of somebody's as prose of Markdown: no mark of it has a meaning.
fn prose(owner: &str) -> String {
    let mut text = String::new();
    for sign in remark(owner).chars() {
        match sign {
            '<' => text.push_str("&lt;"),
            '&' => text.push_str("&amp;"),
            _ if sign.is_ascii_punctuation() && !"@-.,'/".contains(sign) => {
                text.push('\\');
                text.push(sign);
            }
            _ => text.push(sign),
        }
    }
    text
}

/// What names the program, and nothing else: neither a workflow nor this page names a package of a registry, where a
/// stranger could hold the name. A program that was released knows where its release is.
fn program(repository: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let archive = format!("pgvigil-{version}-x86_64-unknown-linux-gnu.tar.gz");
    let (place, example) = match repository {
        "" => (
            "where a pgvigil for Linux x86_64 is fetched from, alone or in a `.tar.gz`. Build one and put it where the runners reach it: no release is known to this pgvigil".to_owned(),
            String::new(),
        ),
        _ => (
            format!("`{repository}/releases/download/v{version}/{archive}`, or a copy of it"),
            format!(", the line `{archive}` of `SHA256SUMS` in the release"),
        ),
    };
    format!(
        "| `PGVIGIL_URL` | {place} |\n\
         | `PGVIGIL_SHA256` | its checksum{example}: another file is refused |\n\
         | `PGVIGIL_VERSION` | `{version}`, or the newer version that you change to: a program that says another one is refused |\n"
    )
}

fn github(text: &mut String, wish: &Wish, is_aws: bool) {
    text.push_str(
        "\n## What GitHub has to know\n\n\
         Repository variables (Settings, Secrets and variables, Actions):\n\n\
         | variable | holds |\n| --- | --- |\n",
    );
    text.push_str(&program(env!("CARGO_PKG_REPOSITORY")));
    if is_aws {
        text.push_str(
            "| `PGVIGIL_PLAN_ROLE` | ARN of a role that may only read. Trust: `token.actions.githubusercontent.com`, `sub` = `repo:ORG/REPO:pull_request` and `repo:ORG/REPO:ref:refs/heads/main` |\n\
             | `PGVIGIL_PACKAGE_URL`, `PGVIGIL_PACKAGE_SHA256` | `pgvigil-monitor-arm64.zip` and its checksum, for the first apply and for updates |\n",
        );
        text.push_str("\nGitHub environments (Settings, Environments), each with required reviewers and the branch `main` only:\n\n| environment | variable `PGVIGIL_APPLY_ROLE` | secrets |\n| --- | --- | --- |\n");
        for environment in &wish.environments {
            let secrets: Vec<String> = environment
                .https
                .iter()
                .map(|name| format!("`{}`", remark(name)))
                .collect();
            let secrets = if secrets.is_empty() {
                "none".to_owned()
            } else {
                secrets.join(", ")
            };
            let name = &environment.name;
            text.push_str(&format!(
                "| `{name}` | ARN of a role that may write. Trust: `sub` = `repo:ORG/REPO:environment:{name}` and nothing else | {secrets} |\n"
            ));
        }
    }
    text.push_str(
        "\nAsk for a review of code owners on `main` (Settings, Rules), and for two checks: *Review*, and the status\n\
         `pgvigil/approvals`, which fails until as many people agree as `limits` asks for, and none of them had a hand in the change.\n\
         `.github/CODEOWNERS` says whom. Where it names a team, the secret `PGVIGIL_TOKEN` of the GitHub environment\n\
         `pgvigil-approvals` (branch `main` only) holds a token that may read the team's members. Whoever may push to this repository can set a status: ask for one of an app of your own if that is too many.\n",
    );
}

fn gitlab(text: &mut String) {
    text.push_str(
        "\n## What GitLab has to know\n\nThe head of `.gitlab-ci.yml` lists the variables of the project. Those that name the program:\n\n| variable | holds |\n| --- | --- |\n",
    );
    text.push_str(&program(env!("CARGO_PKG_REPOSITORY")));
    text.push_str(
        "\nProtect the branch `main`, and ask for the approval of\n\
         code owners: `.gitlab/CODEOWNERS` says whom. Pipelines must succeed (Settings, Merge requests): the status\n\
         `pgvigil/approvals` fails until as many people agree as `limits` asks for, and none of them had a hand in the change.\n\
         A schedule with `PGVIGIL_TASK=approvals` sets it.\n",
    );
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    fn a_program_of_a_release_says_what_to_fetch_and_another_one_names_no_place() {
        let released = program("https://github.com/shop/pgvigil");
        let version = env!("CARGO_PKG_VERSION");
        let url = format!(
            "https://github.com/shop/pgvigil/releases/download/v{version}/pgvigil-{version}-x86_64-unknown-linux-gnu.tar.gz"
        );
        assert!(released.contains(&url), "{released}");
        let unreleased = program("");
        assert!(!unreleased.contains("://"), "{unreleased}");
        for text in [released, unreleased] {
            for name in ["PGVIGIL_URL", "PGVIGIL_SHA256", "PGVIGIL_VERSION"] {
                assert!(text.contains(name), "{text}");
            }
        }
    }
}
