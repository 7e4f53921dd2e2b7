//! The supervisor with a launcher that does as a test says and a ledger in memory.

mod crashes;
mod fixture;
mod local;
mod log;
mod many;
mod one_offs;
mod releases;
