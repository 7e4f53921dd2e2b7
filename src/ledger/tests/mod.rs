//! The room as a whole, on a real disk.

mod concurrent;
mod disk;
mod fixture;
mod secrets;
