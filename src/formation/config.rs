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
}

impl Default for FormationConfig {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        Self {
            boot_limit: Duration::from_mins(1),
            starts_at_once: 2 * cores,
            grace: Duration::from_secs(30),
            cycle: Duration::from_hours(24),
        }
    }
}

impl FormationConfig {
    /// How long the next dyno may run: on Heroku 24 h and 0 to 216 min.
    pub(super) fn one_cycle(&self) -> Duration {
        self.cycle.mul_f64(1.0 + 0.15 * fastrand::f64())
    }
}
