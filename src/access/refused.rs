use std::time::Duration;

/// Why somebody is not let in, or not let do something. All of it is the caller's.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// No credentials, or none that are valid.
    #[error("Invalid credentials provided.")]
    Unauthorized,
    /// Too many attempts failed.
    #[error("Too many failed attempts. Try again in {} s.", wait.as_secs().max(1))]
    TooMany {
        /// How long to wait.
        wait: Duration,
    },
    /// There is no such app, or not for this caller.
    #[error("Couldn't find that app.")]
    NoApp,
    /// The token's scopes do not go so far.
    #[error("This token's scopes do not allow it. Use one that was made with wider scopes.")]
    Scope,
    /// The caller may see the app, but not do this with it.
    #[error("Only the app's owner may do this.")]
    NotOwner,
    /// It is the operator's.
    #[error("Only the owner of the platform may do this.")]
    NotOperator,
}
