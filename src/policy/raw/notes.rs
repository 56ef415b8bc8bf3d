//! Notes on detections, as written: the types behind `schema/note.schema.json`.

use schemars::JsonSchema;

/// What became of detections: who looked into them, and what they found. A note decides nothing and changes nothing that is
/// deployed. Any number of files under `notes/`.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "pgvigil notes")]
#[schemars(rename = "Notes")]
pub struct RawNotes {
    /// Version of the file's format.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// Notes: each says what became of some detections.
    pub notes: Vec<RawNote>,
}

/// What became of some detections. Several notes can be about the same detection: the last by date counts.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Note")]
pub struct RawNote {
    /// Name of the note in kebab case, unique in the repository.
    #[schemars(regex(pattern = r"^[a-z0-9]+(-[a-z0-9]+)*$"), length(max = 63), example = &"countries-export")]
    pub id: String,
    /// Ids of the detections, as reports show them: 12 hexadecimal digits each. An id that YAML can read as a number
    /// needs quotes.
    #[schemars(length(min = 1, max = 500), extend("uniqueItems" = true), inner(regex(pattern = r"^[0-9a-f]{12}$")), example = ["3f9c2b7a1d04"])]
    pub detections: Vec<String>,
    /// What was found.
    pub finding: RawFinding,
    /// What happened, and how that is known.
    #[schemars(regex(pattern = r"\S"), example = &"alice exported the countries for the finance team, and the grant was forgotten")]
    pub text: String,
    /// Who looked into it and answers for it.
    #[schemars(regex(pattern = r"\S"), example = &"bob@example.com")]
    pub author: String,
    /// The day on which it was found.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), example = &"2026-12-02")]
    pub date: String,
    /// The ticket about it.
    #[schemars(regex(pattern = r"\S"), example = &"INC-42")]
    pub ticket: Option<String>,
}

/// What was found about detections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Finding")]
pub enum RawFinding {
    /// The work was agreed, and no access grant covered it.
    Authorised,
    /// A client caused it, and not a person: an exclusion can be proposed.
    Tool,
    /// A person did it by mistake.
    Mistake,
    /// A person broke the rules of the company.
    Misuse,
    /// It is handled as a security incident.
    Incident,
    /// It is still being looked into.
    Open,
}
