use super::{afterlife::Afterlife, error::RouterError, headers::Peer, server::Router, tls::ClearText};
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed},
};
use tokio_util::task::TaskTracker;

/// What the requests of one connection share: who is there, and counters that only this connection's tasks
/// touch, so that no two cores fight over them.
pub(super) struct Wire {
    pub(super) router: Router,
    pub(super) peer: Peer,
    /// What is answered to requests for apps here.
    pub(super) clear_text: ClearText,
    /// As log lines name it, `tls1.3`; nothing in clear text.
    pub(super) tls_version: OnceLock<&'static str>,
    /// What goes on beside the requests.
    pub(super) tasks: TaskTracker,
    /// Requests that were begun, in all.
    begun: AtomicU64,
    /// Requests that have not ended.
    open: AtomicUsize,
    /// Requests at doors that have not ended.
    visits: AtomicUsize,
    read: AtomicU64,
    written: AtomicU64,
    /// Whether bytes wait until the client takes some.
    blocked: AtomicBool,
    ending: AtomicU8,
    cut: Arc<AtomicUsize>,
    /// What becomes of the connection once somebody else has it.
    pub(super) afterlife: Afterlife,
}

/// Why the router ends a connection before its requests have ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ending {
    /// The client took nothing for too long.
    Stalled,
    /// The router stops, and the grace is over.
    Stopped,
}

impl Wire {
    pub(super) fn new(
        router: Router,
        peer: Peer,
        clear_text: ClearText,
        tasks: TaskTracker,
        cut: Arc<AtomicUsize>,
    ) -> Self {
        let zero = AtomicU64::default;
        let (open, visits, ending) = (AtomicUsize::default(), AtomicUsize::default(), AtomicU8::default());
        let (read, written, blocked) = (zero(), zero(), AtomicBool::default());
        let afterlife = Afterlife::default();
        Self {
            router,
            peer,
            clear_text,
            tls_version: OnceLock::new(),
            tasks,
            begun: zero(),
            open,
            visits,
            read,
            written,
            blocked,
            ending,
            cut,
            afterlife,
        }
    }

    pub(super) fn was_read(&self, bytes: usize) {
        self.read.fetch_add(bytes as u64, Relaxed);
    }

    /// What came of writing: how many bytes, or `None` when they must wait.
    pub(super) fn was_written(&self, bytes: Option<usize>) {
        if let Some(bytes) = bytes {
            self.written.fetch_add(bytes as u64, Relaxed);
        }
        self.blocked.store(bytes.is_none(), Relaxed);
    }

    /// The connection is another's from now on: the router no longer watches it.
    pub(super) fn hand_over(&self) {
        self.afterlife.begin();
    }

    /// Cuts off what was handed over, and counts it once.
    pub(super) fn cut_off(&self) {
        if self.afterlife.cut_off() {
            self.cut.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn begin(&self) {
        self.begun.fetch_add(1, Relaxed);
    }

    pub(super) fn opened(&self) {
        self.open.fetch_add(1, Relaxed);
    }

    pub(super) fn closed(&self) {
        self.open.fetch_sub(1, Relaxed);
    }

    pub(super) fn visit_began(&self) {
        self.visits.fetch_add(1, Relaxed);
    }

    pub(super) fn visit_ended(&self) {
        self.visits.fetch_sub(1, Relaxed);
    }

    /// From now on, what ends unfinished ends because of `ending`.
    pub(super) fn end(&self, ending: Ending) {
        let ending = match ending {
            Ending::Stalled => 1,
            Ending::Stopped => 2,
        };
        self.ending.store(ending, Relaxed);
    }

    /// What befell a request that ends unfinished now; requests which the router cut short are counted.
    pub(super) fn interruption(&self) -> RouterError {
        match self.ending.load(Relaxed) {
            1 => RouterError::ClientConnectionIdle,
            2 => {
                self.cut.fetch_add(1, Relaxed);
                RouterError::ForcedClose
            }
            _ => RouterError::ClientRequestInterrupted,
        }
    }

    pub(super) fn vitals(&self) -> Vitals {
        Vitals {
            open: self.open.load(Relaxed),
            visits: self.visits.load(Relaxed),
            begun: self.begun.load(Relaxed),
            read: self.read.load(Relaxed),
            written: self.written.load(Relaxed),
            blocked: self.blocked.load(Relaxed),
        }
    }
}

/// A connection's counters at one moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Vitals {
    pub(super) open: usize,
    pub(super) visits: usize,
    pub(super) begun: u64,
    pub(super) read: u64,
    pub(super) written: u64,
    pub(super) blocked: bool,
}

/// Watches a connection by looking at it twice per idle time, which costs a request nothing.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    last: Vitals,
    quiet: u32,
}

/// What to do with a connection after a look at it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Diagnosis {
    /// It lives.
    Alive,
    /// It had no request for the idle time: ask it to end.
    Idle,
    /// It stands still, and did not end when asked: drop it.
    Dead,
}

impl Pulse {
    /// Compares `now` with the last look. Without an open request a connection must begin one, or still be taking
    /// the end of an answer; a head that trickles in does not count. With one, any byte counts, and the limits of
    /// the request itself (shorter than three looks) come first. A visit at a door may be silent, unless it is the
    /// client that takes nothing.
    pub(super) fn beat(&mut self, now: Vitals) -> Diagnosis {
        let last = std::mem::replace(&mut self.last, now);
        let moved = if now.visits > 0 || last.visits > 0 {
            !now.blocked || now.written != last.written
        } else if now.open == 0 {
            now.begun != last.begun || last.open != 0 || now.written - last.written >= TAIL
        } else {
            now != last
        };
        self.quiet = if moved { 0 } else { self.quiet + 1 };
        match (now.open, self.quiet) {
            (0, 2) => Diagnosis::Idle,
            (_, 0..=2) => Diagnosis::Alive,
            _ => Diagnosis::Dead,
        }
    }
}

/// Bytes that must leave between two looks for an answer's end to count as moving; more than answers to pings are.
const TAIL: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Vitals = Vitals { open: 0, visits: 0, begun: 0, read: 0, written: 0, blocked: false };

    #[test]
    fn a_connection_without_requests_is_asked_and_then_dropped() {
        let mut pulse = Pulse::default();
        let looks: Vec<_> = (1..=3).map(|read| pulse.beat(Vitals { read, ..NEW })).collect();
        assert_eq!(
            looks,
            [Diagnosis::Alive, Diagnosis::Idle, Diagnosis::Dead],
            "a trickling head is no request"
        );
    }

    #[test]
    fn requests_and_the_end_of_an_answer_keep_it() {
        let mut pulse = Pulse::default();
        for begun in 1..10 {
            assert_eq!(pulse.beat(Vitals { begun, ..NEW }), Diagnosis::Alive);
        }
        for written in 1..10 {
            let now = Vitals { begun: 9, written: written * TAIL, ..NEW };
            assert_eq!(pulse.beat(now), Diagnosis::Alive);
        }
    }

    #[test]
    fn an_open_request_that_stands_still_is_dropped_after_its_own_limits() {
        let mut pulse = Pulse::default();
        let now = Vitals { open: 1, begun: 1, read: 9, written: 9, ..NEW };
        let looks: Vec<_> = (0..4).map(|_| pulse.beat(now)).collect();
        assert_eq!(looks, [Diagnosis::Alive, Diagnosis::Alive, Diagnosis::Alive, Diagnosis::Dead]);
        assert_eq!(pulse.beat(Vitals { written: 10, ..now }), Diagnosis::Alive, "one byte is enough");
    }

    #[test]
    fn a_visit_may_be_silent_but_its_client_must_take_what_waits() {
        let mut pulse = Pulse::default();
        let visit = Vitals { visits: 1, begun: 1, ..NEW };
        for _ in 0..10 {
            assert_eq!(pulse.beat(visit), Diagnosis::Alive);
        }
        for written in 1..10 {
            assert_eq!(
                pulse.beat(Vitals { written, blocked: true, ..visit }),
                Diagnosis::Alive,
                "slow is well"
            );
        }
        let stuck = Vitals { written: 9, blocked: true, ..visit };
        let looks: Vec<_> = (0..3).map(|read| pulse.beat(Vitals { read, ..stuck })).collect();
        assert_eq!(looks, [Diagnosis::Alive, Diagnosis::Idle, Diagnosis::Dead]);
    }
}
