use crate::name::{BuildId, ReleaseId};

/// What output is of.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum OutputId {
    /// A build.
    Build(BuildId),
    /// A release's release phase.
    Release(ReleaseId),
}

impl OutputId {
    pub(super) fn file_name(self) -> String {
        match self {
            Self::Build(id) => format!("build-{id}"),
            Self::Release(id) => format!("release-{id}"),
        }
    }

    pub(super) fn of_file_name(name: &str) -> Option<Self> {
        match name.split_once('-')? {
            ("build", id) => id.parse().ok().map(Self::Build),
            ("release", id) => id.parse().ok().map(Self::Release),
            _ => None,
        }
    }
}
