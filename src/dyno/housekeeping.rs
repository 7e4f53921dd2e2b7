use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What wants to be swept once a second, as long as it lives.
pub(super) trait Sweep: Send + Sync {
    /// Lets go of what has been idle for long. Called from a thread without a runtime; must not block.
    fn sweep(&self);
}

/// The list of what is swept. Owners hold the strong references; the dead leave the list at the next sweep.
#[derive(Default)]
pub(super) struct Housekeeping(Mutex<Vec<Weak<dyn Sweep>>>);

impl Housekeeping {
    pub(super) fn add(&self, sweep: Weak<dyn Sweep>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sweep);
    }

    pub(super) fn sweep(&self) {
        let live: Vec<Arc<dyn Sweep>> = {
            let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            list.retain(|sweep| sweep.strong_count() > 0);
            list.iter().filter_map(Weak::upgrade).collect()
        };
        for sweep in live {
            sweep.sweep();
        }
    }
}
