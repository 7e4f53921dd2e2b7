//! The hook that git calls before anything of a push moves: this program under another name. It asks the platform that
//! started git, shows what it says, and ends with its verdict.

use super::{
    hook_request::LIMIT,
    talk::{END, Verdict},
};
use std::{
    env,
    ffi::OsStr,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    process::ExitCode,
};

/// What git calls the hook.
pub(super) const NAME: &str = "pre-receive";
/// Where the platform listens, beside the repositories; git starts hooks in one of them.
pub(super) const SOCKET: &str = "hook.sock";
/// The variable with the push's secret.
pub(super) const SECRET: &str = "HOKKU_PUSH";

/// Whether a process that was started as `program` is the hook.
#[must_use]
pub fn is_hook(program: &OsStr) -> bool {
    Path::new(program).file_name() == Some(OsStr::new(NAME))
}

/// Does the hook's work to its end; for `main`, before anything else.
#[must_use]
pub fn run() -> ExitCode {
    match ask() {
        Ok(Verdict::Accepted) => ExitCode::SUCCESS,
        Ok(Verdict::Rejected) => ExitCode::FAILURE,
        Err(_) => {
            // Nobody else can be told.
            writeln!(io::stdout(), " !     The platform was stopped before this push ended. Push again.")
                .ok();
            ExitCode::FAILURE
        }
    }
}

fn ask() -> io::Result<Verdict> {
    let mut updates = Vec::new();
    io::stdin().lock().take(LIMIT).read_to_end(&mut updates)?;
    let secret = env::var(SECRET).map_err(io::Error::other)?;
    let quarantine = env::var_os("GIT_QUARANTINE_PATH").unwrap_or_default();
    let name = Path::new(&quarantine).file_name().unwrap_or_default();
    let mut stream = UnixStream::connect(Path::new("..").join(SOCKET))?;
    let request = [secret.as_bytes(), b"\n", name.as_encoded_bytes(), b"\n", &updates, b"\n"].concat();
    stream.write_all(&request)?;
    listen(BufReader::new(stream), &mut io::stdout().lock())
}

/// Shows what is said until the verdict comes.
fn listen(mut said: BufReader<impl io::Read>, out: &mut impl io::Write) -> io::Result<Verdict> {
    loop {
        let bytes = said.fill_buf()?;
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let end = bytes.iter().position(|byte| *byte == END);
        let words = &bytes[..end.unwrap_or(bytes.len())];
        out.write_all(words)?;
        out.flush()?;
        let taken = words.len() + usize::from(end.is_some());
        said.consume(taken);
        if end.is_some() {
            let mut verdict = [0];
            said.read_exact(&mut verdict)?;
            return match verdict[0] {
                accepted if accepted == Verdict::Accepted.byte() => Ok(Verdict::Accepted),
                rejected if rejected == Verdict::Rejected.byte() => Ok(Verdict::Rejected),
                _ => Err(io::ErrorKind::InvalidData.into()),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hook_is_known_by_its_name() {
        assert!(is_hook(OsStr::new("../hooks/pre-receive")) && !is_hook(OsStr::new("/usr/bin/hokku")));
    }

    #[test]
    fn words_are_shown_until_the_verdict() {
        let heard = |said: &[u8]| {
            let mut out = Vec::new();
            let verdict = listen(BufReader::with_capacity(3, said), &mut out);
            (String::from_utf8(out).expect("text"), verdict.ok())
        };
        assert_eq!(
            heard(b"Building source:\n\0+"),
            ("Building source:\n".to_owned(), Some(Verdict::Accepted))
        );
        assert_eq!(heard(b"\0-"), (String::new(), Some(Verdict::Rejected)));
        for cut in [&b"words"[..], b"words\0", b"words\0?"] {
            assert_eq!(heard(cut), ("words".to_owned(), None));
        }
    }
}
