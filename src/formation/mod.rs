//! The formation: which dynos run, and what happens when one ends.
//!
//! ```text
//!   ledger's state ──► wanted ─┐
//!                              ├─► plan ──► steps ──► launcher, stop ──► reports ─┐
//!   what runs ───────► actual ─┘                                                  │
//!        ▲                                                                        │
//!        └──── roster, to router and API ◄────────────────────────────────────────┘
//! ```
//!
//! # Owns
//! The `plan` from what is wanted and what runs to what is to be done; the [`Supervisor`], one task that carries it
//! out; the [`Roster`], in which every dyno can be seen; the log lines of a dyno's life; the [`Launcher`], behind which
//! dynos may run on this machine or elsewhere.
//!
//! # Invariants
//! 1. What runs, one-off dynos aside, follows from the ledger's state alone: nothing has to be told to the supervisor twice, and after a
//!    restart of the platform every app comes back.
//! 2. In no roster is an app whose web dynos were up without one, unless none is wanted any more: the new ones come in
//!    as the old ones go out.
//! 3. Never two dynos of one name run, but for `web`, of which at most twice the wanted number do.
//! 4. An app at rest costs no wakeups but one a day, and a start that hangs, fails or panics costs its own app only.
//!
//! # A dyno that ends
//! Whatever its exit status: a dyno of a formation is there to run, so one that ends by itself has crashed and is
//! started again, as on Heroku, though sooner.
//!
//! # One-off dynos
//! What somebody runs once follows from no state: it is ordered ([`OneOff`]), counted, listed in the roster beside the
//! formation, started through the same line, and never started again. `one_off` has its story.
//!
//! # Not here
//! How a guest is run: [`crate::dyno`]. What is wanted: [`crate::ledger`]. The release phase. Which web dyno gets a
//! request: the router.

mod agenda;
mod app_dynos;
mod app_roster;
mod attendance;
mod config;
mod control_loop;
mod launcher;
mod life;
mod log_lines;
mod one_off;
mod one_offs_of_app;
mod plan;
mod roster;
mod spec;
mod start_queue;
mod supervisor;

#[cfg(test)]
mod tests;

pub use config::FormationConfig;
pub use launcher::{Launcher, LocalLauncher};
pub use one_off::{Attachment, Leash, OneOff, OneOffError, Ordered, Outcome, Streams};
pub use roster::{AppRoster, DynoState, DynoStatus, Roster, Selection, Settled, WebTarget};
pub use supervisor::Supervisor;
