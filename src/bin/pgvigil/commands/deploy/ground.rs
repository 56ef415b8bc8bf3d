//! What a deployment is opened with, and why this program cannot open one.

use std::path::Path;

use jiff::civil::Date;

use crate::session::Session;

/// What a deployment is opened with. Threads share it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) root: &'a Path,
    pub(crate) today: Date,
    /// The monitor's package, or a folder of packages.
    #[cfg_attr(
        not(feature = "aws"),
        expect(dead_code, reason = "a folder takes no package")
    )]
    pub(crate) package: Option<&'a Path>,
}

impl<'a> Ground<'a> {
    pub(crate) fn of(session: &'a Session) -> Self {
        Self {
            root: session.root(),
            today: session.today(),
            package: None,
        }
    }

    pub(crate) fn with_package(self, package: Option<&'a Path>) -> Self {
        Self { package, ..self }
    }
}

/// This pgvigil cannot deploy there at all, whatever the credentials.
#[derive(Debug)]
pub(crate) struct NoProvider(pub(crate) String);

impl std::fmt::Display for NoProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoProvider {}
