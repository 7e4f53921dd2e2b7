//! The platform: `hokku up`, the composition root of everything that lives on one data directory.
//!
//! # Owns
//! The configuration as a whole (each section belongs to its room), the data directory with its lock and its format,
//! the owner's account and token, the table of hosts, certificates and their authority, one port for apps and control
//! API, the order in which everything starts and stops, and backup and restore of it all (`backup`).
//!
//! # Invariants
//! 1. One platform per data directory; an older binary never touches a newer one's.
//! 2. What the data directory holds besides ledger, keys, slugs and repositories may be deleted while the platform is stopped.
//! 3. Nothing is acknowledged before the ledger has it; a stop at any moment loses nothing that was.
//!
//! # Not here
//! What an app is ([`crate::ledger`]), what the API answers ([`crate::api`]), flags and printing (the `cli` room).

mod backup;
mod config;
mod control;
mod data_dir;
mod doors;
mod error;
mod hosts;
mod owner;
mod service_manager;
mod session;
mod settings;
mod tls;

pub use backup::{Backup, BackupError, Existing, KeyPlace, Progress, Restore, Restored, Taken};
pub use config::{Config, LogConfig, LogFormat};
pub use data_dir::{DataDir, Holder};
pub use error::PlatformError;
pub use session::Platform;
pub use settings::{Settings, SettingsError};
pub use tls::{CaCertificate, TlsConfig, TlsError};
