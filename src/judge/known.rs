//! Remembers the outcomes of records that a thread has judged before.
//!
//! Programs send the same statements all day, so most records of a log differ only in time, process and session. The outcome
//! depends on fewer things: the day (exclusions expire), the role, the database, the client address, the application name, and
//! the body of the record, which is its text from the class to the parameters. These bytes together are the key, with the
//! length before each name, so that two different records cannot have the same key. If a key is found, its outcome is the
//! result; otherwise the judge decides, and the outcome is kept.
//!
//! Two things make this safe. Keys are compared byte by byte, not only by their hash. And [`Facts::key`] contains everything that
//! [`Facts::of`] reads, apart from the numbers of statements and rows, which no condition looks at: a new condition on another field
//! must add that field to the key. A test below changes one field after the other and checks that the outcome follows.
//!
//! Only records with exactly one reading are remembered. The memory is bounded ([`Memo`]): if it is full, everything is
//! dropped and it fills again. It belongs to one judge; another judge starts with an empty one.

use super::facts::Facts;
use super::memo::Memo;
use crate::audit_log::prefix::Prefix;
use crate::audit_log::record::Record;

/// The outcomes of records, under everything that decides them.
#[derive(Debug, Default)]
pub(super) struct Known<T> {
    outcomes: Memo<T>,
    key: Vec<u8>,
}

impl<T: Copy + Default> Known<T> {
    /// The outcome of a record, which is decided if it is not known.
    pub(super) fn outcome(
        &mut self,
        prefix: &Prefix<'_>,
        record: &Record<'_>,
        day: i32,
        decide: impl FnOnce() -> T,
    ) -> T {
        Facts::key(prefix, record, day, &mut self.key);
        match self.outcomes.get(&self.key) {
            Ok(outcome) => outcome,
            Err(vacancy) => {
                let outcome = decide();
                self.outcomes.put(vacancy, &self.key, outcome);
                outcome
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::judge::{Judge, Outcome, Rules, Scratch};

    fn judge(exclusions: &str) -> Judge {
        let rules = format!(
            r#"{{"format": 1, "log_line_prefix": "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:", "signals": ["dml"],
                "service_accounts": [], "protected_users": ["carol"], "exclusions": [{exclusions}]}}"#
        );
        Judge::new(&Rules::from_bytes(rules.as_bytes()).expect("rules"))
    }

    const EXCLUSION: &str = r#"{"id": "one", "last_day": "2026-11-22", "match": {
        "user": ["alice"], "database": ["shop"], "client": ["10.0.0.1"], "class": ["READ"], "command": ["SELECT"],
        "object_type": ["TABLE"], "schema": ["app"], "relation": ["orders"], "statement": {"equals": ["select 1"]}}}"#;

    /// An entry of alice's that the exclusion silences, with one thing changed.
    fn entry(from: &str, to: &str) -> String {
        let entry = "2026-11-22 09:00:00.000 UTC:10.0.0.1(5000):alice@shop:[1]:1:00000:2026-11-22 08:00:00 UTC:3/4:0:6b02.6579:psql:\
                     LOG:  AUDIT: SESSION,7,1,READ,SELECT,TABLE,app.orders,select 1,<not logged>";
        assert!(entry.contains(from), "{from}");
        entry.replacen(from, to, 1)
    }

    #[test]
    fn what_decides_a_verdict_is_never_forgotten() {
        let judge = judge(EXCLUSION);
        let mut scratch = Scratch::default();
        let mut outcome = |entry: &str| {
            judge.outcome(&mut scratch, entry.as_bytes(), || {
                crate::audit_log::timestamp::time_of(entry.as_bytes())
            })
        };
        let silent = entry("alice", "alice");
        assert_eq!(outcome(&silent), Outcome::Excluded(0));
        for (from, to) in [
            ("2026-11-22 09", "2026-11-23 09"),
            ("10.0.0.1(", "10.0.0.2("),
            ("alice", "bob"),
            ("alice", "carol"),
            ("shop", "bank"),
            ("psql", "pgaudit"),
            ("READ", "WRITE"),
            ("SELECT", "COPY"),
            ("TABLE", "VIEW"),
            ("orders", "users"),
            ("select 1", "select 2"),
            ("<not logged>", "pgaudit"),
        ] {
            let loud = entry(from, to);
            for _ in 0..2 {
                assert_eq!(outcome(&loud), Outcome::Counted, "{loud}");
                assert_eq!(outcome(&silent), Outcome::Excluded(0), "{loud}");
            }
        }
        for (from, to) in [
            ("[1]", "[2]"),
            ("SESSION,7", "OBJECT,8"),
            ("<not logged>", "<not logged>,5"),
        ] {
            assert_eq!(outcome(&entry(from, to)), Outcome::Excluded(0), "{to}");
        }
    }

    #[test]
    fn a_scratch_forgets_what_another_judge_said() {
        let (strict, mild) = (judge(""), judge(EXCLUSION));
        let mut scratch = Scratch::default();
        let entry = entry("alice", "alice");
        for _ in 0..2 {
            let mut outcome = |judge: &Judge| judge.outcome(&mut scratch, entry.as_bytes(), || 0);
            assert_eq!(outcome(&mild), Outcome::Excluded(0));
            assert_eq!(outcome(&strict), Outcome::Counted);
        }
    }
}
