//! Crash points: the named steps at which a test kills the platform.
//!
//! # Owns
//! The list of steps, and the killing: `SIGKILL` to this very process, so that nothing is flushed or tidied up. The
//! steps are nothing at all unless the `fail` crate is built with `failpoints`, which only tests do; they then read
//! `FAILPOINTS`, as `release.recorded=return` or, to pass two times first, `release.recorded=2*off->return`.
//!
//! # Not here
//! What must be true after the next start: `tests/stories`.

/// Every step, in the order in which a deploy passes them.
pub const STEPS: [&str; 8] = [
    "source.received",
    "build.recorded",
    "slug.stored",
    "release.phase-ran",
    "ledger.before-commit",
    "ledger.after-commit",
    "release.recorded",
    "collect.manifest-removed",
];

/// The steps of a backup.
pub const BACKUP_STEPS: [&str; 2] = ["backup.written", "backup.keys-in-place"];

/// One of [`STEPS`] or [`BACKUP_STEPS`] is reached.
pub(crate) fn reached(step: &'static str) {
    debug_assert!(STEPS.contains(&step) || BACKUP_STEPS.contains(&step), "`{step}` is not in the list");
    fail::fail_point!(step, |_| {
        let own = rustix::process::getpid();
        // It cannot fail for the own process; if it did, the test would see the platform live.
        let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
    });
}
