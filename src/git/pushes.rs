use crate::access::Credentials;
use crate::ledger::Actor;
use crate::name::{AppId, AppName};
use crate::slug::Digest;
use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::time::Instant;

/// The pushes that are under way, by the secrets that their hooks show, and the apps that one of them builds.
#[derive(Default)]
pub(super) struct Pushes {
    unheard: Mutex<HashMap<Digest, Arc<Push>>>,
    building: Mutex<HashSet<AppId>>,
}

/// One push on its way.
pub(super) struct Push {
    pub(super) actor: Actor,
    /// What was shown for it.
    pub(super) credentials: Credentials,
    pub(super) app: AppId,
    /// The app's name when the push began.
    pub(super) name: AppName,
    pub(super) repository: PathBuf,
    /// When it is to have ended.
    pub(super) deadline: Instant,
    hearing: Mutex<Hearing>,
}

/// How far the platform has decided.
#[derive(Default)]
enum Hearing {
    #[default]
    NotYet,
    Begun,
    /// It builds. Until the push has ended nobody else builds the app, so that nobody builds on a branch that moves.
    Building {
        _turn: Turn,
    },
}

/// A push that has begun; it is over when this is dropped.
pub(super) struct Ticket {
    pushes: Arc<Pushes>,
    digest: Digest,
    /// What the hook shows: 256 random bits, in hexadecimal digits.
    pub(super) secret: String,
    pub(super) push: Arc<Push>,
}

/// The right to build an app, until it is dropped.
struct Turn {
    pushes: Arc<Pushes>,
    app: AppId,
}

impl Push {
    pub(super) fn new(
        (actor, credentials): (Actor, Credentials),
        app: AppId,
        name: AppName,
        repository: PathBuf,
        deadline: Instant,
    ) -> Self {
        Self { actor, credentials, app, name, repository, deadline, hearing: Mutex::default() }
    }

    /// Whether the platform decides over it, or has.
    pub(super) fn is_heard(&self) -> bool {
        !matches!(*lock(&self.hearing), Hearing::NotYet)
    }
}

impl Pushes {
    /// Notes a push that begins.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub(super) fn begin(self: &Arc<Self>, push: Push) -> Result<Ticket, getrandom::Error> {
        let mut bits = [0; 32];
        getrandom::fill(&mut bits)?;
        let secret = hex::encode(bits);
        let (digest, push) = (Digest::of(secret.as_bytes()), Arc::new(push));
        lock(&self.unheard).insert(digest, Arc::clone(&push));
        Ok(Ticket { pushes: Arc::clone(self), digest, secret, push })
    }

    /// The push with this secret, which is good for one hearing.
    pub(super) fn hear(&self, secret: &str) -> Option<Arc<Push>> {
        // Looked up by digest, which tells nothing of how near a guess came.
        let push = lock(&self.unheard).remove(&Digest::of(secret.as_bytes()))?;
        *lock(&push.hearing) = Hearing::Begun;
        Some(push)
    }

    /// Lets `push` build its app until it ends; `false` while another one does.
    pub(super) fn take_turn(self: &Arc<Self>, push: &Push) -> bool {
        if !lock(&self.building).insert(push.app) {
            return false;
        }
        *lock(&push.hearing) = Hearing::Building { _turn: Turn { pushes: Arc::clone(self), app: push.app } };
        true
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.pushes.unheard).remove(&self.digest);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock(&self.pushes.building).remove(&self.app);
    }
}

/// A panic elsewhere leaves what is locked here whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, header::AUTHORIZATION};

    fn push(app: AppId) -> Push {
        let bearer = [(AUTHORIZATION, HeaderValue::from_static("Bearer abc"))];
        let credentials = Credentials::of(&bearer.into_iter().collect()).expect("a token");
        Push::new((Actor::Platform, credentials), app, AppName::like("shop"), PathBuf::new(), Instant::now())
    }

    #[test]
    fn a_secret_is_good_for_one_hearing_while_its_push_lasts() {
        let pushes = Arc::<Pushes>::default();
        let (first, second) = (
            pushes.begin(push(AppId::random())).expect("random"),
            pushes.begin(push(AppId::random())).expect("random"),
        );
        assert_ne!(first.secret, second.secret);
        assert!(!first.push.is_heard() && pushes.hear("guess").is_none());
        assert!(pushes.hear(&first.secret).is_some() && first.push.is_heard());
        assert!(pushes.hear(&first.secret).is_none(), "once");
        let secret = second.secret.clone();
        drop(second);
        assert!(pushes.hear(&secret).is_none(), "over");
    }

    #[test]
    fn one_push_at_a_time_builds_an_app() {
        let pushes = Arc::<Pushes>::default();
        let (app, other) = (AppId::random(), AppId::random());
        let first = push(app);
        assert!(pushes.take_turn(&first) && !pushes.take_turn(&push(app)));
        assert!(pushes.take_turn(&push(other)));
        drop(first);
        assert!(pushes.take_turn(&push(app)));
    }
}
