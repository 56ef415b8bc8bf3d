//! A stand-in: the real one is on its way.

use std::str::FromStr;

/// `log_line_prefix`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLinePrefix {
    /// The default of RDS.
    Short,
    /// With session facts.
    Long,
}

impl LogLinePrefix {
    /// As PostgreSQL has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Short => "%t:%r:%u@%d:[%p]:",
            Self::Long => "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:",
        }
    }
}

impl FromStr for LogLinePrefix {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Short, Self::Long]
            .into_iter()
            .find(|prefix| prefix.as_str() == text)
            .ok_or(())
    }
}
