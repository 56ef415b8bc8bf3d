//! The README of a new repository: what is where, and what is left to do.

use super::wish::{Forge, Wish};
use crate::policy::model::Provider;
use crate::policy::scalar::remark;

pub fn readme(wish: &Wish) -> String {
    let is_aws = wish.provider == Provider::Aws;
    let name = wish
        .environments
        .first()
        .map_or("ENVIRONMENT", |environment| environment.name.as_str());
    let mut text = format!(
        "# Audit of human access to PostgreSQL\n\n\
         These files declare who is audited, which noise does not count, and where the monitor runs. pgvigil compiles them into\n\
         one query, enrolment SQL and settings for the monitor, proves them on real audit logs, and deploys them. Owner: {}.\n\n\
         | path | contains |\n| --- | --- |\n\
         | `rules/users.yaml` | people who are audited, and accounts that are not |\n\
         | `rules/exclusions.yaml` | noise that does not count, with the records that each exclusion silences and those that stay loud |\n\
         | `environments/` | accounts, regions and clusters; `base.yaml` contains the shared settings |\n\
         | `samples/` | audit logs on which changes of the rules are tested |\n\
         | `schema/` | JSON Schemas of the policy files, for editors; run `pgvigil schema` after an update |\n\n\
         ## Every day\n\n\
         Make each change in a pull request. Before you open it, run:\n\n```sh\npgvigil check\npgvigil rules test\npgvigil rules attack --env {name}\n```\n\n\
         `git config core.hooksPath .githooks` makes Git run `pgvigil check` before each commit.\n",
        prose(&wish.owner)
    );
    if is_aws {
        text.push_str(&format!(
            "\n## Once\n\n\
             1. Each cluster has to export its log and preload pgAudit: `pgvigil doctor --env {name}` shows what is missing.\n\
             2. `pgvigil enrol import --env {name} --database URL` adds the login roles of a database to `rules/users.yaml`;\n   \
             `pgvigil enrol plan` and `enrol apply` turn on auditing for them.\n\
             3. `pgvigil iam-policy --env {name} --for plan`, and `--for apply`, print the permissions that the two roles need.\n\
             4. `pgvigil plan --env {name}` shows what an apply would create.\n"
        ));
    }
    match wish.forge {
        Forge::None => {}
        Forge::Github => github(&mut text, wish, is_aws),
        Forge::Gitlab => gitlab(&mut text),
    }
    text
}

/// The name of an owner as Markdown text, with its special characters escaped.
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
            "where a pgvigil for Linux x86_64 is fetched from, alone or in a `.tar.gz`. Build one and put it where the runners reach it: this pgvigil was not built from a release".to_owned(),
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
         | `PGVIGIL_VERSION` | `{version}`, or the newer version that you change to: a program of another version is refused |\n"
    )
}

fn github(text: &mut String, wish: &Wish, is_aws: bool) {
    text.push_str(
        "\n## Settings in GitHub\n\n\
         Repository variables (Settings, Secrets and variables, Actions):\n\n\
         | variable | value |\n| --- | --- |\n",
    );
    text.push_str(&program(env!("CARGO_PKG_REPOSITORY")));
    if is_aws {
        text.push_str(
            "| `PGVIGIL_PLAN_ROLE` | ARN of a role that can only read. Trust: `token.actions.githubusercontent.com`, `sub` = `repo:ORG/REPO:pull_request` and `repo:ORG/REPO:ref:refs/heads/main` |\n\
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
                "| `{name}` | ARN of a role that can write. Trust: `sub` = `repo:ORG/REPO:environment:{name}` and nothing else | {secrets} |\n"
            ));
        }
    }
    text.push_str(
        "\nFor `main`, require a review by code owners (Settings, Rules) and two checks: *Review*, and the status `pgvigil/approvals`.\n\
         This status fails until the change has as many approvals as `limits` requires, from people who did not take part in it.\n\
         `.github/CODEOWNERS` lists the code owners. If it names a team, the secret `PGVIGIL_TOKEN` of the GitHub environment\n\
         `pgvigil-approvals` (branch `main` only) has to contain a token that can read the team's members.\n\
         Everyone with permission to push to this repository can set a status. If that is too many people, require a status from an app of your own.\n",
    );
}

fn gitlab(text: &mut String) {
    text.push_str(
        "\n## Settings in GitLab\n\nThe comment at the top of `.gitlab-ci.yml` lists the variables of the project. Those that name the program:\n\n| variable | value |\n| --- | --- |\n",
    );
    text.push_str(&program(env!("CARGO_PKG_REPOSITORY")));
    text.push_str(
        "\nProtect the branch `main`, and require the approval of\n\
         code owners, which `.gitlab/CODEOWNERS` lists. Require that pipelines succeed (Settings, Merge requests): the status\n\
         `pgvigil/approvals` fails until the change has as many approvals as `limits` requires, from people who did not\n\
         take part in it. A schedule with `PGVIGIL_TASK=approvals` sets this status.\n",
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
