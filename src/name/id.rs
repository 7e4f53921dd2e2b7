use std::{fmt, str::FromStr};
use uuid::Uuid;

/// The text is not an identifier.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not an id: write a UUID in lower case")]
pub struct InvalidId(String);

/// Defines identifiers: UUIDs (RFC 9562), random unless derived, written in lower case.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Deserialize, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new one, unlike any other.
            #[must_use]
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }

            /// The one that always belongs to `bytes`, of which the first 16 count: a digest, say.
            #[must_use]
            pub fn derived(bytes: [u8; 16]) -> Self {
                Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let invalid = || InvalidId(text.chars().take(64).collect());
                let id = Uuid::try_parse(text).map_err(|_| invalid())?;
                if id.hyphenated().to_string() == text { Ok(Self(id)) } else { Err(invalid()) }
            }
        }
    )+};
}

ids! {
    /// Names an account for ever, whatever its e-mail address.
    AccountId;
    /// Names an add-on.
    AddonId;
    /// Names an app for ever, whatever it is called.
    AppId;
    /// Names the attachment of an add-on to an app.
    AttachmentId;
    /// Names a token, without telling it.
    AuthorizationId;
    /// Names a build.
    BuildId;
    /// Names a collaborator's place at an app.
    CollaboratorId;
    /// Names a domain of an app.
    DomainId;
    /// Names a log drain.
    DrainId;
    /// Names one start of a dyno.
    DynoId;
    /// Names a platform: one data directory.
    PlatformId;
    /// Names a release.
    ReleaseId;
    /// Names a slug of an app, as the API knows it.
    SlugId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written() {
        let id = AppId::random();
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "shop", "67E55044-10B1-426F-9247-BB680E5FE0C8", "67e5504410b1426f9247bb680e5fe0c8"] {
            assert!(text.parse::<AppId>().is_err(), "{text}");
        }
    }

    #[test]
    fn derived_ids_are_what_they_are_derived_from() {
        assert_eq!(SlugId::derived([7; 16]), SlugId::derived([7; 16]));
        assert_ne!(SlugId::derived([7; 16]), SlugId::derived([8; 16]));
        insta::assert_snapshot!(SlugId::derived([7; 16]), @"07070707-0707-8707-8707-070707070707");
    }
}
