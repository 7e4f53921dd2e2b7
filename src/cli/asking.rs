use super::{password::Password, session::Session};
use anyhow::{Context as _, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, Read as _};

/// The most of standard input that is read for passwords.
const INPUT_LIMIT: u64 = 16 * 1024;

/// A terminal that does not show what is typed, from before the question on, and again does when this is dropped: also for
/// who interrupts the question.
struct Unseen(Option<Termios>);

impl Unseen {
    fn begin() -> Self {
        let shown = tcgetattr(io::stdin()).ok();
        if let Some(mut unseen) = shown.clone() {
            unseen.local_modes.remove(LocalModes::ECHO);
            // Whoever asks hides the answer as well, if a moment later.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &unseen);
        }
        Self(shown)
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        if let Some(termios) = &self.0 {
            // There is nobody left to tell.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, termios);
        }
    }
}

impl Session {
    /// Whether a person sits there who can be asked.
    pub(super) fn terminals_can_ask(&self) -> bool {
        self.console.terminals.input && self.console.terminals.error
    }

    /// A line that the person at the terminal types after `question`.
    pub(super) async fn ask(&mut self, question: &str) -> anyhow::Result<String> {
        self.console.ask(question)?;
        let line = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            io::stdin().read_line(&mut line).map(|_| line)
        });
        let line = line.await??;
        self.console.answered();
        Ok(line.trim().to_owned())
    }

    /// The same for a password: the terminal does not show it.
    pub(super) async fn ask_password(&mut self, question: &str) -> anyhow::Result<Password> {
        let _unseen = Unseen::begin();
        let question = format!("{question}: ");
        let typed = tokio::task::spawn_blocking(move || rpassword::prompt_password(question));
        let typed = typed.await?.context("cannot ask for a password")?;
        if typed.is_empty() {
            bail!("no password was given");
        }
        Ok(Password::new(typed))
    }

    /// A new password, asked for twice.
    pub(super) async fn ask_new_password(&mut self, question: &str) -> anyhow::Result<Password> {
        let password = self.ask_password(question).await?;
        if self.ask_password("Once more").await? != password {
            bail!("the two are not the same: nothing was changed");
        }
        Ok(password)
    }

    /// The first `N` lines of standard input, one password each.
    pub(super) async fn passwords_of_input<const N: usize>(&mut self) -> anyhow::Result<[Password; N]> {
        let input = self.console.take_input();
        let read = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            input.take(INPUT_LIMIT).read_to_string(&mut text).map(|_| text)
        });
        let text = read.await?.context("cannot read standard input")?;
        let lines: Vec<_> = text.lines().take(N).filter(|line| !line.is_empty()).collect();
        let passwords = lines.into_iter().map(|line| Password::new(line.to_owned())).collect::<Vec<_>>();
        let passwords = <[Password; N]>::try_from(passwords).ok();
        passwords.with_context(|| match N {
            1 => "standard input holds no password".to_owned(),
            _ => format!("standard input holds fewer than {N} lines with a password each"),
        })
    }
}
