use super::{EntryHash, Stream};
use std::{fmt, str::FromStr};

/// The end of a chain, to be kept elsewhere: whoever has it can tell later whether the chain was changed up to there.
/// Written `STREAM@SEQ:HASH`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// The chain.
    pub stream: Stream,
    /// The sequence number of its last entry, from 1.
    pub seq: u64,
    /// The hash of that entry, which holds all before it.
    pub hash: EntryHash,
}

/// The text is not a head.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a head: write STREAM@SEQ:HASH, as `hokku ledger verify` prints it")]
pub struct InvalidHead(String);

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}:{}", self.stream, self.seq, self.hash)
    }
}

impl FromStr for Head {
    type Err = InvalidHead;

    fn from_str(text: &str) -> Result<Self, InvalidHead> {
        let parse = || {
            let (stream, rest) = text.split_once('@')?;
            let (seq, hash) = rest.split_once(':')?;
            let seq = seq.parse().ok().filter(|seq| *seq > 0)?;
            Some(Self { stream: stream.parse().ok()?, seq, hash: hash.parse().ok()? })
        };
        parse().ok_or_else(|| InvalidHead(text.chars().take(160).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::AppId;

    #[test]
    fn a_head_is_read_as_it_is_written() {
        for stream in [Stream::Platform, Stream::App(AppId::derived([7; 16]))] {
            let head = Head { stream, seq: 12, hash: EntryHash::of(b"entry") };
            assert_eq!(head.to_string().parse(), Ok(head));
        }
        let zeros = "0".repeat(64);
        for text in [
            "",
            "platform",
            "platform@0:00",
            "platform@1",
            &format!("shop@1:{zeros}"),
            &format!("platform@0:{zeros}"),
        ] {
            assert!(text.parse::<Head>().is_err(), "{text}");
        }
        insta::assert_snapshot!("shop@1".parse::<Head>().expect_err("no head"), @"`shop@1` is not a head: write STREAM@SEQ:HASH, as `hokku ledger verify` prints it");
    }
}
