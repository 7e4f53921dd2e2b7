use crate::api::Frame;
use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt as _};
use reqwest::Upgraded;
use std::{future::pending, io, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf},
    sync::watch,
    time::timeout,
};
use tokio_util::{
    codec::{FramedRead, FramedWrite, LengthDelimitedCodec},
    sync::CancellationToken,
};

/// A platform that is silent for so long is gone: it says every 20 seconds that it is there.
const SILENCE: Duration = Duration::from_secs(90);
/// The most that is read of standard input at once.
const PIECE: usize = 32 * 1024;

/// This process at the streams of a dyno.
pub(super) struct Attached {
    frames: FramedRead<ReadHalf<Upgraded>, LengthDelimitedCodec>,
    sink: FramedWrite<WriteHalf<Upgraded>, LengthDelimitedCodec>,
}

/// How it ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The dyno ended, with this exit status.
    Exited(i32),
    /// It never ran.
    NotStarted(String),
    /// The connection broke.
    Lost,
}

impl Attached {
    pub(super) fn new(connection: Upgraded) -> Self {
        let (read, write) = tokio::io::split(connection);
        Self { frames: FramedRead::new(read, Frame::codec()), sink: FramedWrite::new(write, Frame::codec()) }
    }

    /// Passes this process's streams on, and the dyno's to this process, until the dyno ends; `stop` interrupts it.
    pub(super) async fn speak(self, stop: &CancellationToken) -> io::Result<Ended> {
        let (took, taken) = watch::channel(0);
        tokio::select! {
            ended = hear(self.frames, took) => ended,
            never = say(self.sink, taken, stop) => match never {},
        }
    }
}

/// Writes what the dyno says, until its last frame.
async fn hear(
    mut frames: FramedRead<ReadHalf<Upgraded>, LengthDelimitedCodec>,
    took: watch::Sender<u64>,
) -> io::Result<Ended> {
    let (mut stdout, mut stderr) = (tokio::io::stdout(), tokio::io::stderr());
    loop {
        let Ok(Some(Ok(bytes))) = timeout(SILENCE, frames.next()).await else { return Ok(Ended::Lost) };
        match Frame::decode(bytes.freeze()) {
            Ok(Frame::Output(bytes)) => write(&mut stdout, &bytes).await?,
            Ok(Frame::Errors(bytes)) => write(&mut stderr, &bytes).await?,
            Ok(Frame::Taken(total)) => drop(took.send_replace(total)),
            Ok(Frame::Exit(status)) => return Ok(Ended::Exited(status)),
            Ok(Frame::Failed(why)) => return Ok(Ended::NotStarted(why)),
            Ok(Frame::Input(_) | Frame::InputEnd | Frame::Interrupt) | Err(_) => return Ok(Ended::Lost),
        }
    }
}

async fn write(output: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    output.write_all(bytes).await?;
    output.flush().await
}

/// Nothing: whoever speaks does not stop by itself.
enum Never {}

/// Sends standard input as far as the dyno takes it, and an interruption when it comes.
async fn say(
    mut sink: FramedWrite<WriteHalf<Upgraded>, LengthDelimitedCodec>,
    mut taken: watch::Receiver<u64>,
    stop: &CancellationToken,
) -> Never {
    let mut stdin = tokio::io::stdin();
    let (mut open, mut sent) = (true, 0_u64);
    loop {
        let on_its_way = sent.saturating_sub(*taken.borrow_and_update());
        let has_room = on_its_way + PIECE as u64 <= Frame::WINDOW as u64;
        let mut bytes = BytesMut::with_capacity(PIECE);
        let mut input = (&mut stdin).take(PIECE as u64);
        let frame = tokio::select! {
            () = stop.cancelled() => Frame::Interrupt,
            Ok(()) = taken.changed() => continue,
            // Standard input that cannot be read is at its end.
            read = input.read_buf(&mut bytes), if open && has_room => match read.unwrap_or(0) {
                0 => {
                    open = false;
                    Frame::InputEnd
                }
                length => {
                    sent += length as u64;
                    Frame::Input(bytes.freeze())
                }
            },
        };
        let last = frame == Frame::Interrupt;
        // A connection that takes no more is noticed where it is read.
        if SinkExt::<Bytes>::send(&mut sink, frame.encode()).await.is_err() || last {
            return pending().await;
        }
    }
}
