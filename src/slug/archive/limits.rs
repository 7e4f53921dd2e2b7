use super::Refusal;

/// Most bytes of one path, and of a link's target.
pub(super) const PATH_BYTES: usize = 1024;
/// Most bytes of one component.
pub(super) const NAME_BYTES: usize = 255;
/// Most components of one path.
pub(super) const DEPTH: usize = 100;
/// Below this many bytes, no tree is refused for its ratio: source text and zeros pack well.
const RATIO_FLOOR: u64 = 64 << 20;

/// How much one tree may unpack to. Headers are not believed: bytes are counted as they come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnpackLimits {
    /// Most bytes of all files together; by default 4 GB.
    pub bytes: u64,
    /// Most files, directories and links; by default 200,000.
    pub entries: u64,
    /// Most bytes unpacked for one byte packed, above 64 MiB unpacked; by default 250.
    pub ratio: u64,
}

impl Default for UnpackLimits {
    fn default() -> Self {
        Self { bytes: 4_000_000_000, entries: 200_000, ratio: 250 }
    }
}

impl UnpackLimits {
    pub(in crate::slug) fn check(
        &self,
        bytes: u64,
        entries: u64,
        packed: Option<u64>,
    ) -> Result<(), Refusal> {
        if entries > self.entries {
            return Err(Refusal::TooManyEntries { limit: self.entries });
        }
        if bytes > self.bytes {
            return Err(Refusal::TooManyBytes { limit: self.bytes });
        }
        match packed {
            Some(packed) if bytes > RATIO_FLOOR && bytes / self.ratio.max(1) > packed => {
                Err(Refusal::Ratio { limit: self.ratio })
            }
            _ => Ok(()),
        }
    }
}

/// What an archive held.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnpackSummary {
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes of all files together.
    pub bytes: u64,
}
