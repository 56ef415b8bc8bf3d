//! Samples: the promise of an exclusion that a reviewer can read.

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote};

/// See [`Code::ExclusionNoSamples`] and [`Code::ExclusionSampleObject`].
#[derive(Debug)]
pub struct Samples;

impl Check for Samples {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        for exclusion in &context.policy.exclusions {
            // A sample that is invalid has been reported, and is not missing.
            let is_missing = |key: &str| !exclusion.places.has(format!("samples/{key}").as_str());
            let (silences, stays_loud) = (is_missing("silences"), is_missing("stays_loud"));
            let missing = match (silences, stays_loud) {
                (true, true) => Some("no samples"),
                (true, false) => Some("no sample that it silences"),
                (false, true) => Some("no near miss that stays loud"),
                (false, false) => None,
            };
            if let Some(missing) = missing {
                let place = if exclusion.places.has("samples") {
                    exclusion.places.key("samples")
                } else {
                    exclusion.place.clone()
                };
                sink.push(
                    Diagnostic::new(Code::ExclusionNoSamples, format!("the exclusion {} has {missing}", quote(&exclusion.id)))
                        .at(place)
                        .help("write at least one record under `samples.silences` and one under `samples.stays_loud`"),
                );
            }
            for sample in exclusion.silences.iter().chain(&exclusion.stays_loud) {
                if !sample.object.is_empty() && sample.object_type.is_empty() {
                    sink.push(
                        Diagnostic::new(Code::ExclusionSampleObject, format!("the sample has the object {} but no type", quote(&sample.object)))
                            .at(sample.place.clone())
                            .help("add `object_type`, as in `object_type: TABLE`: pgAudit prints both or neither"),
                    );
                }
            }
        }
    }
}
