use super::{Need, Right};

/// Something that is done with an app: what it takes, and how a refusal of it is called in the ledger.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Deed {
    /// What stands before the app's name: `destroy`.
    pub(super) words: &'static str,
    pub(super) right: Right,
    pub(super) need: Need,
}

impl Deed {
    /// To see it.
    pub const SEE: Self = Self::new("see", Right::See, Need::Read);
    /// To deploy, scale, run and restart it.
    pub const CHANGE: Self = Self::new("change", Right::Change, Need::Write);
    /// To see its config vars.
    pub const SEE_CONFIG: Self = Self::new("see config vars of", Right::See, Need::ReadProtected);
    /// To change its config vars.
    pub const SET_CONFIG: Self = Self::new("set config vars of", Right::Change, Need::WriteProtected);
    /// To give it another name.
    pub const RENAME: Self = Self::new("rename", Right::Own, Need::Write);
    /// To destroy it.
    pub const DESTROY: Self = Self::new("destroy", Right::Own, Need::Write);
    /// To give it to somebody else.
    pub const TRANSFER: Self = Self::new("transfer", Right::Own, Need::Global);
    /// To say who else may work on it.
    pub const SHARE: Self = Self::new("say who works on", Right::Own, Need::Global);
    /// To work on it no longer.
    pub const LEAVE: Self = Self::new("leave", Right::See, Need::Global);

    const fn new(words: &'static str, right: Right, need: Need) -> Self {
        Self { words, right, need }
    }
}

impl From<Right> for Deed {
    fn from(right: Right) -> Self {
        match right {
            Right::See => Self::SEE,
            Right::Change => Self::CHANGE,
            Right::Own => Self { words: "destroy, rename or transfer", ..Self::DESTROY },
        }
    }
}
