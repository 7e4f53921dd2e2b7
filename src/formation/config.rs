use std::time::Duration;

/// How dynos are managed.
#[derive(Clone, Debug, Eq, PartialEq, documented::DocumentedFields, serde::Deserialize, serde::Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct FormationConfig {
    /// How long a dyno may take to start (R10). Default: 60 s.
    #[serde(with = "crate::clock::duration_text")]
    pub boot_limit: Duration,
    /// How many dynos start at one time; one of them is kept for what somebody waits for. Default: twice the cores.
    pub starts_at_once: usize,
    /// How long stopped processes may take to end (R12). Default: 30 s.
    #[serde(with = "crate::clock::duration_text")]
    pub grace: Duration,
    /// After which time a dyno is replaced by a fresh one; up to 15 % longer, at random, so that not all are replaced
    /// at once. Default: 24 h.
    #[serde(with = "crate::clock::duration_text")]
    pub cycle: Duration,
    /// How many one-off dynos an app may have at a time, at most 1,000. Default: 50.
    pub one_offs: usize,
    /// How long a one-off dyno may run. Default: 24 h.
    #[serde(with = "crate::clock::duration_text")]
    pub one_off_limit: Duration,
    /// How long a one-off dyno waits for the client that ordered it to attach (R13). Default: 60 s.
    #[serde(with = "crate::clock::duration_text")]
    pub attach_limit: Duration,
}

impl Default for FormationConfig {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        Self {
            boot_limit: Duration::from_mins(1),
            starts_at_once: 2 * cores,
            grace: Duration::from_secs(30),
            cycle: Duration::from_hours(24),
            one_offs: 50,
            one_off_limit: Duration::from_hours(24),
            attach_limit: Duration::from_mins(1),
        }
    }
}

impl FormationConfig {
    /// The most one-off dynos of an app: there are 9,000 names for them.
    pub(super) fn most_one_offs(&self) -> usize {
        self.one_offs.min(1000)
    }

    /// How long the next dyno may run: on Heroku 24 h and 0 to 216 min.
    pub(super) fn one_cycle(&self) -> Duration {
        self.cycle.mul_f64(1.0 + 0.15 * fastrand::f64())
    }
}
