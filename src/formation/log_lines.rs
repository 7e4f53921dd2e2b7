use super::attendance::StartError;
use crate::dyno::DynoError;
use crate::logplex::{AppLog, Source, Stream};
use crate::name::DynoName;
use crate::slug::SlugError;
use std::time::Duration;

/// Lines of the dyno manager about one dyno, as Heroku's writes them.
pub(super) struct DynoLog {
    log: AppLog,
    process: String,
}

impl DynoLog {
    pub(super) fn new(log: AppLog, name: &DynoName) -> Self {
        Self { log, process: name.to_string() }
    }

    pub(super) fn say(&self, text: impl Into<String>) {
        self.log.write(Source::Heroku, &self.process, Stream::System, text);
    }

    pub(super) fn changed(&self, from: &str, to: &str) {
        self.say(format!("State changed from {from} to {to}"));
    }

    pub(super) fn starting(&self, from: &str, command: &str) {
        self.changed(from, "starting");
        self.say(format!("Starting process with command `{command}`"));
    }

    pub(super) fn stopping(&self) {
        self.say("Stopping all processes with SIGTERM");
    }

    /// Nobody came to speak with it.
    pub(super) fn not_attached(&self, seconds: u64) {
        self.say(format!(
            "Error R13 (Attach error) -> Failed to attach to process: nobody came within {seconds} seconds"
        ));
    }

    /// The process did not end within `grace` and was ended.
    pub(super) fn killed(&self, grace: Duration) {
        let seconds = grace.as_secs();
        self.say(format!(
            "Error R12 (Exit timeout) -> At least one process failed to exit within {seconds} seconds of SIGTERM"
        ));
        self.say("Stopping remaining processes with SIGKILL");
        self.say("Process exited with status 137");
    }

    /// Why it did not start: to the app's owner in full when the app is to be mended, else in the words that are for
    /// everybody.
    pub(super) fn not_started(&self, error: &StartError) {
        match error {
            StartError::Dyno(error) if error.is_the_apps_fault() => self.say(format!("Error: {error}")),
            StartError::BootTimeout(limit) => {
                let seconds = limit.as_secs();
                self.say(format!(
                    "Error R10 (Boot timeout) -> Process failed to start within {seconds} seconds of launch"
                ));
                self.say("Stopping process with SIGKILL");
                self.say("Process exited with status 137");
            }
            StartError::Dyno(DynoError::Slug(SlugError::Corrupt { .. })) => self.say(
                "Error R17 (Checksum error) -> The stored slug is not what was released. Deploy the app again to \
                 replace it",
            ),
            StartError::Dyno(_) | StartError::Panicked(_) => self.say(
                "Error R99 (Platform error) -> The platform could not start this process. Its operator finds the \
                 reason in the platform's own log",
            ),
        }
    }
}

/// Why a dyno did not start, in words for the app's owner.
pub(super) fn words_for_owner(error: &StartError) -> String {
    match error {
        StartError::Dyno(error) if error.is_the_apps_fault() => error.to_string(),
        StartError::BootTimeout(_) => error.to_string(),
        StartError::Dyno(_) | StartError::Panicked(_) => {
            "the platform could not start it: its operator finds the reason in the platform's own log"
                .to_owned()
        }
    }
}

/// Tells the operator what is the operator's to mend.
pub(super) fn tell_operator(app: impl std::fmt::Display, dyno: &DynoName, error: &StartError) {
    match error {
        StartError::BootTimeout(_) => {}
        StartError::Dyno(error) if error.is_the_apps_fault() => {}
        error => tracing::error!(%app, %dyno, %error, "a dyno could not be started"),
    }
}
