/// What systemd is told of a platform. The files are those in `examples/systemd`.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Unit {
    /// How it is started, stopped and fenced in
    Service,
    /// The ports that systemd opens for it
    Socket,
}

impl Unit {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Service => include_str!("../../examples/systemd/hokku.service"),
            Self::Socket => include_str!("../../examples/systemd/hokku.socket"),
        }
    }
}
