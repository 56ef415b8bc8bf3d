//! A provider that fails at a chosen call, for tests.

use std::cell::Cell;

use crate::deploy::alteration::Alteration;
use crate::deploy::document::Document;
use crate::deploy::port::{At, Cloud, CloudError, Expected, Found, Lock, Reader, Reading, Scope};

/// When the chosen call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fails {
    Before,
    /// It does its work, and the answer is lost.
    After,
}

/// Fails at the n-th call that changes something, counted from zero.
pub(crate) struct Faulty<'a> {
    inner: &'a dyn Cloud,
    at: usize,
    fails: Fails,
    calls: Cell<usize>,
    reads_fail: bool,
}

impl<'a> Faulty<'a> {
    pub(crate) fn new(inner: &'a dyn Cloud, at: usize, fails: Fails) -> Self {
        Self {
            inner,
            at,
            fails,
            calls: Cell::new(0),
            reads_fail: false,
        }
    }

    pub(crate) fn unreadable(inner: &'a dyn Cloud) -> Self {
        Self {
            reads_fail: true,
            ..Self::new(inner, usize::MAX, Fails::Before)
        }
    }

    /// How many calls changed something.
    pub(crate) fn calls(&self) -> usize {
        self.calls.get()
    }

    fn call(&self, work: impl FnOnce() -> Result<(), CloudError>) -> Result<(), CloudError> {
        let call = self.calls.replace(self.calls.get() + 1);
        let error = Err(CloudError::Throttled {
            message: "rate exceeded".to_owned(),
        });
        match self.fails {
            _ if call != self.at => work(),
            Fails::Before => error,
            Fails::After => {
                work()?;
                error
            }
        }
    }
}

impl Reader for Faulty<'_> {
    fn at(&self) -> Result<At, CloudError> {
        self.inner.at()
    }

    fn read(&self, document: &Document) -> Result<Reading, CloudError> {
        if self.reads_fail {
            let (resource, message) = (
                document.address.clone(),
                "no identity-based policy allows it".to_owned(),
            );
            return Err(CloudError::Denied {
                operation: "read",
                resource,
                message,
            });
        }
        self.inner.read(document)
    }

    fn rules(&self, function: &Document) -> Result<Option<Vec<u8>>, CloudError> {
        self.inner.rules(function)
    }

    fn alterations(&self, documents: &[&Document]) -> Vec<Alteration> {
        self.inner.alterations(documents)
    }

    fn list(&self, scope: &Scope) -> Result<Vec<Found>, CloudError> {
        self.inner.list(scope)
    }
}

impl Cloud for Faulty<'_> {
    fn lock(&self, scope: &Scope) -> Result<Box<dyn Lock>, CloudError> {
        self.inner.lock(scope)
    }

    fn put(&self, document: &Document, expected: Expected<'_>) -> Result<(), CloudError> {
        self.call(|| self.inner.put(document, expected))
    }

    fn remember(&self, document: &Document) -> Result<(), CloudError> {
        self.call(|| self.inner.remember(document))
    }

    fn delete(&self, found: &Found) -> Result<(), CloudError> {
        self.call(|| self.inner.delete(found))
    }
}
