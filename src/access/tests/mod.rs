//! The doorkeeper over a ledger on a disk, as the doors use it.

mod changes;
mod house;
mod letting_in;
mod words;
