use super::{
    console::{Console, Terminals},
    interrupt::INTERRUPTED,
};
use crate::platform::Progress;
use crate::slug::Size;
use indicatif::{ProgressBar, ProgressStyle};
use std::{io, process::ExitCode, time::Duration};

/// How often the line moves.
const TICK: Duration = Duration::from_millis(100);

/// A line on a terminal that says how far a long copy is; it is gone when this is dropped. Elsewhere there is none.
pub(super) struct Spinner {
    bar: ProgressBar,
    action: &'static str,
}

impl Spinner {
    /// `action` is what is being done: `Backing up`.
    pub(super) fn new(action: &'static str, terminals: Terminals) -> Self {
        let bar = if terminals.error { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        // The template has no error that a user could cause; without it the line looks otherwise.
        if let Ok(style) = ProgressStyle::with_template("{msg} {spinner}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Self { bar, action }
    }

    /// Who is told how far it is.
    pub(super) fn teller(&self) -> impl FnMut(Progress) + '_ {
        move |Progress { what, bytes }| {
            self.bar.set_message(format!("{}: {what}, {}", self.action, Size(bytes)));
        }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Says that the user broke the copy off, with the exit status of that.
pub(super) fn interrupted(console: &mut Console) -> io::Result<ExitCode> {
    console.note(" !     interrupted: nothing was written")?;
    Ok(ExitCode::from(u8::try_from(INTERRUPTED).unwrap_or(1)))
}
