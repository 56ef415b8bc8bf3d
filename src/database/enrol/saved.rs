//! Plans in a file: what was looked at is what is applied, or nothing is.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::FORMAT_VERSION;
use super::plan::Plan;
use crate::deploy::Made;
use crate::deploy::document::{canonical, pretty};
use crate::digest::sha256;

/// Plans of one run, with their origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPlans {
    /// Version of this form.
    pub format_version: u32,
    /// What it is: a plan of resources is another thing.
    pub kind: String,
    /// One for each place.
    pub plans: Vec<Plan>,
    /// Roles that were named to be un-enrolled.
    pub unenrol: Vec<String>,
    /// When and with what they were made.
    #[serde(flatten)]
    pub made: Made,
}

/// The value of `kind`.
const KIND: &str = "enrolment";

/// Why saved plans cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    #[error("this is not a saved plan of enrolment: {0}")]
    NotAPlan(String),
    #[error(
        "the plan has format version {0}, but this pgvigil reads version {FORMAT_VERSION}: make the plan again"
    )]
    Version(u64),
    /// Changed since it was written.
    #[error("the plan was changed after it was made: make it again")]
    Edited,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    #[serde(flatten)]
    saved: SavedPlans,
    digest: String,
}

impl SavedPlans {
    /// Plans to be saved.
    pub fn new(plans: Vec<Plan>, unenrol: Vec<String>, made: Made) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            kind: KIND.to_owned(),
            plans,
            unenrol,
            made,
        }
    }

    /// The text of the file, with a digest over it. No secret is in it.
    pub fn to_text(&self) -> String {
        let sealed = Sealed {
            saved: self.clone(),
            digest: self.digest(),
        };
        pretty(&serde_json::to_value(sealed).unwrap_or_default())
    }

    /// Reads saved plans and refuses those that were changed since.
    ///
    /// # Errors
    /// [`SavedError`].
    pub fn from_text(text: &str) -> Result<Self, SavedError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| SavedError::NotAPlan(error.to_string()))?;
        if value.get("kind").and_then(Value::as_str) != Some(KIND) {
            return Err(SavedError::NotAPlan(
                "it is a different kind of file".to_owned(),
            ));
        }
        match value.get("format_version").and_then(Value::as_u64) {
            Some(version) if version != u64::from(FORMAT_VERSION) => {
                return Err(SavedError::Version(version));
            }
            _ => {}
        }
        let sealed: Sealed = serde_json::from_value(value)
            .map_err(|error| SavedError::NotAPlan(error.to_string()))?;
        if sealed.digest == sealed.saved.digest() {
            Ok(sealed.saved)
        } else {
            Err(SavedError::Edited)
        }
    }

    fn digest(&self) -> String {
        sha256(canonical(&serde_json::to_value(self).unwrap_or_default()))
    }
}

/// Why a plan that was looked at is not what would be done now; `None` where it is.
pub fn moved(then: &Plan, now: &Plan) -> Option<String> {
    let place = |plan: &Plan| (plan.place.database.clone(), plan.place.system.clone());
    if place(then) != place(now) {
        return Some(format!(
            "it was made for {}, but this is a different server or database: {}",
            then.place, now.place
        ));
    }
    if then.asked != now.asked {
        return Some("the files have changed since".to_owned());
    }
    // Somebody else did all of it, or a run before that stopped at another server.
    let is_rest = |database: &String| then.extensions.contains(database);
    if now.steps.is_empty() && now.extensions.iter().all(is_rest) {
        return None;
    }
    let sorted = |plan: &Plan| {
        let mut extensions = plan.extensions.clone();
        extensions.sort();
        (plan.ground.clone(), plan.steps.clone(), extensions)
    };
    if sorted(then) != sorted(now) {
        return Some("the server changed: roles or settings are different since".to_owned());
    }
    None
}
