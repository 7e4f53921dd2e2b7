//! Files served by the host straight from the slug, without a guest: the built-in program `static`.
//!
//! # Owns
//! The command `static [DIR] [--single-page] [--clean-urls]`; which file a path means; types, validators, ranges
//! and encodings of what is sent.
//!
//! # Invariants
//! 1. Nothing outside the directory is ever read: paths with `..` are refused before the disk is asked, and what
//!    is opened is opened through a `cap-std` directory, which follows no link out of it.
//! 2. Files whose name, or a directory's name on the way, begins with a dot are not served, `.well-known` apart.
//! 3. A slug does not change, so that a file is hashed once and an entity tag is strong; each encoding has its own.
//! 4. Disk is touched on the blocking threads only, and large files are never held in memory.
//!
//! # Not here
//! Times (`Last-Modified`): a slug has none. Compression: files are sent as they are in the slug, or as the `.br`,
//! `.zst` or `.gz` that stands beside them.

mod asset;
mod encoding;
mod library;
mod options;
mod path;
mod range;
mod site;

pub use options::{StaticOptions, StaticSiteError};
pub use site::StaticSite;
