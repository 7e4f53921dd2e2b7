use super::Frame;
use crate::dyno::{PipeEnds, PipeReader, PipeWriter};
use crate::formation::{Attachment, Leash, Outcome};
use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt as _};
use std::{future::pending, io, pin::pin, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::{
    codec::{FramedRead, FramedWrite, LengthDelimitedCodec},
    sync::CancellationToken,
};

/// How often a silent dyno says that its connection lives.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// How long a client may take to close after the last frame; who closes first would cut what is on its way.
const LINGER: Duration = Duration::from_secs(2);

/// Has the dyno of `attachment` speak with its client over `connection`, in frames, to the end of one of them.
pub(super) async fn relay(
    connection: impl AsyncRead + AsyncWrite + Send,
    attachment: Attachment,
    stop: CancellationToken,
) {
    let Attachment { streams: PipeEnds { stdin, stdout, stderr }, leash } = attachment;
    let (read, write) = tokio::io::split(connection);
    let sink = FramedWrite::new(write, Frame::codec());
    let frames = FramedRead::new(read, Frame::codec());
    leash.begin();
    let mut hearing = pin!(hear(frames, stdin.clone(), &leash));
    let speaking = speak(sink, stdin, (stdout, stderr), &leash);
    let stopping = async {
        stop.cancelled().await;
        leash.stop();
        pending::<()>().await;
    };
    tokio::select! {
        // Whether the last frame arrived or not, there is nothing more to say.
        _ = speaking => drop(timeout(LINGER, hearing).await),
        () = &mut hearing => {}
        () = stopping => {}
    }
}

/// Passes on what the dyno says, until its end.
async fn speak(
    mut sink: FramedWrite<impl AsyncWrite + Unpin, LengthDelimitedCodec>,
    stdin: PipeWriter,
    (mut stdout, mut stderr): (PipeReader, PipeReader),
    leash: &Leash,
) -> io::Result<()> {
    let (mut out_open, mut err_open, mut taken) = (true, true, 0);
    let mut keep_alive = interval(KEEP_ALIVE);
    keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let frame = tokio::select! {
            bytes = piece(&mut stdout), if out_open => {
                out_open = bytes.is_some();
                bytes.map(Frame::Output)
            }
            bytes = piece(&mut stderr), if err_open => {
                err_open = bytes.is_some();
                bytes.map(Frame::Errors)
            }
            total = stdin.taken(taken) => {
                taken = total;
                Some(Frame::Taken(taken))
            }
            _ = keep_alive.tick() => Some(Frame::Taken(taken)),
            outcome = leash.outcome(), if !out_open && !err_open => {
                sink.send(last_frame(outcome).encode()).await?;
                return SinkExt::<Bytes>::close(&mut sink).await;
            }
        };
        if let Some(frame) = frame {
            sink.send(frame.encode()).await?;
        }
    }
}

fn last_frame(outcome: Outcome) -> Frame {
    match outcome {
        Outcome::Exited(status) => Frame::Exit(status),
        Outcome::NotStarted(why) => Frame::Failed(why),
    }
}

/// The next piece of a dyno's output; `None` at its end. Cancel safe.
pub(super) async fn piece(output: &mut PipeReader) -> Option<Bytes> {
    let mut bytes = BytesMut::with_capacity(Frame::PIECE);
    // Reading from a pipe does not fail.
    let length = (&mut *output).take(Frame::PIECE as u64).read_buf(&mut bytes).await.unwrap_or(0);
    (length > 0).then(|| bytes.freeze())
}

/// Passes on what the client says, until it is gone or says what nobody understands.
async fn hear(
    mut frames: FramedRead<impl AsyncRead + Unpin, LengthDelimitedCodec>,
    mut stdin: PipeWriter,
    leash: &Leash,
) {
    let (mut open, mut interrupted) = (true, false);
    while let Some(Ok(bytes)) = frames.next().await {
        let Ok(frame) = Frame::decode(bytes.freeze()) else { break };
        match frame {
            // A dyno that has ended reads no more, and the client will hear of it.
            Frame::Input(bytes) if open => open = stdin.write_all(&bytes).await.is_ok(),
            Frame::InputEnd => {
                open = false;
                drop(stdin.shutdown().await);
            }
            Frame::Interrupt if !interrupted => {
                interrupted = true;
                leash.interrupt();
            }
            Frame::Input(_) | Frame::Interrupt => {}
            _ => break,
        }
    }
    // The dyno's input stays open until then.
    leash.hang_up().await;
}
