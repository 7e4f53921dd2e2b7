use std::{fmt, str::FromStr};

/// The name of an object: 40 hexadecimal digits in lower case.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct ObjectId(String);

/// The text names no object.
#[derive(Debug, thiserror::Error)]
#[error("not the name of an object")]
pub(super) struct InvalidObjectId;

impl ObjectId {
    /// Whether it stands for nothing: where a reference begins or ends.
    pub(super) fn is_none(&self) -> bool {
        self.0.bytes().all(|byte| byte == b'0')
    }

    /// As people write it.
    pub(super) fn short(&self) -> &str {
        &self.0[..7]
    }
}

impl FromStr for ObjectId {
    type Err = InvalidObjectId;

    fn from_str(text: &str) -> Result<Self, InvalidObjectId> {
        let legal = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 40 && text.bytes().all(legal) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidObjectId)
        }
    }
}

impl AsRef<str> for ObjectId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
