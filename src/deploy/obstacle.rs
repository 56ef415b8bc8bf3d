//! What a plan can never do: found before the first write, with what to change instead.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document::{Document, Kind};
use super::port::{At, CloudError, Concurrency, Reader, Reading};

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
/// `PutFunctionConcurrency` ("below its minimum value of \[10\]"): 10 in accounts whose limit is 10, 50 or 100 in others. So
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
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    address: String,
    from: u32,
    to: u32,
}

/// What an environment reserves from now on, and what its account has left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reservations {
    /// In the order in which an apply takes the functions.
    changes: Vec<Change>,
    /// Asked only where a reservation grows.
    account: Option<Concurrency>,
}

impl Reservations {
    /// Compares what the files reserve with what is reserved. The account is asked only where a reservation grows.
    ///
    /// # Errors
    /// If the account's limits cannot be read.
    pub fn of(
        documents: &[&Document],
        readings: &[Result<Reading, CloudError>],
        reader: &dyn Reader,
    ) -> Result<Self, CloudError> {
        let changes = changes(documents, readings);
        let account = if changes.iter().any(|change| change.to > change.from) {
            reader.concurrency()?
        } else {
            None
        };
        Ok(Self { changes, account })
    }

    /// The same for an environment of which nothing else is looked at: its functions alone are read.
    ///
    /// # Errors
    /// If the account's limits cannot be read.
    pub fn ask(documents: &[Document], reader: &dyn Reader) -> Result<Self, CloudError> {
        let functions: Vec<&Document> = documents
            .iter()
            .filter(|document| document.kind == Kind::LambdaFunction)
            .collect();
        let readings = reader.read_all(&functions);
        Self::of(&functions, &readings, reader)
    }
}

/// The functions whose reservation changes, in the order in which an apply takes them. What could not be read is told where
/// it is compared.
fn changes(documents: &[&Document], readings: &[Result<Reading, CloudError>]) -> Vec<Change> {
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
            let address = document.address.clone();
            (from != to).then_some(Change { address, from, to })
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
    /// What there is room for, where nothing else is applied.
    pub fn of(reservations: &Reservations) -> Self {
        let (room, _) = Self::after(0, reservations);
        room
    }

    /// The same for limits that were read before.
    pub(crate) fn in_account(
        documents: &[&Document],
        readings: &[Result<Reading, CloudError>],
        concurrency: Concurrency,
    ) -> Self {
        Self::of(&Reservations {
            changes: changes(documents, readings),
            account: Some(concurrency),
        })
    }

    /// What there is room for after others took so much, and how much is taken then.
    fn after(taken: i64, reservations: &Reservations) -> (Self, i64) {
        let mut room = Self::default();
        let mut taken = taken;
        // Each reservation is refused or not by what those before it left.
        for change in &reservations.changes {
            let more = i64::from(change.to) - i64::from(change.from);
            if let (Some(account), true) = (reservations.account, more > 0) {
                let before = i64::from(account.unreserved) - taken;
                let now = if taken == 0 {
                    format!("{before} are unreserved now")
                } else {
                    format!(
                        "{} stay unreserved after the other reservations of this run",
                        before.max(0)
                    )
                };
                if before - more < i64::from(LEAST_UNRESERVED) {
                    room.obstacles.push(Obstacle {
                        address: change.address.clone(),
                        why: format!(
                            "the account has no room for a reserved concurrency of {}: Lambda leaves at least \
                             {LEAST_UNRESERVED} unreserved, and {now}, of {} in all",
                            change.to, account.limit
                        ),
                        help: WITHOUT_RESERVATION.to_owned(),
                    });
                    // It is not made.
                    continue;
                }
                if before - more < i64::from(DOCUMENTED_UNRESERVED) {
                    room.notes.insert(
                        change.address.clone(),
                        format!(
                            "Lambda might refuse a reserved concurrency of {}: in some accounts it leaves \
                             {DOCUMENTED_UNRESERVED} unreserved, and {now}",
                            change.to
                        ),
                    );
                }
            }
            taken += more;
        }
        (room, taken)
    }
}

/// Environments that are applied one after the other: those of one account and region share its limit.
#[derive(Debug, Default)]
pub struct Shared {
    taken: BTreeMap<(String, String, String), i64>,
}

impl Shared {
    /// What there is room for after the environments that were asked about before.
    pub fn room(&mut self, at: &At, reservations: &Reservations) -> Room {
        let place = (at.provider.clone(), at.account.clone(), at.region.clone());
        let taken = self.taken.entry(place).or_default();
        let (room, now) = Room::after(*taken, reservations);
        *taken = now;
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::resources::testing::{documents, environment};
    use crate::deploy::port::{Found, Live, Scope};

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

    /// What functions reserve that reserve `wanted`, where `live` is reserved now; `None` for a function that is not there.
    fn reservations(
        functions: &[(Option<u32>, Option<u32>)],
        account: &Account,
    ) -> Result<Reservations, CloudError> {
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
        Reservations::of(&all, &readings, account)
    }

    fn room(
        functions: &[(Option<u32>, Option<u32>)],
        account: &Account,
    ) -> Result<Room, CloudError> {
        reservations(functions, account).map(|reservations| Room::of(&reservations))
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

    /// Nothing is written between two looks, so the account itself says the same of each environment.
    #[test]
    fn environments_of_one_account_and_region_share_its_limit() {
        let at = |region: &str| At {
            region: region.to_owned(),
            ..At::local()
        };
        let one = reservations(&[(Some(1), None)], &with(12, 12)).unwrap();
        let mut shared = Shared::default();
        for expected in [0, 0, 1, 1] {
            let room = shared.room(&at("eu-central-1"), &one);
            assert_eq!(room.obstacles.len(), expected, "{room:?}");
            if let Some(obstacle) = room.obstacles.first() {
                assert!(obstacle.why.contains("10 stay unreserved after the other"));
            }
        }
        let room = shared.room(&at("eu-west-1"), &one);
        assert_eq!(room.obstacles, Vec::new());
        // What one environment gives up, the next one has.
        let less = reservations(&[(None, Some(1))], &with(12, 12)).unwrap();
        assert_eq!(shared.room(&at("eu-central-1"), &less), Room::default());
        let room = shared.room(&at("eu-central-1"), &one);
        assert_eq!(room.obstacles, Vec::new());
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
