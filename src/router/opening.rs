use bytes::{Bytes, BytesMut};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    time::timeout,
};

/// How a connection begins, told by its first bytes, which are to be read again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Opening {
    pub(super) speech: Speech,
    pub(super) early: Bytes,
}

/// What a connection speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Speech {
    /// HTTP of any version, or nothing that is known.
    Http,
    /// TLS: a record of a handshake.
    Tls,
    /// A line of its own, see [`Greeted`](super::Greeted).
    Greeting,
}

/// How the first record of TLS begins.
const HANDSHAKE: u8 = 0x16;
/// How a line that is no HTTP begins.
const GREETING: &[u8] = b"rendezvous-";
/// The longest such line, with its end.
const MAX_LINE: usize = 512;
/// As much as is read at first; most heads of requests are shorter.
const FIRST_READ: usize = 1024;

impl Opening {
    /// Reads until the first bytes tell.
    ///
    /// This takes no more reads than HTTP takes without it. A stream that ends, fails or keeps silent for `within` has
    /// no opening.
    pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin), within: Duration) -> Option<Self> {
        timeout(within, Self::read_all(stream)).await.ok()?.ok()
    }

    async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let mut early = BytesMut::with_capacity(FIRST_READ);
        loop {
            if stream.read_buf(&mut early).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(speech) = speech(&early) {
                return Ok(Self { speech, early: early.freeze() });
            }
        }
    }

    /// Reads the line of a greeting: it, and what came after it.
    ///
    /// `None` for a line that is too long, has other than visible ASCII in it, or is not there within `within`.
    pub(super) async fn line(
        self,
        stream: &mut (impl AsyncRead + Unpin),
        within: Duration,
    ) -> Option<(String, Bytes)> {
        timeout(within, read_line(self.early.into(), stream)).await.ok()?
    }
}

async fn read_line(mut early: BytesMut, stream: &mut (impl AsyncRead + Unpin)) -> Option<(String, Bytes)> {
    loop {
        if let Some(end) = early.iter().take(MAX_LINE).position(|byte| *byte == b'\n') {
            let line = early.split_to(end + 1);
            let line = line.strip_suffix(b"\r\n").filter(|line| line.iter().all(u8::is_ascii_graphic))?;
            return Some((String::from_utf8(line.to_vec()).ok()?, early.freeze()));
        }
        if early.len() >= MAX_LINE || stream.read_buf(&mut early).await.ok()? == 0 {
            return None;
        }
    }
}

/// What `early` begins; `None` if there must be more to tell.
fn speech(early: &[u8]) -> Option<Speech> {
    if early.first() == Some(&HANDSHAKE) {
        return Some(Speech::Tls);
    }
    let known = early.len().min(GREETING.len());
    if early[..known] != GREETING[..known] {
        return Some(Speech::Http);
    }
    (known == GREETING.len()).then_some(Speech::Greeting)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use proptest::prelude::*;
    use tokio_util::io::StreamReader;

    const LONG: Duration = Duration::from_secs(10);

    /// A stream of these parts, then silence.
    fn arriving(parts: Vec<Vec<u8>>) -> impl AsyncRead + Unpin {
        use futures_util::StreamExt as _;
        let parts = stream::iter(parts.into_iter().map(|part| Ok::<_, io::Error>(Bytes::from(part))));
        StreamReader::new(parts.chain(stream::pending()))
    }

    fn in_parts(text: &[u8], of: usize) -> Vec<Vec<u8>> {
        text.chunks(of).map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn first_bytes_tell() {
        assert_eq!(speech(b""), None);
        assert_eq!(speech(b"\x16\x03\x01"), Some(Speech::Tls));
        for http in ["GET / HTTP/1.1", "PRI * HTTP/2.0", "report / HTTP/1.1", "rendezvous / HTTP/1.1", "\x17"]
        {
            assert_eq!(speech(http.as_bytes()), Some(Speech::Http), "{http}");
        }
        assert_eq!(speech(b"rendezvous"), None);
        assert_eq!(speech(b"rendezvous-"), Some(Speech::Greeting));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_and_long_lines_have_a_limit() {
        assert_eq!(Opening::read(&mut arriving(vec![]), LONG).await, None);
        assert_eq!(Opening::read(&mut arriving(vec![b"rend".to_vec()]), LONG).await, None);
        assert_eq!(Opening::read(&mut tokio::io::empty(), LONG).await, None);
        for line in [
            "rendezvous-a b\r\n".to_owned(),
            "rendezvous-\n".to_owned(),
            "rendezvous-a".to_owned(),
            "rendezvous-\u{e9}\r\n".to_owned(),
            format!("rendezvous-{}\r\n", "a".repeat(MAX_LINE)),
        ] {
            let mut stream = arriving(in_parts(line.as_bytes(), 100));
            let opening = Opening::read(&mut stream, LONG).await.expect("a greeting");
            assert_eq!(opening.line(&mut stream, LONG).await, None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_however_it_arrives(text: Vec<u8>, greets: bool, of in 1_usize..40) {
            let head: &[u8] = if greets { b"rendezvous-1/x\r\n" } else { b"GET " };
            let sent = [head, &text].concat();
            let mut stream = arriving(in_parts(&sent, of));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
            let (line, early) = runtime.block_on(async {
                let opening = Opening::read(&mut stream, LONG).await.expect("one");
                match opening.speech {
                    Speech::Greeting => opening.line(&mut stream, LONG).await.expect("a line"),
                    _ => (String::new(), opening.early),
                }
            });
            prop_assert_eq!(&line, if greets { "rendezvous-1/x" } else { "" });
            let rest = sent.strip_prefix(head).filter(|_| greets).unwrap_or(&sent);
            prop_assert!(rest.starts_with(&early), "{:?}", early);
        }
    }
}
