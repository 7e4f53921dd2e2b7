use crate::dyno::Exit;
use crate::formation::log_lines::DynoLog;

/// Why a one-off dyno is ended from outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::formation) enum Ending {
    /// Somebody stops it, its app is gone, or the platform stops.
    Stopped,
    /// Its client interrupts it.
    Interrupted,
    /// Its client is gone.
    HungUp,
    /// It ran for as long as it may.
    OutOfTime,
}

impl Ending {
    /// The exit status: 128 and the number of the signal that a process would get.
    fn code(self) -> i32 {
        match self {
            Self::Stopped | Self::OutOfTime => 143,
            Self::Interrupted => 130,
            Self::HungUp => 129,
        }
    }

    pub(super) fn tell(self, log: &DynoLog) {
        match self {
            Self::Stopped => log.stopping(),
            Self::Interrupted => log.say("Stopping all processes with SIGINT"),
            Self::HungUp => log.say("Client connection closed. Sending SIGHUP to all processes"),
            Self::OutOfTime => {
                log.say("The process ran for as long as a one-off dyno may");
                log.stopping();
            }
        }
    }
}

/// The exit status of a dyno that ended with `exit`, and was told to if there is an `ending`.
pub(super) fn status(exit: &Exit, ending: Option<Ending>) -> i32 {
    match (exit, ending) {
        (Exit::Stopped, Some(ending)) => ending.code(),
        (exit, _) => exit.code(),
    }
}

/// The exit status of a dyno that was ended before it was up.
pub(super) fn status_unborn(ending: Option<Ending>) -> i32 {
    ending.unwrap_or(Ending::Stopped).code()
}
