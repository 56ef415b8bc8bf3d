//! The properties of a document, taken one by one, so that a forgotten one is noticed.

use serde_json::{Map, Value};

use super::super::resources::{Document, canonical};
use super::ExportFault;

/// What is left of the properties of a document.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    address: &'a str,
    /// Where these fields stand in the document: empty, or `outer.`.
    path: String,
    left: Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// All fields of a document.
    pub(crate) fn of(document: &'a Document) -> Result<Self, ExportFault> {
        Self::inside(&document.address, "", document.properties.clone())
    }

    fn inside(address: &'a str, path: &str, value: Value) -> Result<Self, ExportFault> {
        match value {
            Value::Object(left) => Ok(Self {
                address,
                path: path.to_owned(),
                left,
            }),
            _ => Err(ExportFault::Missing {
                address: address.to_owned(),
                field: path.trim_end_matches('.').to_owned(),
            }),
        }
    }

    fn missing(&self, field: &str) -> ExportFault {
        ExportFault::Missing {
            address: self.address.to_owned(),
            field: format!("{}{field}", self.path),
        }
    }

    fn inexpressible(&self, field: &str, value: &Value) -> ExportFault {
        ExportFault::Inexpressible {
            address: self.address.to_owned(),
            field: format!("{}{field}", self.path),
            value: canonical(value),
        }
    }

    /// A field of any type.
    pub(crate) fn take(&mut self, field: &str) -> Result<Value, ExportFault> {
        self.left.remove(field).ok_or_else(|| self.missing(field))
    }

    /// A field, if the document has it.
    pub(crate) fn optional(&mut self, field: &str) -> Option<Value> {
        self.left.remove(field)
    }

    pub(crate) fn text(&mut self, field: &str) -> Result<String, ExportFault> {
        match self.take(field)? {
            Value::String(text) => Ok(text),
            _ => Err(self.missing(field)),
        }
    }

    pub(crate) fn list(&mut self, field: &str) -> Result<Vec<Value>, ExportFault> {
        match self.take(field)? {
            Value::Array(items) => Ok(items),
            _ => Err(self.missing(field)),
        }
    }

    /// Fields inside a field. Whoever takes them finishes them.
    pub(crate) fn object(&mut self, field: &str) -> Result<Fields<'a>, ExportFault> {
        let value = self.take(field)?;
        Self::inside(self.address, &format!("{}{field}.", self.path), value)
    }

    /// A field that the target expresses by saying nothing: any value but this one is refused.
    pub(crate) fn must(&mut self, field: &str, value: &Value) -> Result<(), ExportFault> {
        let found = self.take(field)?;
        if &found == value {
            Ok(())
        } else {
            Err(self.inexpressible(field, &found))
        }
    }

    /// Refuses a field that was not taken.
    pub(crate) fn finish(self) -> Result<(), ExportFault> {
        match self.left.iter().next() {
            None => Ok(()),
            Some((field, value)) => Err(self.inexpressible(field, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_that_nobody_takes_is_refused() {
        let value = json!({ "name": "a", "inner": { "b": 1, "c": 2 } });
        let mut fields = Fields::inside("x/alarm/a", "", value).unwrap();
        assert_eq!(fields.text("name").unwrap(), "a");
        let mut inner = fields.object("inner").unwrap();
        assert_eq!(inner.take("b").unwrap(), json!(1));
        assert_eq!(
            inner.finish().unwrap_err().to_string(),
            "x/alarm/a: the target cannot express `inner.c` = 2"
        );
        assert_eq!(
            fields.text("name").unwrap_err().to_string(),
            "x/alarm/a: `name` is missing or has the wrong type"
        );
        fields.finish().unwrap();
    }

    #[test]
    fn a_field_that_must_have_a_value_has_it() {
        let mut fields = Fields::inside("a", "", json!({ "fifo": true, "unit": null })).unwrap();
        fields.must("unit", &Value::Null).unwrap();
        assert!(fields.must("fifo", &json!(false)).is_err());
    }
}
