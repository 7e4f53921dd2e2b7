use super::{
    Caller, ClientAddress, Credentials, Need, Refused, Scopes, Token,
    audit::{Audit, Witness},
    hashing::{Busy, Hashing},
    password::Password,
    throttle::{Attempt, Throttle},
};
use crate::clock::Clock;
use crate::ledger::{Account, Ledger, State};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long somebody waits who found no place to have a password checked.
const BUSY: Duration = Duration::from_secs(1);

/// Lets callers in, slows down who guesses, and notes whom it refused. Clones are one.
///
/// What it notes it writes into the ledger in the background, until [`close`](Self::close).
#[derive(Clone)]
pub struct Doorkeeper(Arc<Inner>);

struct Inner {
    ledger: Ledger,
    clock: Clock,
    audit: Audit,
    hashing: Hashing,
    throttle: Mutex<Throttle>,
}

impl fmt::Debug for Doorkeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doorkeeper").finish_non_exhaustive()
    }
}

impl Doorkeeper {
    /// A doorkeeper over the accounts of `ledger`.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    #[must_use]
    pub fn new(ledger: Ledger, clock: Clock) -> Self {
        let audit = Audit::new(ledger.clone(), clock.clone());
        let (hashing, throttle) = (Hashing::new(), Mutex::new(Throttle::new()));
        Self(Arc::new(Inner { ledger, clock, audit, hashing, throttle }))
    }

    /// Writes the refusals that were not written yet. What is refused later is not noted.
    pub async fn close(&self) {
        self.0.audit.close().await;
    }

    /// Whoever has the token of `credentials`, whatever user they name. A valid token is never slowed down.
    ///
    /// # Errors
    /// [`Refused::Unauthorized`] without a token that is valid now; [`Refused::TooMany`] after many of those.
    pub fn by_token(&self, credentials: Option<&Credentials>) -> Result<Caller, Refused> {
        let credentials = credentials.ok_or(Refused::Unauthorized)?;
        let token = Token::given(credentials.secret());
        self.caller(&token, credentials.address()).map_err(|no_token| {
            let who = no_token.whose.as_ref().map(|account| account.email.as_str());
            self.0.audit.note(who.or(credentials.user()), credentials.address(), no_token.action);
            let attempt = Attempt::on(None, credentials.address());
            let begun = self.throttle().begin(&attempt, self.0.clock.now());
            begun.map_or_else(|wait| Refused::TooMany { wait }, |()| Refused::Unauthorized)
        })
    }

    /// The account whose e-mail address and password these are. Takes some hundredths of a second, whether there is
    /// such an account or not.
    ///
    /// # Errors
    /// [`Refused::Unauthorized`]; [`Refused::TooMany`] after several of those, for the account and the address.
    pub async fn by_password(
        &self,
        email: &str,
        password: &str,
        from: Option<ClientAddress>,
    ) -> Result<Arc<Account>, Refused> {
        let attempt = Attempt::on(Some(email), from);
        let begun = self.throttle().begin(&attempt, self.0.clock.now());
        let verified = match begun {
            Err(wait) => Err(Refused::TooMany { wait }),
            Ok(()) => self.verified(email, password, &attempt).await,
        };
        if verified.is_err() {
            self.0.audit.note(Some(email), from, "log in");
        }
        verified
    }

    /// The account of a token that allows everything, or of an e-mail address and password.
    ///
    /// # Errors
    /// Those of [`by_token`](Self::by_token) and [`by_password`](Self::by_password), and [`Refused::Scope`].
    pub async fn by_token_or_password(
        &self,
        credentials: Option<&Credentials>,
    ) -> Result<Arc<Account>, Refused> {
        let given = credentials.ok_or(Refused::Unauthorized)?;
        if let Some(email) = given.user().filter(|_| !Token::is_like(given.secret())) {
            return self.by_password(email, given.secret(), given.address()).await;
        }
        let caller = self.by_token(credentials)?;
        caller.needs(Need::Global)?;
        Ok(caller.account)
    }

    fn caller(&self, token: &Token, from: Option<ClientAddress>) -> Result<Caller, NoToken> {
        let state = self.0.ledger.state();
        let unknown = NoToken { whose: None, action: "use a token that is not valid" };
        let authorization = state.authorizations.get(&token.digest()).ok_or(unknown)?;
        let account = state.accounts.get(&authorization.account).cloned();
        if authorization.expires_at.is_some_and(|end| end <= self.0.clock.now()) {
            return Err(NoToken { whose: account, action: "use a token that has expired" });
        }
        let unowned = NoToken { whose: None, action: "use a token of nobody" };
        let account = account.ok_or(unowned)?;
        Ok(Caller {
            is_operator: state.owner == Some(account.id),
            account,
            authorization: authorization.id,
            scopes: Scopes::new(authorization.scopes.clone()),
            token_hint: token.hint(),
            witness: Witness { audit: self.0.audit.clone(), from },
        })
    }

    async fn verified(
        &self,
        email: &str,
        password: &str,
        attempt: &Attempt,
    ) -> Result<Arc<Account>, Refused> {
        let called = |state: &State| {
            state.account(email).filter(|account| account.email.eq_ignore_ascii_case(email)).cloned()
        };
        let account = called(&self.0.ledger.state());
        let hash = account.as_ref().and_then(|account| account.password.clone());
        let verified = self.0.hashing.verify(Password::given(password), hash.clone()).await;
        let right = verified.map_err(|Busy| {
            self.throttle().take_back(attempt);
            Refused::TooMany { wait: BUSY }
        })?;
        // Meanwhile it may have got another password, or be gone.
        let present = called(&self.0.ledger.state()).filter(|present| right && present.password == hash);
        let account = present.ok_or(Refused::Unauthorized)?;
        self.throttle().succeeded(attempt);
        Ok(account)
    }

    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        // A panic elsewhere leaves the tables whole, so poison is not passed on.
        self.0.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(super) fn hashing(&self) -> &Hashing {
        &self.0.hashing
    }
}

/// Why a token lets nobody in, for the ledger.
struct NoToken {
    whose: Option<Arc<Account>>,
    action: &'static str,
}
