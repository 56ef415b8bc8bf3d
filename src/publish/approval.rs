//! Whether the people have agreed to a change who have to: a status at its last commit, which fails until then.
//!
//! What a change needs comes from the two revisions, never from what its own run says. Who agreed, and who had a hand in
//! it, comes from the forge. Whatever of it is not known lets the status fail.

use std::collections::BTreeSet;

use super::BoardError;
use super::code_owners::{CodeOwners, Owner};

/// The name of the status.
pub const CONTEXT: &str = "pgvigil/approvals";

/// GitHub takes 140 characters of a status, GitLab 255; one of them is the sign of what is left out.
const DESCRIPTION: usize = 139;

/// What a change needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needed {
    pub count: u32,
    /// Why, the first reason first.
    pub reasons: Vec<String>,
    /// Addresses that cannot agree: authors, and people whose own role it covers.
    pub not_by: Vec<String>,
    /// Files that it touches and that have to do with the policy, from the top of the repository.
    pub paths: Vec<String>,
}

/// A commit of a request, as the forge knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commit {
    pub sha: String,
    /// Accounts of its author and its committer; empty where the forge knows none.
    pub logins: Vec<String>,
    /// Addresses of its author, its committer and its co-authors.
    pub addresses: Vec<String>,
    /// Names of its author, where the forge knows no account.
    pub names: Vec<String>,
}

/// Somebody who agrees to the last commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approver {
    pub login: String,
    /// The name that is shown.
    pub name: Option<String>,
    /// Addresses that the forge shows.
    pub addresses: Vec<String>,
}

/// A request, as the forge has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    pub number: u64,
    pub head: String,
    /// The commit, or the branch, with which it is compared.
    pub base: String,
    /// The branch into which it goes.
    pub target: String,
    /// The branch that statuses are for; none where the forge does not say.
    pub default_branch: Option<String>,
    pub opener: String,
    pub commits: Vec<Commit>,
    /// Whether these are all of them.
    pub has_all_commits: bool,
    /// Who pushed to its branch; none where the forge does not say.
    pub pushers: Option<Vec<String>>,
    /// Whether an account belongs to every commit that the forge lists.
    pub commits_have_accounts: bool,
    /// Who agrees to the last commit.
    pub approved: Vec<Approver>,
    /// Who agreed to an earlier one.
    pub stale: Vec<String>,
    /// Who asks for changes.
    pub refused: Vec<String>,
}

/// What stands at the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Whether the change may be merged, as far as approvals go.
    pub is_success: bool,
    /// Why, in one line.
    pub description: String,
}

impl Status {
    fn new(is_success: bool, description: &str) -> Self {
        Self {
            is_success,
            description: crate::report::escape::shorten(
                &description.replace(['\n', '\r'], " "),
                DESCRIPTION,
            ),
        }
    }

    /// Whether enough people approved could not be determined.
    pub fn not_known(why: &str) -> Self {
        Self::new(false, &format!("could not check: {why}"))
    }
}

/// Where approvals are found, and where the status stands.
pub trait Gate {
    /// Numbers of the open requests whose last commit this is; of all open ones where none is named.
    fn open_requests(&self, head: Option<&str>) -> Result<Vec<u64>, BoardError>;
    fn request(&self, number: u64) -> Result<Request, BoardError>;
    /// Whether an account belongs to a team or group; none where the token may not see that.
    fn is_member(&self, team: &str, login: &str) -> Result<Option<bool>, BoardError>;
    /// Sets the status of a commit.
    fn set_status(
        &self,
        request: &Request,
        status: &Status,
        page: Option<&str>,
    ) -> Result<(), BoardError>;
}

/// The status of a request. `owners` is what the base's CODEOWNERS says.
///
/// # Errors
/// If the forge does not answer.
pub fn decide(
    needed: &Needed,
    request: &Request,
    owners: &CodeOwners,
    gate: &dyn Gate,
) -> Result<Status, BoardError> {
    if needed.count == 0 {
        return Ok(Status::new(true, "no approval is needed"));
    }
    if let Some(who) = request.refused.first() {
        return Ok(Status::new(false, &format!("{who} asks for changes")));
    }
    if !request.has_all_commits {
        return Ok(Status::not_known(
            "the forge does not list every commit of the request",
        ));
    }
    // An author without an account could be anyone, but the user who pushed is known.
    if request.pushers.is_none() && !request.commits_have_accounts {
        return Ok(Status::not_known(
            "a commit does not belong to an account, and the forge does not name who pushed it",
        ));
    }
    let writers = Writers::of(needed, request);
    // A person who is listed twice counts once.
    let mut known = BTreeSet::new();
    let (wrote, others): (Vec<&Approver>, Vec<&Approver>) = request
        .approved
        .iter()
        .filter(|approver| known.insert(approver.login.to_lowercase()))
        .partition(|approver| writers.has(approver));
    let count = u32::try_from(others.len()).unwrap_or(u32::MAX);
    if count < needed.count {
        return Ok(Status::new(false, &missing(needed, request, count, &wrote)));
    }
    for path in &needed.paths {
        for wanted in owners.of(path) {
            match agrees(&wanted, &others, gate)? {
                Agreement::Yes => {}
                Agreement::No => {
                    let names: Vec<&str> = wanted.iter().map(Owner::as_str).collect();
                    return Ok(Status::new(
                        false,
                        &format!("{path} needs the approval of {}", names.join(" or ")),
                    ));
                }
                Agreement::Unknown(team) => {
                    return Ok(Status::not_known(&format!(
                        "the token has no permission to list the members of {team}, which owns {path}"
                    )));
                }
            }
        }
    }
    let names: Vec<&str> = others.iter().map(|one| one.login.as_str()).collect();
    Ok(Status::new(
        true,
        &format!("approved by {}", names.join(", ")),
    ))
}

fn missing(needed: &Needed, request: &Request, count: u32, wrote: &[&Approver]) -> String {
    let mut text = match (count, needed.count) {
        (0, 1) => "1 approval is needed".to_owned(),
        (0, all) => format!("{all} approvals are needed"),
        (some, all) => format!("{some} of {all} approvals"),
    };
    if let Some(one) = wrote.first() {
        text.push_str(&format!("; {} wrote part of it", one.login));
    } else if let Some(one) = request.stale.first() {
        text.push_str(&format!("; {one} approved an earlier commit"));
    }
    if let Some(reason) = needed.reasons.first() {
        text.push_str(&format!(": {reason}"));
    }
    text
}

enum Agreement {
    Yes,
    No,
    Unknown(String),
}

/// Whether one of these owners is among those who agree.
fn agrees(
    wanted: &[Owner],
    approvers: &[&Approver],
    gate: &dyn Gate,
) -> Result<Agreement, BoardError> {
    let mut unknown = None;
    for owner in wanted {
        for approver in approvers {
            match owner {
                Owner::Address(address) if has_address(approver, address) => {
                    return Ok(Agreement::Yes);
                }
                Owner::Account(login) if login.eq_ignore_ascii_case(&approver.login) => {
                    return Ok(Agreement::Yes);
                }
                Owner::Account(name) | Owner::Team(name) => {
                    // GitLab writes groups as it writes accounts.
                    match gate.is_member(name, &approver.login)? {
                        Some(true) => return Ok(Agreement::Yes),
                        Some(false) => {}
                        None if matches!(owner, Owner::Team(_)) => {
                            unknown = Some(format!("@{name}"));
                        }
                        None => {}
                    }
                }
                Owner::Address(_) => {}
                Owner::Other(text) => unknown = Some(text.clone()),
            }
        }
    }
    Ok(unknown.map_or(Agreement::No, Agreement::Unknown))
}

fn has_address(approver: &Approver, wanted: &str) -> bool {
    approver
        .addresses
        .iter()
        .any(|address| address.eq_ignore_ascii_case(wanted))
}

/// Everybody who had a hand in a change, as far as the forge and the commits tell.
struct Writers {
    logins: BTreeSet<String>,
    addresses: BTreeSet<String>,
    names: BTreeSet<String>,
}

impl Writers {
    fn of(needed: &Needed, request: &Request) -> Self {
        let lower = |text: &String| text.to_lowercase();
        let mut logins: BTreeSet<String> = BTreeSet::from([request.opener.to_lowercase()]);
        logins.extend(request.pushers.iter().flatten().map(lower));
        let mut addresses: BTreeSet<String> = needed.not_by.iter().map(lower).collect();
        let mut names = BTreeSet::new();
        for commit in &request.commits {
            logins.extend(commit.logins.iter().map(lower));
            addresses.extend(commit.addresses.iter().map(lower));
            names.extend(commit.names.iter().map(lower));
        }
        logins.extend(addresses.iter().filter_map(|address| account_of(address)));
        logins.remove("");
        names.remove("");
        Self {
            logins,
            addresses,
            names,
        }
    }

    fn has(&self, approver: &Approver) -> bool {
        self.logins.contains(&approver.login.to_lowercase())
            || approver
                .addresses
                .iter()
                .any(|address| self.addresses.contains(&address.to_lowercase()))
            || approver
                .name
                .as_ref()
                .is_some_and(|name| self.names.contains(&name.to_lowercase()))
    }
}

/// The account of an address that a forge gives out so that nobody sees the real one: `ID+LOGIN@users.noreply.github.com`,
/// `ID-LOGIN@users.noreply.gitlab.com`.
fn account_of(address: &str) -> Option<String> {
    let (local, host) = address.split_once('@')?;
    if !host.starts_with("users.noreply.") {
        return None;
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    for sign in ['+', '-'] {
        if let Some((number, login)) = local.split_once(sign)
            && is_number(number)
        {
            return Some(login.to_owned());
        }
    }
    Some(local.to_owned())
}

/// Addresses behind `Co-authored-by:` in the message of a commit.
#[must_use]
pub fn co_authors(message: &str) -> Vec<String> {
    message
        .lines()
        .filter_map(|line| {
            let (key, value) = line.split_once(':')?;
            if !key.trim().eq_ignore_ascii_case("co-authored-by") {
                return None;
            }
            let (_, rest) = value.rsplit_once('<')?;
            Some(rest.trim().trim_end_matches('>').trim().to_lowercase())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_a_forge_gives_out_name_their_account() {
        for (address, login) in [
            ("123+alice@users.noreply.github.com", Some("alice")),
            ("alice@users.noreply.github.com", Some("alice")),
            ("9-alice@users.noreply.gitlab.com", Some("alice")),
            ("a-b@users.noreply.github.com", Some("a-b")),
            ("alice@example.com", None),
        ] {
            assert_eq!(account_of(address).as_deref(), login, "{address}");
        }
        assert_eq!(
            co_authors(
                "Move it\n\nCo-Authored-By: Alice <Alice@Example.com>\nSigned-off-by: x <y>"
            ),
            ["alice@example.com"]
        );
    }
}
