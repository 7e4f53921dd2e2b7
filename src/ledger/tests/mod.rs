//! The room as a whole, on a real disk.

mod concurrent;
mod disk;
mod failing_disk;
pub(super) mod fixture;
mod golden;
mod proof;
mod secrets;
mod snapshot;
