use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio_util::codec::LengthDelimitedCodec;

/// One message of an attached client or of its dyno: a byte that says which, and its content.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Frame {
    /// Client: bytes of standard input, at most [`PIECE`](Self::PIECE). Those that the dyno did not take yet are at most
    /// [`WINDOW`](Self::WINDOW).
    Input(Bytes),
    /// Client: standard input is at its end.
    InputEnd,
    /// Client: end the dyno, as Ctrl-C does.
    Interrupt,
    /// Dyno: bytes of standard output.
    Output(Bytes),
    /// Dyno: bytes of standard error.
    Errors(Bytes),
    /// Dyno: how many bytes of standard input it took, in all. Also says now and then that the connection lives.
    Taken(u64),
    /// Dyno: it ended with this exit status. The last frame.
    Exit(i32),
    /// Dyno: it did not run, for this reason. The last frame.
    Failed(String),
}

/// What was received is no frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("what was received is no frame of an attachment")]
pub struct BadFrame;

const INPUT: u8 = 0;
const INPUT_END: u8 = 1;
const INTERRUPT: u8 = 2;
const OUTPUT: u8 = 16;
const ERRORS: u8 = 17;
const TAKEN: u8 = 18;
const EXIT: u8 = 19;
const FAILED: u8 = 20;

impl Frame {
    /// The name of the protocol, for the header `Upgrade`.
    pub const PROTOCOL: &'static str = "hokku-attach/1";
    /// The most bytes of a stream in one frame: 64 KiB.
    pub const PIECE: usize = 64 * 1024;
    /// The most bytes of input on their way: 256 KiB.
    pub const WINDOW: usize = crate::dyno::PipeWriter::CAPACITY;

    /// Sets frames apart: four bytes of length, big-endian, and no frame longer than a piece and its kind.
    #[must_use]
    pub fn codec() -> LengthDelimitedCodec {
        LengthDelimitedCodec::builder().max_frame_length(Self::PIECE + 1).new_codec()
    }

    /// The frame as it is sent.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let with = |kind: u8, content: &[u8]| {
            let mut bytes = BytesMut::with_capacity(1 + content.len());
            bytes.put_u8(kind);
            bytes.put_slice(content);
            bytes.freeze()
        };
        match self {
            Self::Input(bytes) => with(INPUT, bytes),
            Self::InputEnd => with(INPUT_END, &[]),
            Self::Interrupt => with(INTERRUPT, &[]),
            Self::Output(bytes) => with(OUTPUT, bytes),
            Self::Errors(bytes) => with(ERRORS, bytes),
            Self::Taken(total) => with(TAKEN, &total.to_be_bytes()),
            Self::Exit(status) => with(EXIT, &status.to_be_bytes()),
            Self::Failed(why) => with(FAILED, why.as_bytes()),
        }
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`BadFrame`] for anything else.
    pub fn decode(mut bytes: Bytes) -> Result<Self, BadFrame> {
        let kind = bytes.try_get_u8().map_err(|_| BadFrame)?;
        Ok(match (kind, bytes.len()) {
            (INPUT, _) => Self::Input(bytes),
            (INPUT_END, 0) => Self::InputEnd,
            (INTERRUPT, 0) => Self::Interrupt,
            (OUTPUT, _) => Self::Output(bytes),
            (ERRORS, _) => Self::Errors(bytes),
            (TAKEN, 8) => Self::Taken(bytes.get_u64()),
            (EXIT, 4) => Self::Exit(bytes.get_i32()),
            (FAILED, _) => Self::Failed(String::from_utf8_lossy(&bytes).into_owned()),
            _ => return Err(BadFrame),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame() -> impl Strategy<Value = Frame> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..100).prop_map(Bytes::from);
        prop_oneof![
            bytes().prop_map(Frame::Input),
            Just(Frame::InputEnd),
            Just(Frame::Interrupt),
            bytes().prop_map(Frame::Output),
            bytes().prop_map(Frame::Errors),
            any::<u64>().prop_map(Frame::Taken),
            any::<i32>().prop_map(Frame::Exit),
            ".{0,40}".prop_map(Frame::Failed),
        ]
    }

    proptest! {
        #[test]
        fn a_frame_is_read_as_it_was_sent(frame in frame()) {
            prop_assert_eq!(Frame::decode(frame.encode()), Ok(frame));
        }

        #[test]
        fn whatever_comes_is_a_frame_or_none(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            if let Ok(frame) = Frame::decode(Bytes::from(bytes)) {
                prop_assert_eq!(Frame::decode(frame.encode()), Ok(frame));
            }
        }
    }

    #[test]
    fn the_bytes_of_the_protocol_stay_what_they_are() {
        let frames = [
            Frame::Input(Bytes::from_static(b"ab")),
            Frame::InputEnd,
            Frame::Interrupt,
            Frame::Output(Bytes::from_static(b"c")),
            Frame::Errors(Bytes::new()),
            Frame::Taken(258),
            Frame::Exit(-1),
            Frame::Failed("no".to_owned()),
        ];
        let bytes = frames.map(|frame| hex::encode(frame.encode()));
        insta::assert_snapshot!(bytes.join(" "), @"006162 01 02 1063 11 120000000000000102 13ffffffff 146e6f");
    }
}
