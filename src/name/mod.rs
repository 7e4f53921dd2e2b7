//! The names: every identifier, parsed once at the edge.
//!
//! # Owns
//! What an app, a process type, a dyno and a release may be called.
//!
//! # Invariants
//! A value of one of these types is legal for as long as it lives: no room below the edge checks again, and
//! every name is safe as a file name, a DNS label and a word in a log line.
//!
//! # Not here
//! What the named things are: see [`crate::app`] and [`crate::dyno`].

mod app_name;
mod dyno_name;
mod hostname;
mod id;
mod process_type;
mod release_version;
mod scheme;

pub use app_name::{AppName, InvalidAppName};
pub use dyno_name::{DynoName, InvalidDynoName};
pub use hostname::{Hostname, InvalidHostname};
pub use id::{
    AccountId, AddonId, AppId, AttachmentId, AuthorizationId, BuildId, CollaboratorId, DomainId, DrainId,
    DynoId, InvalidId, PlatformId, ReleaseId, SlugId,
};
pub use process_type::{InvalidProcessType, ProcessType};
pub use release_version::{InvalidReleaseVersion, ReleaseVersion};
pub use scheme::Scheme;

/// Implements serde for what is written by its `Display` and read by its `FromStr`.
macro_rules! serde_as_text {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use serde_as_text;

/// Implements `Display`, `Debug`, `AsRef<str>` and string serde for a validated one-field newtype.
macro_rules! string_newtype {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.0, f)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        $crate::name::serde_as_text!($name);
    };
}
use string_newtype;
