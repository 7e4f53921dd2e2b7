use super::{
    framed::piece,
    line_discipline::{LineDiscipline, Typed},
    waiting::{Manner, Waiting},
};
use crate::dyno::{PipeEnds, PipeReader, PipeWriter};
use crate::formation::{Attachment, Leash, Outcome};
use bytes::BytesMut;
use std::{future::pending, io, pin::pin, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    sync::mpsc,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// The first thing that is said. The client throws away the whole record that it comes in.
const GREETING: &[u8] = b"rendezvous\r\n";

/// What the client looks for when it wants to know the exit status.
const STATUS: &str = "\u{ffff} heroku-command-exit-status: ";

/// How long a byte that may be the end of the input is held until it is taken for that.
const END_WAITS: Duration = Duration::from_millis(200);

/// How long the connection stays open for the end of the client's input after the dyno's end: the client does not survive
/// a connection that is closed before it has written it.
const GRACE: Duration = Duration::from_secs(1);

/// Has the dyno speak with a client of the official command line over `connection`, to the end of one of them.
pub(super) async fn relay(
    connection: impl AsyncRead + AsyncWrite + Send,
    Waiting { attachment, manner }: Waiting,
    stop: CancellationToken,
) {
    let Attachment { streams: PipeEnds { stdin, stdout, stderr }, leash } = attachment;
    let (read, mut write) = tokio::io::split(connection);
    if greet(&mut write).await.is_err() {
        return;
    }
    leash.begin();
    let (echo, echoed) = mpsc::channel(16);
    let input_ended = CancellationToken::new();
    let mut hearing = pin!(hear(read, stdin, manner, &leash, echo, &input_ended));
    let speaking = async {
        speak(&mut write, (stdout, stderr), manner, &leash, echoed).await?;
        // Whether it comes or not, that is the end.
        let _ = timeout(GRACE, input_ended.cancelled()).await;
        write.shutdown().await
    };
    let stopping = async {
        stop.cancelled().await;
        leash.stop();
        pending::<()>().await;
    };
    tokio::select! {
        _ = speaking => {}
        () = &mut hearing => {}
        () = stopping => {}
    }
}

async fn greet(write: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    write.write_all(GREETING).await?;
    write.flush().await
}

/// Passes on what the dyno says, and at its end the exit status where that is wanted.
async fn speak(
    write: &mut (impl AsyncWrite + Unpin),
    (mut stdout, mut stderr): (PipeReader, PipeReader),
    manner: Manner,
    leash: &Leash,
    mut echoed: mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    let terminal = LineDiscipline::new(manner.look);
    let (mut out_open, mut err_open) = (true, true);
    let outcome = loop {
        let bytes = tokio::select! {
            bytes = piece(&mut stdout), if out_open => {
                out_open = bytes.is_some();
                bytes.map(|bytes| terminal.shown(&bytes))
            }
            bytes = piece(&mut stderr), if err_open => {
                err_open = bytes.is_some();
                bytes.map(|bytes| terminal.shown(&bytes))
            }
            Some(echo) = echoed.recv() => Some(echo),
            outcome = leash.outcome(), if !out_open && !err_open => break outcome,
        };
        if let Some(bytes) = bytes {
            write.write_all(&bytes).await?;
            write.flush().await?;
        }
    };
    let (words, status) = match outcome {
        Outcome::Exited(status) => (None, status),
        Outcome::NotStarted(why) => (Some(format!(" !     {why}\n")), 1),
    };
    for last in words.into_iter().chain(manner.told_status.then(|| format!("{STATUS}{status}\n"))) {
        write.write_all(&terminal.shown(last.as_bytes())).await?;
        write.flush().await?;
    }
    Ok(())
}

/// Passes on what the client says, until it is gone.
async fn hear(
    mut read: impl AsyncRead + Unpin,
    mut stdin: PipeWriter,
    manner: Manner,
    leash: &Leash,
    echo: mpsc::Sender<Vec<u8>>,
    input_ended: &CancellationToken,
) {
    let (mut terminal, mut interrupted) = (LineDiscipline::new(manner.look), false);
    loop {
        let typed = match next(&mut read, &terminal).await {
            Next::Bytes(bytes) => terminal.take(&bytes),
            Next::Silence => Typed { ends: true, ..Typed::default() },
            // The dyno's input stays open until then.
            Next::Gone => return leash.hang_up().await,
        };
        if !typed.echo.is_empty() {
            // Nobody shows it after the dyno's end.
            let _ = echo.send(typed.echo).await;
        }
        if typed.interrupts && !interrupted {
            interrupted = true;
            leash.interrupt();
        }
        if !input_ended.is_cancelled() {
            // A dyno that has ended reads no more, and the client will hear of it.
            let _ = stdin.write_all(&typed.input).await;
        }
        if typed.ends {
            let _ = stdin.shutdown().await;
            input_ended.cancel();
        }
    }
}

/// What comes next from a client.
enum Next {
    Bytes(BytesMut),
    /// Nothing follows a byte that may be the end.
    Silence,
    Gone,
}

async fn next(read: &mut (impl AsyncRead + Unpin), terminal: &LineDiscipline) -> Next {
    let mut bytes = BytesMut::with_capacity(16 * 1024);
    let reading = read.read_buf(&mut bytes);
    let length = if terminal.holds_an_end() {
        match timeout(END_WAITS, reading).await {
            Ok(length) => length,
            Err(_) => return Next::Silence,
        }
    } else {
        reading.await
    };
    match length {
        Ok(length) if length > 0 => Next::Bytes(bytes),
        _ => Next::Gone,
    }
}
