use super::{
    client::{ClientError, LogSession},
    log_view::Palette,
    plain_text::plain,
    session::{AtApp, Session},
};
use anstyle::Style;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use std::process::ExitCode;

/// The round whose pause is a second or two: nobody waits for what is not there yet.
const SOME_SECONDS: u32 = 4;

/// Show an app's log: what its dynos say, its builds and releases, and every request
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku logs -a shop                       the last 100 lines
  hokku logs --tail -a shop                and every new one, until Ctrl-C
  hokku logs -n 1500 --source app -a shop  only what the app itself says
  hokku logs --ps router --tail -a shop    only requests")]
pub(super) struct Logs {
    /// How many of the newest lines; the platform keeps 1500
    #[arg(long, short, default_value_t = 100, value_name = "LINES")]
    num: u32,
    /// Go on with every new line
    #[arg(long, short)]
    tail: bool,
    /// Only lines of the app itself, or only those of the platform about it
    #[arg(long, short, value_name = "SOURCE", value_parser = ["app", "heroku"])]
    source: Option<String>,
    /// Only lines of a dyno like web.1, or of a process type like web or router
    #[arg(
        long,
        short,
        value_name = "DYNO|TYPE",
        visible_alias = "dyno",
        alias = "dyno-name",
        alias = "process-type"
    )]
    ps: Option<String>,
    #[command(flatten)]
    pub(super) at: AtApp,
}

impl Logs {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let mut wanted = json!({ "lines": self.num, "tail": self.tail });
        if let Some(source) = &self.source {
            wanted["source"] = source.as_str().into();
        }
        if let Some(dyno) = &self.ps {
            wanted["dyno"] = dyno.as_str().into();
        }
        let mut reading = Reading::open(session, app, wanted).await?;
        loop {
            match reading.read(session).await {
                Ok(()) if !self.tail => return Ok(ExitCode::SUCCESS),
                Ok(()) => {}
                Err(error) if self.tail => reading.mend(session, error).await?,
                Err(error) => return Err(error),
            }
            session.client.pause(SOME_SECONDS).await;
        }
    }
}

/// A log session that is being read.
struct Reading {
    app: String,
    /// What was asked of the platform.
    wanted: Value,
    address: String,
    /// The last event that was shown: the next connection goes on behind it, also in another session.
    last: Option<String>,
    palette: Palette,
    state: Connection,
}

/// How the connection to a log session is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Connection {
    /// There was none yet.
    New,
    Good,
    /// It was good, and the user knows that it is broken.
    Broken,
}

impl Reading {
    async fn open(session: &Session, app: String, wanted: Value) -> Result<Self, ClientError> {
        let mut reading = Self {
            app,
            wanted,
            address: String::new(),
            last: None,
            palette: Palette::default(),
            state: Connection::New,
        };
        reading.renew(session).await?;
        Ok(reading)
    }

    async fn renew(&mut self, session: &Session) -> Result<(), ClientError> {
        let path = ["apps", &self.app, "log-sessions"];
        let opened: LogSession = session.client.post(&path, &self.wanted).await?;
        self.address = opened.logplex_url;
        self.state = Connection::New;
        Ok(())
    }

    /// What a tail does about an error: a broken connection is made anew, and a session that is over is followed by
    /// another, as after a restart of the platform. Whoever was never there is not waited for.
    async fn mend(&mut self, session: &mut Session, error: anyhow::Error) -> anyhow::Result<()> {
        let cause = error.downcast_ref::<ClientError>();
        let (gone, broken) =
            (cause.is_some_and(ClientError::is_gone), cause.is_some_and(ClientError::is_transport));
        match self.state {
            Connection::New => Err(error),
            _ if gone => Ok(self.renew(session).await?),
            _ if !broken => Err(error),
            Connection::Broken => Ok(()),
            Connection::Good => {
                self.state = Connection::Broken;
                Ok(session.console.note(format_args!("{error}; trying again until it is back"))?)
            }
        }
    }

    /// Shows what one connection gives.
    async fn read(&mut self, session: &mut Session) -> anyhow::Result<()> {
        let mut lines = session.client.log_lines(&self.address, self.last.as_deref()).await?;
        self.state = Connection::Good;
        while let Some(event) = lines.next().await {
            let event = event?;
            if !event.id.is_empty() {
                self.last = Some(event.id);
            }
            for line in event.data.lines() {
                let line = if session.console.colours { self.coloured(line) } else { plain(line) };
                session.console.styled_line(&line)?;
            }
        }
        Ok(())
    }

    /// `2026-11-22T22:00:00.123456+00:00 app[web.1]: text`, with a colour for each process.
    fn coloured(&mut self, line: &str) -> String {
        let line = plain(line);
        let Some((head, text)) = line.split_once("]:") else { return line };
        let Some((before, process)) = head.split_once('[') else { return line };
        let name = Style::new().fg_color(Some(self.palette.of(process).into()));
        let text_style = if before.ends_with(" heroku") { Style::new().dimmed() } else { Style::new() };
        format!("{name}{head}]:{name:#}{text_style}{text}{text_style:#}")
    }
}
