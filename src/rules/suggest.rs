//! From a false alarm to an exclusion: the narrowest safe one for a record that counts, or why there is none.
//!
//! ```text
//! entry ─ judge ─> counted ─ ground ─> what it reads ─ candidate ─> exclusions, the narrowest first ─ proof ─> the first that
//!                              └─> refused, with what to do instead                   check, test, attack, the logs
//! ```
//!
//! [`ground`] decides by the fields of the record alone whether an exclusion can be safe at all. It knows two kinds of harmless
//! work, reads of listed catalogs and questions about the session, and refuses everything else. [`candidate`] writes the
//! exclusions as a person would, with samples of both kinds. [`proof`] loads the policy with each of them, and tries it as a
//! review would. Nothing here is trusted because it was made here: what is proposed has passed the same checks as any file.

pub mod candidate;
pub mod ground;
pub mod proof;
pub mod trail;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use crate::judge::{Judge, Rules, Scratch, Verdict};
use crate::policy::Loaded;
use crate::policy::model::Environment;

use super::fixture::Fixture;
use ground::{Ground, Refusal};
use trail::{Sibling, Work};

/// What the user asks for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The id of the exclusion; made of the record if there is none.
    pub id: Option<String>,
    pub owner: Option<String>,
    pub reason: Option<String>,
    /// The last day; 90 days from today if there is none.
    pub expires: Option<Date>,
    /// The client's address is a condition too.
    pub by_client: bool,
    /// Literals of the statement may be written into the file.
    pub keep_literals: bool,
    pub today: Date,
}

/// What is proposed for an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Suggestion {
    /// Version of the document.
    pub format_version: u32,
    pub env: String,
    pub answer: Answer,
    /// Why, in one sentence.
    pub reason: String,
    /// What to do instead, where no exclusion is proposed.
    pub instead: Option<String>,
    /// The access grant that would declare this work as expected.
    pub grant: Option<GrantWish>,
    /// The exclusion, as the file that contains it.
    pub proposal: Option<Proposal>,
    /// Every exclusion that was tried, the narrowest first, and why it is not proposed.
    pub tried: Vec<Tried>,
    /// What else a reader should know.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The record does not count, so there is nothing to silence.
    NotCounted,
    /// A safe exclusion was found.
    Proposed,
    /// A person works on users' data: a grant can declare it.
    Grant,
    /// No exclusion of this record is safe.
    Refused,
}

/// The values of `pgvigil access grant`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GrantWish {
    pub user: String,
    pub database: String,
    /// The relation, as pgAudit prints it.
    pub relation: String,
    /// `read`, `write` or `schema`.
    pub kind: String,
}

/// An exclusion that passed everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Proposal {
    pub id: String,
    /// Where `--write` puts it.
    pub path: String,
    /// The whole file.
    pub yaml: String,
    /// What it compares of the statement, in words.
    pub form: String,
    /// Statements that were tried to evade the alarm through it. None stayed silent.
    pub attacked: usize,
    /// Samples that stay loud.
    pub near_misses: usize,
    /// Small changes of the exclusion that its samples catch.
    pub mutants_caught: usize,
    pub mutants: usize,
    /// Records of the logs that it silences, and that count today.
    pub silences: u64,
    /// Those that are not the same statement of the same role, literals apart.
    pub others: Vec<Work>,
}

/// An exclusion that was tried and is not proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tried {
    /// What it compares of the statement, in words.
    pub form: String,
    pub why: String,
}

/// The policy around an entry.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub loaded: &'a Loaded,
    pub environment: &'a Environment,
    pub rules: &'a Rules,
    pub fixtures: &'a [Fixture],
}

impl Suggestion {
    fn new(env: &str, answer: Answer, reason: impl Into<String>) -> Self {
        Self {
            format_version: 1,
            env: env.to_owned(),
            answer,
            reason: reason.into(),
            instead: None,
            grant: None,
            proposal: None,
            tried: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn refused(env: &str, refusal: Refusal) -> Self {
        let answer = if refusal.grant.is_some() {
            Answer::Grant
        } else {
            Answer::Refused
        };
        Self {
            instead: Some(refusal.instead),
            grant: refusal.grant.map(|grant| *grant),
            ..Self::new(env, answer, refusal.why)
        }
    }
}

/// Looks for an exclusion of an entry. `siblings` are the other records of the same statement in its log, and `measure` says
/// what an exclusion silences in the logs.
pub fn suggest(
    context: Context<'_>,
    entry: &[u8],
    siblings: &[Sibling],
    wish: &Wish,
    mut measure: impl FnMut(&Rules, &str) -> Vec<Work>,
) -> Suggestion {
    let env = context.environment.name.as_str();
    let judge = Judge::new(context.rules);
    let explanation = judge.explain(&mut Scratch::default(), entry);
    if explanation.judged.verdict != Verdict::Counted {
        return Suggestion::new(env, Answer::NotCounted, explanation.reason);
    }
    let ground = match ground::of(context, &explanation.judged, &explanation.reason, siblings) {
        Ok(ground) => ground,
        Err(refusal) => return Suggestion::refused(env, refusal),
    };
    let mut suggestion = Suggestion::new(
        env,
        Answer::Refused,
        "every exclusion that was tried failed",
    );
    suggestion.notes = notes(context, &ground, wish.today);
    for candidate in candidate::all(context, &ground, wish) {
        let form = candidate.form.to_owned();
        match proof::of(context, &candidate, entry, wish.today, &mut measure) {
            Ok(proved) => {
                suggestion.answer = Answer::Proposed;
                suggestion.reason = format!("{}, and {}", ground.harmless(), candidate.form);
                suggestion.proposal = Some(proved);
                return suggestion;
            }
            Err(why) => suggestion.tried.push(Tried { form, why }),
        }
    }
    if ground.has_values && !wish.keep_literals {
        suggestion.reason =
            "the statement contains values or comments, and no exclusion without them is safe"
                .to_owned();
        suggestion.instead = Some(
            "find out whether they are allowed to be in Git; if so, run the command again with --keep-literals".to_owned(),
        );
    } else {
        suggestion.instead =
            Some("ask the reviewers of the policy; until then the record counts".to_owned());
    }
    suggestion
}

fn notes(context: Context<'_>, ground: &Ground, today: Date) -> Vec<String> {
    let mut notes = Vec::new();
    let mut users = context.loaded.policy.users_in(context.environment, today);
    if !users.any(|user| user.role == ground.user) {
        notes.push(format!(
            "no file declares the role `{}`: declare it under `users`, or under `service_accounts` if it belongs to an \
             application",
            ground.user
        ));
    }
    if ground.has_values {
        notes.push(
            "the statement contains values or comments, which can differ the next time".to_owned(),
        );
    }
    notes
}
