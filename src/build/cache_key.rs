use crate::name::{AppId, AppName};
use std::fmt;

/// Whose build cache it is: one component of a path.
///
/// Of an app's id where apps may change their names and leave them to others, else of its name.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct CacheKey(String);

impl From<AppId> for CacheKey {
    fn from(app: AppId) -> Self {
        Self(app.to_string())
    }
}

impl From<&AppName> for CacheKey {
    fn from(app: &AppName) -> Self {
        Self(app.to_string())
    }
}

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
