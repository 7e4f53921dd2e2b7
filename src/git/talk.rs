use tokio::{io::AsyncWriteExt as _, net::unix::OwnedWriteHalf};

/// What ends the words for a hook; the verdict follows.
pub(super) const END: u8 = 0;

/// The platform's decision over a push.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Accepted,
    Rejected,
}

impl Verdict {
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Accepted => b'+',
            Self::Rejected => b'-',
        }
    }
}

/// What the platform says to a push, through its hook, and in the end its verdict. Whom it does not reach any more has
/// gone away.
pub(super) struct Talk(pub(super) OwnedWriteHalf);

impl Talk {
    /// A line as it is.
    pub(super) async fn say(&mut self, line: &str) {
        self.relay(format!("{line}\n").as_bytes()).await;
    }

    /// What went wrong.
    pub(super) async fn fault(&mut self, text: &str) {
        for line in text.lines() {
            self.say(&format!(" !     {line}")).await;
        }
    }

    /// Somebody else's words.
    pub(super) async fn relay(&mut self, bytes: &[u8]) {
        for part in bytes.split(|byte| *byte == END) {
            self.0.write_all(part).await.ok();
        }
    }

    /// The last word.
    pub(super) async fn end(mut self, verdict: Verdict) {
        self.0.write_all(&[END, verdict.byte()]).await.ok();
    }
}
