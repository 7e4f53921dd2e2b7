//! One-off dynos: what somebody runs once, beside the formation.
//!
//! ```text
//!   order ──► waits for a client ──► starts ──► up ──► gone
//!             (if it is attached)       │        │
//!                    R13                └────────┴── ended: stopped, interrupted, hung up, out of time
//! ```
//!
//! # Owns
//! [`OneOff`], the order; [`Attachment`], the client's side of a dyno that it speaks with; the list of an app's one-off
//! dynos beside the records of its formation; why one is ended, and with which exit status that is.
//!
//! # Rules
//! * A one-off dyno runs the release that is current when it is ordered, whatever is released while it runs.
//! * It is started once. When it ends, however it ends, it is gone.
//! * An attached one starts when its client is there, and does not outlive it.

mod attachment;
mod ending;
mod list;
mod order;

pub use attachment::{Attachment, Leash, Outcome};
pub use order::{OneOff, OneOffError, Ordered, Streams};

pub(super) use ending::Ending;
pub(super) use list::{OneOffs, Say, Start};
pub(super) use order::Terms;
