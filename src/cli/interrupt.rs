use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// The exit status of a process that the user interrupted.
pub(super) const INTERRUPTED: i32 = 130;

/// Turns the first SIGINT or SIGTERM into a clean stop, and the second into an end at once.
pub(super) fn stop_on_interrupt() -> std::io::Result<(CancellationToken, AbortOnDropHandle<()>)> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stop = CancellationToken::new();
    let told = stop.clone();
    let listening = async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if told.is_cancelled() {
                std::process::exit(INTERRUPTED);
            }
            told.cancel();
        }
    };
    #[expect(clippy::disallowed_methods, reason = "the caller owns the task")]
    let task = AbortOnDropHandle::new(tokio::spawn(listening));
    Ok((stop, task))
}
