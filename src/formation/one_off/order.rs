use super::Attachment;
use crate::app::{ConfigKey, DynoSize, InvalidConfigVars};
use crate::dyno::{DynoSpec, Look};
use crate::formation::roster::DynoStatus;
use crate::name::{DynoId, DynoName, ProcessType, ReleaseVersion};
use crate::slug::SlugDigest;
use std::{fmt, time::Duration};

/// What is to be run once, with the app's current release.
#[derive(Clone)]
pub struct OneOff {
    /// The type by which it is named: `run.4821`.
    pub process_type: ProcessType,
    /// The command; the name of one of the app's process types stands for that type's command.
    pub command: String,
    /// Variables beside the app's config vars; they go before them.
    pub environment: Vec<(ConfigKey, String)>,
    /// Its size.
    pub size: DynoSize,
    /// How long it may run, if that is less than the platform's limit.
    pub time_to_live: Option<Duration>,
    /// Where its standard streams lead.
    pub streams: Streams,
}

/// The command and the variables may hold secrets.
impl fmt::Debug for OneOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { process_type, size, streams, .. } = self;
        f.debug_struct("OneOff")
            .field("process_type", process_type)
            .field("size", size)
            .field("streams", streams)
            .finish_non_exhaustive()
    }
}

/// Where the standard streams of a one-off dyno lead.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Streams {
    /// Its output to the app's log; it has no input.
    Log,
    /// To a client, which it takes for this.
    Client(Look),
}

/// A one-off dyno that was taken on.
#[derive(Debug)]
pub struct Ordered {
    /// The dyno, which is starting.
    pub status: DynoStatus,
    /// The client's side, if it has one: it starts when somebody is there.
    pub attachment: Option<Attachment>,
}

/// Why a one-off dyno is not taken on: the caller's fault, but for [`Stopping`](Self::Stopping).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OneOffError {
    /// There is no such app, or no longer.
    #[error("the app is gone")]
    NoApp,
    /// The app has no code yet.
    #[error("the app has no code yet, so there is nothing to run: deploy it first")]
    NoCode,
    /// A one-off dyno takes no requests.
    #[error("a one-off dyno cannot be of the type web, whose dynos take requests: leave the type out")]
    Web,
    /// The app has as many one-off dynos as it may have.
    #[error(
        "the app runs as many one-off dynos as it may, which is {limit}: stop one, or wait until one ends"
    )]
    TooMany {
        /// The most.
        limit: usize,
    },
    /// With these variables there is no environment.
    #[error(transparent)]
    Environment(#[from] InvalidConfigVars),
    /// The platform is about to stop.
    #[error("the platform is stopping")]
    Stopping,
}

/// What an order comes to: how the dyno is started, and for how long.
pub(in crate::formation) struct Terms {
    pub(in crate::formation) id: DynoId,
    pub(in crate::formation) name: DynoName,
    pub(in crate::formation) command: String,
    pub(in crate::formation) size: DynoSize,
    pub(in crate::formation) release: ReleaseVersion,
    pub(in crate::formation) slug: SlugDigest,
    pub(in crate::formation) spec: DynoSpec,
    /// How long it may be up.
    pub(in crate::formation) lasts: Duration,
    /// How long it waits for its client; `None` if it has none.
    pub(in crate::formation) waits: Option<Duration>,
}
