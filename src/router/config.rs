use std::time::Duration;

/// How the router treats clients and dynos; the defaults are Heroku's where Heroku has one.
#[derive(Clone, Debug, Eq, PartialEq, documented::DocumentedFields, serde::Deserialize, serde::Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RouterConfig {
    /// How long a dyno may take to begin its answer, from when it was last given a part of the request; then
    /// H12. Default: 30 s.
    #[serde(with = "crate::clock::duration_text")]
    pub first_byte: Duration,
    /// How long a body may stand still in either direction before the exchange is broken off (H15, H28), and how
    /// long a connection may stand open without a request. Default: 55 s.
    #[serde(with = "crate::clock::duration_text")]
    pub idle: Duration,
    /// How long a request waits for an app that is being started; then H20. Default: 75 s.
    #[serde(with = "crate::clock::duration_text")]
    pub boot: Duration,
    /// Connections open at one time; more wait in the kernel's queue. Default: 10,000.
    pub max_connections: usize,
    /// The longest request line and the longest header line, in bytes. Default: 8,192.
    pub max_line: usize,
    /// Header lines of a request over HTTP/1.1. Default: 100, which the parser keeps on its stack; room for more, as
    /// the 1,000 of Heroku's router, costs every request more than a microsecond.
    pub max_headers: usize,
    /// The largest head of a request, in bytes, and the most that is held in memory for one connection over
    /// HTTP/1.1 in either direction (at least 8,192). Default: 256 KiB.
    pub max_head: usize,
    /// Requests at one time on one HTTP/2 connection. Default: 100.
    pub max_streams: u32,
}

impl Default for RouterConfig {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_secs(30),
            idle: Duration::from_secs(55),
            boot: Duration::from_secs(75),
            max_connections: 10_000,
            max_line: 8192,
            max_headers: 100,
            max_head: 256 * 1024,
            max_streams: 100,
        }
    }
}
