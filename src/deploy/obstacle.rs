//! What a plan can never do: found before the first write, with what to change instead.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document::{Document, Kind};
use super::port::{CloudError, Concurrency, Reader, Reading};

/// A step that would fail, however often it is tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Obstacle {
    /// The resource.
    pub address: String,
    /// Why the step would fail.
    pub why: String,
    /// What to do instead.
    pub help: String,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.address, self.why, self.help)
    }
}

/// Concurrency that Lambda always leaves unreserved. The service names its minimum only when it refuses
/// `PutFunctionConcurrency` ("below its minimum value of [10]"): 10 in accounts whose limit is 10, 50 or 100 in others. So
/// less than 10 is refused everywhere.
pub const LEAST_UNRESERVED: u32 = 10;

/// Concurrency that Lambda leaves unreserved as its guide says ("Configuring reserved concurrency": "minus 100").
pub const DOCUMENTED_UNRESERVED: u32 = 100;

/// What to do where an account has no room for a reservation.
pub const WITHOUT_RESERVATION: &str = "write `reserved_concurrency: none` under `monitor` in the environment's file, or ask AWS to \
                                       raise the Lambda quota `Concurrent executions`";

/// What is to be reserved for a function, and what is reserved now.
fn reserved(properties: &Value) -> u32 {
    let number = properties
        .get("reserved_concurrency")
        .and_then(Value::as_u64);
    number.map_or(0, |number| u32::try_from(number).unwrap_or(u32::MAX))
}

/// A function whose reservation changes.
struct Change<'a> {
    document: &'a Document,
    from: u32,
    to: u32,
}

/// The functions whose reservation changes, in the order in which an apply takes them. What could not be read is told where
/// it is compared.
fn changes<'a>(
    documents: &[&'a Document],
    readings: &[Result<Reading, CloudError>],
) -> Vec<Change<'a>> {
    documents
        .iter()
        .zip(readings)
        .filter(|(document, _)| document.kind == Kind::LambdaFunction)
        .filter_map(|(document, reading)| {
            let from = match reading.as_ref().ok()? {
                Reading::Absent { .. } => 0,
                Reading::Present(live) => reserved(&live.properties),
            };
            let to = reserved(&document.properties);
            (from != to).then_some(Change { document, from, to })
        })
        .collect()
}

/// What an account has no room for, and notes on what it might refuse, by address.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Steps that cannot succeed.
    pub obstacles: Vec<Obstacle>,
    /// Steps that the service might refuse.
    pub notes: BTreeMap<String, String>,
}

impl Room {
    /// Compares what the files reserve with what an account has left. The account is asked only where a reservation grows.
    ///
    /// # Errors
    /// If the account's limits cannot be read.
    pub fn of(
        documents: &[&Document],
        readings: &[Result<Reading, CloudError>],
        reader: &dyn Reader,
    ) -> Result<Self, CloudError> {
        let changes = changes(documents, readings);
        if !changes.iter().any(|change| change.to > change.from) {
            return Ok(Self::default());
        }
        Ok(match reader.concurrency()? {
            None => Self::default(),
            Some(concurrency) => Self::within(&changes, concurrency),
        })
    }

    /// The same for limits that were read before.
    pub(crate) fn in_account(
        documents: &[&Document],
        readings: &[Result<Reading, CloudError>],
        concurrency: Concurrency,
    ) -> Self {
        Self::within(&changes(documents, readings), concurrency)
    }

    fn within(changes: &[Change<'_>], concurrency: Concurrency) -> Self {
        let mut room = Self::default();
        // Each reservation is refused or not by what those before it left.
        let mut unreserved = concurrency.unreserved;
        for change in changes {
            let before = unreserved;
            let after = before.saturating_add(change.from).saturating_sub(change.to);
            let address = &change.document.address;
            if change.to > change.from && after < LEAST_UNRESERVED {
                room.obstacles.push(Obstacle {
                    address: address.clone(),
                    why: format!(
                        "the account has no room for a reserved concurrency of {}: Lambda leaves at least {LEAST_UNRESERVED} \
                         unreserved, and {before} are unreserved now, of {} in all",
                        change.to, concurrency.limit
                    ),
                    help: WITHOUT_RESERVATION.to_owned(),
                });
                // It is not made.
                continue;
            }
            if change.to > change.from && after < DOCUMENTED_UNRESERVED {
                room.notes.insert(
                    address.clone(),
                    format!(
                        "Lambda might refuse a reserved concurrency of {}: in some accounts it leaves \
                         {DOCUMENTED_UNRESERVED} unreserved, and {before} are unreserved now",
                        change.to
                    ),
                );
            }
            unreserved = after;
        }
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::resources::testing::{documents, environment};
    use crate::deploy::port::{At, Found, Live, Scope};

    /// An account of which only the limits are known.
    struct Account(Result<Option<Concurrency>, CloudError>);

    impl Reader for Account {
        fn at(&self) -> Result<At, CloudError> {
            Ok(At::local())
        }

        fn concurrency(&self) -> Result<Option<Concurrency>, CloudError> {
            self.0.clone()
        }

        fn read(&self, _: &Document) -> Result<Reading, CloudError> {
            Ok(Reading::Absent { applied: None })
        }

        fn list(&self, _: &Scope) -> Result<Vec<Found>, CloudError> {
            Ok(Vec::new())
        }
    }

    fn with(limit: u32, unreserved: u32) -> Account {
        Account(Ok(Some(Concurrency { limit, unreserved })))
    }

    /// The room for functions that reserve `wanted`, where `live` is reserved now; `None` for a function that is not there.
    fn room(
        functions: &[(Option<u32>, Option<u32>)],
        account: &Account,
    ) -> Result<Room, CloudError> {
        let names: Vec<String> = (0..functions.len())
            .map(|number| format!("orders{number}"))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut all = documents(&environment("prod", &names));
        all.retain(|document| document.kind == Kind::LambdaFunction);
        let mut readings = Vec::new();
        for (document, (wanted, live)) in all.iter_mut().zip(functions) {
            document.properties["reserved_concurrency"] = (*wanted).into();
            readings.push(Ok(match live {
                None => Reading::Absent { applied: None },
                Some(live) => {
                    let mut properties = document.properties.clone();
                    properties["reserved_concurrency"] = match live {
                        0 => Value::Null,
                        live => (*live).into(),
                    };
                    let (applied, note) = (None, None);
                    Reading::Present(Live {
                        properties,
                        applied,
                        note,
                    })
                }
            }));
        }
        let all: Vec<&Document> = all.iter().collect();
        Room::of(&all, &readings, account)
    }

    #[test]
    fn an_account_with_the_least_limit_has_no_room() {
        for functions in [
            [(Some(1), None)],
            [(Some(1), Some(0))],
            [(Some(2), Some(1))],
        ] {
            let found = room(&functions, &with(10, 10)).unwrap();
            let [obstacle] = found.obstacles.as_slice() else {
                panic!("{found:?}")
            };
            assert!(obstacle.address.contains("/lambda-function/"));
            assert!(obstacle.why.contains("10 are unreserved now, of 10 in all"));
            assert!(obstacle.help.contains("`reserved_concurrency: none`"));
        }
        for functions in [[(None, None)], [(None, Some(1))], [(Some(1), Some(1))]] {
            let found = room(&functions, &with(10, 10)).unwrap();
            assert_eq!(found, Room::default(), "{functions:?}");
        }
    }

    /// Two clusters need room for two, and what one gives up the next one has.
    #[test]
    fn each_function_takes_what_those_before_it_left() {
        let found = room(&[(Some(1), None), (Some(1), None)], &with(12, 11)).unwrap();
        let [obstacle] = found.obstacles.as_slice() else {
            panic!("{found:?}")
        };
        assert!(obstacle.address.starts_with("orders1/"), "{found:?}");
        assert_eq!(found.notes.len(), 1, "{found:?}");
        let found = room(&[(None, Some(2)), (Some(2), None)], &with(12, 10)).unwrap();
        assert_eq!(found.obstacles, Vec::new());
    }

    #[test]
    fn what_some_accounts_refuse_is_a_note() {
        let found = room(&[(Some(1), None)], &with(100, 100)).unwrap();
        assert!(found.obstacles.is_empty());
        assert!(
            found
                .notes
                .values()
                .all(|note| note.contains("might refuse"))
        );
        assert_eq!(found.notes.len(), 1);
        let found = room(&[(Some(1), None)], &with(1000, 101)).unwrap();
        assert_eq!(found, Room::default());
    }

    #[test]
    fn an_account_that_cannot_be_asked_is_no_account_with_room() {
        let denied = CloudError::Denied {
            operation: "lambda:GetAccountSettings",
            resource: "the account".to_owned(),
            message: "no".to_owned(),
        };
        let account = Account(Err(denied.clone()));
        assert_eq!(room(&[(Some(1), None)], &account), Err(denied));
        // Where nothing is reserved anew, nobody asks.
        assert_eq!(room(&[(Some(1), Some(1))], &account), Ok(Room::default()));
        assert_eq!(
            room(&[(Some(1), None)], &Account(Ok(None))),
            Ok(Room::default())
        );
    }
}
