//! JSON Schemas of what programs read, made of the types that are written.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

/// The schema of a document. Keys may be added to it without a new version, so others are allowed.
pub fn of<T: JsonSchema>(title: &str) -> String {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    format!("{:#}\n", schema.to_value())
}
