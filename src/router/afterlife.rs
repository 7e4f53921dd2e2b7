use futures_util::task::AtomicWaker;
use std::{
    io,
    sync::atomic::{
        AtomicU8,
        Ordering::{AcqRel, Acquire, Relaxed},
    },
    task::Waker,
};
use tokio::sync::Notify;

/// What becomes of a connection that was handed over to another door: the router waits for its end, and can cut it off.
/// Until it is handed over this costs nothing but a look.
#[derive(Debug, Default)]
pub(super) struct Afterlife {
    stage: AtomicU8,
    reader: AtomicWaker,
    writer: AtomicWaker,
    ended: Notify,
}

/// The router's own.
const OWN: u8 = 0;
const HANDED_OVER: u8 = 1;
const CUT_OFF: u8 = 2;

/// Who is woken when a connection is cut off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    /// Whoever reads.
    Reader,
    /// Whoever writes.
    Writer,
}

impl Afterlife {
    pub(super) fn begin(&self) {
        // Never back from being cut off.
        let _ = self.stage.compare_exchange(OWN, HANDED_OVER, AcqRel, Acquire);
    }

    pub(super) fn has_begun(&self) -> bool {
        self.stage.load(Relaxed) != OWN
    }

    /// The socket is closed.
    pub(super) fn end(&self) {
        self.ended.notify_one();
    }

    /// Waits until the socket is closed.
    pub(super) async fn ended(&self) {
        self.ended.notified().await;
    }

    /// From now on reading and writing fail. Whether they did not before.
    pub(super) fn cut_off(&self) -> bool {
        let before = self.stage.swap(CUT_OFF, AcqRel);
        self.reader.wake();
        self.writer.wake();
        before != CUT_OFF
    }

    /// Whether whoever is at `side` may go on; if so, it is woken when that ends.
    ///
    /// # Errors
    /// [`io::ErrorKind::ConnectionAborted`] once it is cut off.
    pub(super) fn check(&self, side: Side, waker: &Waker) -> io::Result<()> {
        if !self.has_begun() {
            return Ok(());
        }
        match side {
            Side::Reader => self.reader.register(waker),
            Side::Writer => self.writer.register(waker),
        }
        // After registering, so that no cut falls between.
        match self.stage.load(Acquire) {
            CUT_OFF => Err(io::ErrorKind::ConnectionAborted.into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        future::{Future as _, poll_fn},
        pin::pin,
        task::{Context, Poll},
    };

    #[test]
    fn what_is_not_handed_over_cannot_be_cut_by_a_look() {
        let afterlife = Afterlife::default();
        assert!(!afterlife.has_begun());
        assert!(afterlife.check(Side::Reader, Waker::noop()).is_ok());
        afterlife.begin();
        assert!(afterlife.check(Side::Writer, Waker::noop()).is_ok());
        assert!(afterlife.cut_off());
        assert!(!afterlife.cut_off(), "once");
        afterlife.begin();
        let error = afterlife.check(Side::Writer, Waker::noop()).expect_err("cut off");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test]
    async fn both_sides_are_woken_by_the_cut() {
        for side in [Side::Reader, Side::Writer] {
            let afterlife = Afterlife::default();
            afterlife.begin();
            let waits = poll_fn(|cx| match afterlife.check(side, cx.waker()) {
                Ok(()) => Poll::Pending,
                Err(error) => Poll::Ready(error),
            });
            let cut = async { assert!(afterlife.cut_off()) };
            tokio::join!(waits, cut);
        }
    }

    #[test]
    fn an_end_before_anybody_waits_is_not_lost() {
        let afterlife = Afterlife::default();
        afterlife.end();
        let ended = pin!(afterlife.ended()).poll(&mut Context::from_waker(Waker::noop()));
        assert!(ended.is_ready());
    }
}
