//! `hokku doctor`: what a machine has for a platform, what is missing, and how to get it.
//!
//! # Owns
//! What is looked at (`machine`, with `programs` and `probes`), and what each finding means (`diagnosis`): values in,
//! values out, so that every word is tested without the machine that it is about.
//!
//! # Not here
//! Mending anything: the doctor changes nothing.

mod check;
mod command;
mod diagnosis;
mod machine;
mod probes;
mod programs;

pub(super) use command::Doctor;
