use super::{InvalidEmail, InvalidPassword, NoRandomness, Refused, tokens};
use crate::ledger::{AppendError, ChangeError};

/// Why an account, a token or somebody's place at an app is not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The caller may not.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// There is no such account.
    #[error("there is no account {0}; the platform's owner adds accounts with `hokku users add`")]
    NoAccount(String),
    /// There is no such token, or it is another account's.
    #[error("there is no such token")]
    NoAuthorization,
    /// They do not work on the app.
    #[error("they are no collaborator of the app")]
    NoCollaborator,
    /// The text is no e-mail address.
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    /// The text is no password for an account.
    #[error(transparent)]
    Password(#[from] InvalidPassword),
    /// Somebody has the e-mail address.
    #[error("there is an account {0} already; addresses differ by more than the case of their letters")]
    EmailTaken(String),
    /// The old password is another one.
    #[error("the old password is wrong")]
    WrongPassword,
    /// An account with apps cannot be removed.
    #[error("the account {email} owns {apps}; transfer or destroy what it owns first")]
    OwnsApps {
        /// Whose account.
        email: String,
        /// The names of some of its apps, and how many there are more.
        apps: String,
    },
    /// The platform's first account stays.
    #[error("the account {0} owns the platform and cannot be removed")]
    OwnsPlatform(String),
    /// They work on the app already.
    #[error("the account {0} is a collaborator of the app already")]
    Present(String),
    /// An owner needs no place as a collaborator, and cannot be put out.
    #[error("the account {0} owns the app; transfer the app to give it another owner")]
    OwnsApp(String),
    /// The text says what a token is for.
    #[error("a description has at most {} characters, and no control characters", tokens::LONGEST)]
    Description,
    /// The token would last too long, or not at all.
    #[error("a token lasts from 1 s to {} days, or for ever", tokens::LONGEST_LIFE.as_secs() / 86_400)]
    Life,
    /// The account has as many as it may.
    #[error("the account {0} has {most} tokens, which is the most; revoke some first", most = tokens::MOST)]
    TooManyTokens(String),
    /// Too many passwords are checked at this time.
    #[error("too many passwords are checked at this time; try again in a moment")]
    Busy,
    /// A password could not be hashed: the host's fault.
    #[error("a password could not be hashed: {0}")]
    Unhashable(String),
    /// There is no randomness for a token: the host's fault.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The ledger did not take it.
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl From<ChangeError<Self>> for AccountError {
    fn from(error: ChangeError<Self>) -> Self {
        match error {
            ChangeError::Refused(refused) => refused,
            ChangeError::Append(append) => append.into(),
        }
    }
}
