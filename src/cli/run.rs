use super::{
    attached::{Attached, Ended},
    cache_dir::CacheDir,
    client::OneOff,
    command_words::command_line,
    console::Console,
    interrupt::{INTERRUPTED, stop_on_interrupt},
    platform_command::explained,
    run_local::RunLocal,
    session::{AtApp, Session},
};
use crate::api::Frame;
use crate::app::ConfigKey;
use crate::clock::Clock;
use anyhow::{Context as _, anyhow, bail};
use rustix::termios::{Winsize, tcgetwinsize};
use serde_json::{Map, Value, json};
use std::{io, path::PathBuf, process::ExitCode};
use tokio_util::sync::CancellationToken;

/// Run a command in a one-off dyno, attached to the terminal
///
/// The command runs with the app's code and config vars, on a disk of its own. Standard input, output and error are the
/// dyno's own, and its exit status becomes this command's. Ctrl-C ends the dyno, and so does a connection that breaks.
///
/// A single word is taken as a whole command line: "python worker.py". There is no shell in a dyno. The name of a process
/// type of the Procfile stands for its command. Options of hokku stand before the command.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku run -a shop python migrate.py
  hokku run -a shop -- python -c 'print(6 * 7)'
  hokku run -a shop python load.py < rows.csv > report.txt
  hokku run --detached --size standard-2x -e BATCH=7 -a shop python nightly.py
  hokku run --local -- python worker.py    the app of this directory, on this machine

`hokku ps` lists one-off dynos, `hokku stop run.4821` ends one.")]
pub(super) struct Run {
    /// Run the app of a directory on this machine, without a platform
    #[arg(long)]
    local: bool,
    /// Do not wait for it: print the dyno's name; what it says goes to the app's log
    #[arg(long, short, conflicts_with = "local")]
    detached: bool,
    /// How much it may take, like standard-2x
    #[arg(long, short, value_name = "SIZE", conflicts_with = "local")]
    size: Option<String>,
    /// Set a variable beside the app's config vars; may be given several times
    #[arg(long, short, value_name = "KEY=VALUE")]
    env: Vec<String>,
    /// Have the dyno take its streams for pipes even if they are a terminal
    #[arg(long)]
    no_tty: bool,
    /// The exit status is passed on always.
    #[arg(long, short = 'x', hide = true)]
    exit_code: bool,
    /// The app's directory, with --local
    #[arg(short = 'C', long, default_value = ".", value_name = "DIR", requires = "local")]
    directory: PathBuf,
    #[command(flatten)]
    cache: CacheDir,
    #[command(flatten)]
    at: AtApp,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
    command: Vec<String>,
}

/// Reads `KEY=VALUE`. The value may be a secret: no error shows it.
fn variable(text: &str) -> anyhow::Result<(ConfigKey, String)> {
    let (key, value) = text.split_once('=').context("a variable is set with -e KEY=VALUE")?;
    Ok((key.parse()?, value.to_owned()))
}

impl Run {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        if self.local {
            let (environment, command) = (self.variables()?, command_line(&self.command));
            let Self { directory, cache, .. } = self;
            return RunLocal { directory, cache, environment, command }.run().await;
        }
        let client = self.at.platform.access().client()?;
        let mut session = Session::new(client, Console::standard(), Clock::system());
        let (stop, _listening) = stop_on_interrupt()?;
        let ended = self.run_in(&mut session, &stop).await;
        explained(&mut session, ended).await
    }

    /// Runs on the platform of `session`, until `stop` interrupts it.
    pub(super) async fn run_in(
        self,
        session: &mut Session,
        stop: &CancellationToken,
    ) -> anyhow::Result<ExitCode> {
        let app = self.app(session)?;
        if self.detached {
            let ordered = stop.run_until_cancelled(self.order(session, &app)).await;
            return match ordered {
                Some(dyno) => told(session, &app, &dyno?),
                None => Ok(interrupted()),
            };
        }
        if session.console.terminals.error {
            session.console.begin(format_args!("Running {} on ⬢ {app}", command_line(&self.command)))?;
        }
        if let Some(attached) = stop.run_until_cancelled(self.attach(session, &app)).await {
            return speak(attached?, stop).await;
        }
        session.console.break_off("interrupted");
        Ok(interrupted())
    }

    fn app(&self, session: &mut Session) -> anyhow::Result<String> {
        let late = self.command.iter().skip(1).any(|word| matches!(&**word, "-a" | "--app"));
        let hint =
            if late { "options stand before the command" } else { "--local runs the app of this directory" };
        session.app(&self.at).map_err(|error| anyhow!("{error}; {hint}"))
    }

    fn variables(&self) -> anyhow::Result<Vec<(ConfigKey, String)>> {
        self.env.iter().map(|text| variable(text)).collect()
    }

    /// Orders the dyno, and goes to it.
    async fn attach(&self, session: &mut Session, app: &str) -> anyhow::Result<Attached> {
        let dyno = self.order(session, app).await?;
        let Some(address) = &dyno.attach_url else { bail!("the platform gave no address to attach to") };
        let connection = session.client.attach(address).await?;
        if session.console.terminals.error {
            session.console.done(format_args!("up, {}", dyno.name))?;
        }
        Ok(Attached::new(connection))
    }

    async fn order(&self, session: &Session, app: &str) -> anyhow::Result<OneOff> {
        let terminals = session.console.terminals;
        let is_terminal = terminals.input && terminals.output && !self.no_tty;
        let mut order = json!({ "attach": !self.detached, "command": command_line(&self.command) });
        let mut env = if self.detached { Map::new() } else { surroundings() };
        env.extend(self.variables()?.into_iter().map(|(key, value)| (key.to_string(), json!(value))));
        order["env"] = Value::Object(env);
        if let Some(size) = &self.size {
            order["size"] = size.as_str().into();
        }
        if !self.detached {
            order["attach_protocol"] = Frame::PROTOCOL.into();
            order["force_no_tty"] = (!is_terminal).into();
        }
        Ok(session.client.post(&["apps", app, "dynos"], &order).await?)
    }
}

/// What a program may want to know of the terminal.
fn surroundings() -> Map<String, Value> {
    let size = tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    let of_terminal = |name: &str, of: fn(&Winsize) -> u16| {
        let of_terminal = size.as_ref().map(|size| of(size).to_string());
        of_terminal.or_else(|| std::env::var(name).ok())
    };
    let known = [
        ("TERM", std::env::var("TERM").ok()),
        ("COLUMNS", of_terminal("COLUMNS", |size| size.ws_col)),
        ("LINES", of_terminal("LINES", |size| size.ws_row)),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect()
}

/// Says what was started in the background.
fn told(session: &mut Session, app: &str, dyno: &OneOff) -> anyhow::Result<ExitCode> {
    let name = &dyno.name;
    session.console.note(format_args!("Running {} on ⬢ {app}", dyno.command))?;
    session.console.line(name)?;
    session.console.note(format_args!(
        "`hokku logs --tail --ps {name} -a {app}` follows it, `hokku stop {name} -a {app}` ends it"
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Speaks with the dyno to its end.
async fn speak(attached: Attached, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    match attached.speak(stop).await? {
        Ended::Exited(_) | Ended::Lost if stop.is_cancelled() => Ok(interrupted()),
        Ended::Exited(status) => Ok(ExitCode::from(u8::try_from(status & 0xff).unwrap_or(1))),
        Ended::NotStarted(why) => bail!(why),
        Ended::Lost => bail!("the connection to the dyno broke, which ends the dyno: see `hokku logs`"),
    }
}

fn interrupted() -> ExitCode {
    ExitCode::from(u8::try_from(INTERRUPTED).unwrap_or(1))
}
