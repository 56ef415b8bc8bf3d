//! Who shows up in logs: roles, and the addresses from which they come.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use crate::audit_log::prefix::{LogLinePrefix, PrefixReading};
use crate::audit_log::reader::{
    Entry, Inputs, Problem, Progress, ReadOptions, ReadReport, Visitor, read,
};

/// Addresses of one role that are kept; one more says that there are many.
const ADDRESSES: usize = 200;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenRole {
    /// Entries of its sessions.
    pub entries: u64,
    /// Where it came from, over the network.
    pub addresses: BTreeSet<String>,
}

/// Every role that logs show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub roles: BTreeMap<String, SeenRole>,
    /// Entries whose prefix can be read in several ways: nobody is seen in them.
    pub doubtful: u64,
}

impl Seen {
    pub fn of(
        inputs: &Inputs,
        prefix: LogLinePrefix,
        progress: impl FnMut(Progress),
    ) -> (Self, ReadReport) {
        let mut seen = Self::default();
        let look = Look { prefix };
        let options = ReadOptions::with_prefix(prefix);
        let mut report = read(inputs, &options, &look, progress, |part| {
            seen.add(part);
            ControlFlow::Continue(())
        });
        // Who logs in shows without any record.
        report.problems.forget(&Problem::NoRecord);
        (seen, report)
    }

    fn add(&mut self, other: Self) {
        self.doubtful += other.doubtful;
        for (name, part) in other.roles {
            let role = self.roles.entry(name).or_default();
            role.entries += part.entries;
            for address in part.addresses {
                if role.addresses.len() < ADDRESSES {
                    role.addresses.insert(address);
                }
            }
        }
    }
}

struct Look {
    prefix: LogLinePrefix,
}

impl Visitor for Look {
    type Worker = ();
    type Output = Seen;

    fn worker(&self) {}

    fn output(&self) -> Seen {
        Seen::default()
    }

    fn visit(&self, (): &mut (), seen: &mut Seen, entry: &Entry<'_>) {
        let prefix = match self.prefix.parse(entry.text) {
            PrefixReading::Understood(prefix) => prefix,
            PrefixReading::Doubtful { reason, best_guess } if reason.is_only_names() => best_guess,
            PrefixReading::Doubtful { .. } => {
                seen.doubtful += 1;
                return;
            }
            PrefixReading::Foreign(_) => return,
        };
        if prefix.user.is_empty() || prefix.user == b"[unknown]" {
            return;
        }
        // Whoever fails to log in is in the log too, under any name at all.
        let is_refused = prefix.level == b"FATAL";
        if is_refused {
            return;
        }
        let name = String::from_utf8_lossy(prefix.user);
        let known = match seen.roles.get_mut(name.as_ref()) {
            Some(known) => known,
            None => seen.roles.entry(name.into_owned()).or_default(),
        };
        known.entries += 1;
        if prefix.client.port.is_some() && known.addresses.len() < ADDRESSES {
            let host = String::from_utf8_lossy(prefix.client.host);
            if !known.addresses.contains(host.as_ref()) {
                known.addresses.insert(host.into_owned());
            }
        }
    }
}
