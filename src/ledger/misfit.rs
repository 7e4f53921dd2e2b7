use super::Stream;
use crate::app::InvalidConfigVars;
use crate::name::ReleaseVersion;

/// An entry does not fit the state before it: the fold has no meaning for it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("entry {seq} of {stream} does not fit: {reason}")]
pub struct Misfit {
    /// The entry's stream.
    pub stream: Stream,
    /// Its sequence number.
    pub seq: u64,
    /// Why it does not fit.
    pub reason: Unfit,
}

/// Why an entry does not fit.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// The stream has another head.
    #[error("the entry before it is {0}")]
    Seq(u64),
    /// The kind belongs to another stream.
    #[error("its kind belongs to another stream")]
    Stream,
    /// It is about a thing that is not there.
    #[error("there is no {what} {name}")]
    Missing {
        /// What kind of thing.
        what: &'static str,
        /// Its id or name.
        name: String,
    },
    /// It makes what is there already, or takes a name that is taken.
    #[error("the {what} {name} is taken")]
    Taken {
        /// What kind of thing.
        what: &'static str,
        /// Its id or name.
        name: String,
    },
    /// Release versions are dense.
    #[error("the next release is {next}, not {found}")]
    Version {
        /// The version that the next release must have.
        next: ReleaseVersion,
        /// The entry's.
        found: ReleaseVersion,
    },
    /// It ends what has ended.
    #[error("the {what} {name} is not pending")]
    NotPending {
        /// `build` or `release`.
        what: &'static str,
        /// Its id or version.
        name: String,
    },
    /// The config vars would not be legal.
    #[error(transparent)]
    Config(#[from] InvalidConfigVars),
}

impl Unfit {
    pub(super) fn missing(what: &'static str, name: &impl ToString) -> Self {
        Self::Missing { what, name: name.to_string() }
    }

    pub(super) fn taken(what: &'static str, name: &impl ToString) -> Self {
        Self::Taken { what, name: name.to_string() }
    }
}
