use super::{
    Archive, Chain, Flaw, Head, LedgerError, Stream,
    archive::AppNames,
    chain::{Chains, Link},
    entry_table::FoundEntry,
};
use crate::name::AppName;
use std::fmt;

/// Every entry is what was appended, and every head is in its chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// How many entries there are.
    pub entries: u64,
    /// Every chain, the platform's first. Its heads, kept elsewhere, prove later that nothing before them changed.
    pub chains: Vec<Chain>,
}

/// The ledger is not what it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// An entry was changed, taken out or put in; it is the first one.
    #[error("{0}")]
    Entry(Breach),
    /// A chain has another entry than the one that was kept elsewhere.
    #[error("entry {} of {} is not the one of --head {head}: the chain was rewritten", head.seq, head.stream)]
    Rewritten {
        /// What was kept.
        head: Head,
    },
    /// A chain ends before the entry that was kept elsewhere.
    #[error("{} has {entries} entries, and --head {head} is after them: the end is missing", head.stream)]
    Short {
        /// What was kept.
        head: Head,
        /// How many entries the chain has.
        entries: u64,
    },
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// The first entry that is not what was appended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Breach {
    /// Its stream, as it is stored.
    pub stream: String,
    /// The name of its app, as far as it is known.
    pub app: Option<AppName>,
    /// Its sequence number, as it is stored.
    pub seq: i64,
    /// What is wrong.
    pub flaw: Flaw,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} of {}", self.seq, self.stream)?;
        if let Some(app) = &self.app {
            write!(f, " (app {app})")?;
        }
        write!(f, " {}", self.flaw)
    }
}

impl Archive {
    /// Proves that every entry is what was appended: its hash, its columns, its place in its chain and in the ledger;
    /// and that `heads`, which were kept elsewhere, are in their chains.
    ///
    /// Without heads, a chain that was rewritten from some entry to its end, or cut off, cannot be told.
    ///
    /// # Errors
    /// [`VerifyError`] names the first bad entry.
    pub fn verify(&self, heads: &[Head]) -> Result<Report, VerifyError> {
        let (mut chains, mut names) = (Chains::default(), AppNames::default());
        let mut entries = 0;
        self.entries.each(None, |found| {
            let header = chains.follow(&found).map_err(|flaw| breach(&found, &names, flaw))?;
            let (stream, seq) = (header.stream, header.seq);
            if stream == Stream::Platform {
                names.learn(&header.kind, found.body);
            }
            let kept = heads.iter().filter(|head| (head.stream, head.seq) == (stream, seq));
            for head in kept {
                if chains.links.get(&stream).is_none_or(|link| link.hash != head.hash) {
                    return Err(VerifyError::Rewritten { head: *head });
                }
            }
            entries += 1;
            Ok(())
        })?;
        for head in heads {
            let entries = chains.links.get(&head.stream).map_or(0, |link| link.seq);
            if entries < head.seq {
                return Err(VerifyError::Short { head: *head, entries });
            }
        }
        self.entries.check_index()?;
        let chain = |(&stream, &Link { seq, hash }): (&Stream, &Link)| Chain {
            head: Head { stream, seq, hash },
            app: names.of(stream),
        };
        let mut chains: Vec<_> = chains.links.iter().map(chain).collect();
        chains.sort_by_key(|chain| chain.head.stream);
        Ok(Report { entries, chains })
    }
}

fn breach(found: &FoundEntry<'_>, names: &AppNames, flaw: Flaw) -> VerifyError {
    let stream: String = found.stream.chars().take(64).collect();
    let app = stream.parse().ok().and_then(|stream| names.of(stream));
    VerifyError::Entry(Breach { stream, app, seq: found.seq, flaw })
}
