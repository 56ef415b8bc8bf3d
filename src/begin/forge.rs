//! The files for a forge: GitHub workflows or a GitLab pipeline, and the code owners that it asks for a review.

use super::wish::{Forge, Wish};
use crate::policy::model::Provider;
use crate::policy::scalar::remark;

const PR: &str = include_str!("templates/github-pr.yml");
const APPROVALS: &str = include_str!("templates/github-approvals.yml");
const REVIEW: &str = include_str!("templates/github-review.yml");
const APPLY: &str = include_str!("templates/github-apply.yml");
const DRIFT: &str = include_str!("templates/github-drift.yml");
const INSTALL: &str = include_str!("templates/github-install.yml");
const GITLAB: &str = include_str!("templates/gitlab-ci.yml");
const GITLAB_APPLY: &str = include_str!("templates/gitlab-apply.yml");
const GITLAB_DRIFT: &str = include_str!("templates/gitlab-drift.yml");

/// Actions by digest: a tag can be moved, a digest cannot. Bots that update them read the comment.
const ACTIONS: [(&str, &str); 4] = [
    (
        "checkout",
        "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2",
    ),
    (
        "credentials",
        "aws-actions/configure-aws-credentials@7474bc4690e29a8392af63c5b98e7449536d5c3a # v4.3.1",
    ),
    (
        "upload",
        "actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1",
    ),
    (
        "download",
        "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
    ),
];

/// Paths and texts of what the forge needs.
pub fn files(wish: &Wish) -> Vec<(&'static str, String)> {
    let is_aws = wish.provider == Provider::Aws;
    match wish.forge {
        Forge::None => Vec::new(),
        Forge::Github => {
            let mut files = vec![
                (".github/workflows/pgvigil-pr.yml", github(wish, PR)),
                (
                    ".github/workflows/pgvigil-approvals.yml",
                    github(wish, APPROVALS),
                ),
                (".github/workflows/pgvigil-review.yml", github(wish, REVIEW)),
            ];
            if is_aws {
                files.push((".github/workflows/pgvigil-apply.yml", github(wish, APPLY)));
                files.push((".github/workflows/pgvigil-drift.yml", github(wish, DRIFT)));
            }
            files.push((".github/CODEOWNERS", code_owners(wish)));
            files
        }
        Forge::Gitlab => vec![
            (".gitlab-ci.yml", gitlab(wish)),
            (".gitlab/CODEOWNERS", code_owners(wish)),
        ],
    }
}

/// The region in which a pipeline signs in. Any region works, so this is the first environment's.
fn region(wish: &Wish) -> &str {
    wish.environments
        .iter()
        .find_map(|environment| environment.region.as_deref())
        .unwrap_or("us-east-1")
}

/// Variables that hold secrets, each once.
fn secrets(wish: &Wish) -> Vec<&str> {
    let mut all: Vec<&str> = wish
        .environments
        .iter()
        .flat_map(|environment| &environment.https)
        .map(String::as_str)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn github(wish: &Wish, template: &str) -> String {
    let mut text = conditional(template, wish.provider == Provider::Aws);
    text = text.replace("{{install}}", INSTALL);
    // In a workflow that can write, no step should change which programs the next one finds.
    let only: String = INSTALL
        .split_inclusive('\n')
        .filter(|line| !line.contains("GITHUB_PATH"))
        .collect();
    text = text.replace("{{install_only}}", &only);
    for (name, action) in ACTIONS {
        text = text.replace(&format!("{{{{{name}}}}}"), action);
    }
    let environments: Vec<&str> = wish
        .environments
        .iter()
        .map(|environment| environment.name.as_str())
        .collect();
    let secrets: String = secrets(wish)
        .into_iter()
        .map(|name| {
            format!("          {name}: ${{{{ secrets.{name} }}}} # from the GitHub environment\n")
        })
        .collect();
    text.replace("{{environments}}", &quoted_where_needed(&environments))
        .replace("{{region}}", region(wish))
        .replace("{{secrets}}", &secrets)
}

/// Names in kebab case, quoted if needed: some readers take `on` or `no` for a boolean.
fn quoted_where_needed(names: &[&str]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|name| crate::policy::scalar::scalar(name))
        .collect();
    names.join(", ")
}

fn gitlab(wish: &Wish) -> String {
    let is_aws = wish.provider == Provider::Aws;
    let names: String = secrets(wish)
        .into_iter()
        .map(|name| {
            format!("#   {name:<32} masked and protected: the URL of the incident platform\n")
        })
        .collect();
    let mut text = conditional(GITLAB, is_aws).replace("{{secret_names}}", &names);
    if !is_aws {
        return text;
    }
    let mut before: Option<String> = None;
    for environment in &wish.environments {
        let job = format!("apply:{}", environment.name);
        // In this order: a failure stops the ones after it.
        let needs = before.map_or_else(
            || "  needs: []\n".to_owned(),
            |job| format!("  needs: [\"{job}\"]\n"),
        );
        text.push_str(
            &GITLAB_APPLY
                .replace("{{job}}", &job)
                .replace("{{environment}}", &environment.name)
                .replace("{{needs}}", &needs),
        );
        before = Some(job);
    }
    text.push_str(GITLAB_DRIFT);
    text
}

/// Keeps or drops the text between `{{aws}}` and `{{/aws}}`.
fn conditional(template: &str, is_aws: bool) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once("{{aws}}") {
        let (inside, after) = behind.split_once("{{/aws}}").unwrap_or((behind, ""));
        text.push_str(before);
        if is_aws {
            text.push_str(inside);
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

fn code_owners(wish: &Wish) -> String {
    let mut text = format!(
        "# Who reviews which files. An exclusion silences records, so no one should merge one alone. These rules work only if the\n\
         # branch main requires a review by code owners. Owner of the policy: {}.\n",
        remark(&wish.owner)
    );
    let paths = [
        "/rules/",
        "/environments/",
        "/access/",
        "/notes/",
        "/.github/",
        "/.gitlab-ci.yml",
    ];
    let wanted = paths.iter().filter(|path| match wish.forge {
        Forge::Github => **path != "/.gitlab-ci.yml",
        _ => **path != "/.github/",
    });
    if wish.code_owners.is_empty() {
        text.push_str("# decide: replace @ORGANISATION/TEAM with a team, and delete the # before each path.\n");
        for path in wanted {
            text.push_str(&format!("# {path:<18} @ORGANISATION/TEAM\n"));
        }
    } else {
        for path in wanted {
            text.push_str(&format!("{path:<18} {}\n", wish.code_owners.join(" ")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_for_aws_are_kept_or_dropped() {
        let text = "a{{aws}}b{{/aws}}c{{aws}}d{{/aws}}";
        assert_eq!(conditional(text, true), "abcd");
        assert_eq!(conditional(text, false), "ac");
    }

    #[test]
    fn every_action_is_pinned_by_a_digest_with_its_version() {
        for (_, action) in ACTIONS {
            let (name, version) = action.split_once(" # v").unwrap();
            assert!(!version.is_empty());
            let (_, digest) = name.split_once('@').unwrap();
            assert_eq!(digest.len(), 40);
            assert!(digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
        for template in [PR, APPROVALS, REVIEW, APPLY, DRIFT, INSTALL] {
            assert!(!template.contains("uses: actions/") && !template.contains("uses: aws"));
        }
    }
}
