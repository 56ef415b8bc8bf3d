//! Plans and coverage of enrolment, of one place or of many: for a terminal and for programs.

pub mod csv;
pub mod human;
pub mod json;
pub mod sarif;

/// What one place came to.
#[derive(Debug, Clone)]
pub struct Entry<T> {
    pub environment: String,
    /// The cluster; absent where the files do not say which one is meant.
    pub cluster: Option<String>,
    /// The result, or the reason why it is missing.
    pub result: Result<T, String>,
}

impl<T> Entry<T> {
    /// Such as `production, orders`.
    pub fn name(&self) -> String {
        match &self.cluster {
            Some(cluster) => format!("{}, {cluster}", self.environment),
            None => self.environment.clone(),
        }
    }
}
