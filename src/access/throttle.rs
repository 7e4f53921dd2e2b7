//! How failed attempts are slowed down: a pure core.
//!
//! An attempt counts when it begins, so that many at once do not slip through, and is taken back when it succeeds.

use super::ClientAddress;
use crate::clock::Timestamp;
use crate::slug::Digest;
use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

/// What is allowed of one kind of name.
#[derive(Clone, Copy, Debug)]
struct Allowed {
    /// How many attempts may fail before the next has to wait a second, the one after it two, and so on.
    free: u32,
    /// The longest wait.
    longest: Duration,
    /// After how long one failed attempt is forgotten.
    forgotten: Duration,
    /// How many names are remembered.
    names: usize,
}

/// An account from one network.
const OF_GUESSER: Allowed =
    Allowed { free: 5, longest: Duration::from_mins(15), forgotten: Duration::from_mins(15), names: 8192 };

/// An account from anywhere: the wait stays short, as whoever knows the name could else keep its owner out.
const OF_ACCOUNT: Allowed =
    Allowed { free: 50, longest: Duration::from_secs(4), forgotten: Duration::from_mins(15), names: 8192 };

/// Many people may share an address.
const OF_ADDRESS: Allowed =
    Allowed { free: 30, longest: Duration::from_mins(15), forgotten: Duration::from_mins(1), names: 8192 };

/// Who attempts to be let in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    account: Option<Digest>,
    address: Option<IpAddr>,
}

impl Attempt {
    /// For the account called `email`, whether there is one or not.
    pub(super) fn on(email: Option<&str>, from: Option<ClientAddress>) -> Self {
        let account = email.map(|email| Digest::of(email.to_ascii_lowercase().as_bytes()));
        Self { account, address: from.map(|ClientAddress(address)| network(address)) }
    }
}

/// The address, or for IPv6 the network of it that one customer of a provider has for himself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The failed attempts of late.
#[derive(Debug)]
pub(super) struct Throttle {
    guessers: Table<(Digest, Option<IpAddr>)>,
    accounts: Table<Digest>,
    /// Those with a password.
    addresses: Table<IpAddr>,
    /// Those with a token: a program with an old one does not keep people out who share its address.
    programs: Table<IpAddr>,
}

impl Throttle {
    pub(super) fn new() -> Self {
        Self {
            guessers: Table::new(OF_GUESSER),
            accounts: Table::new(OF_ACCOUNT),
            addresses: Table::new(OF_ADDRESS),
            programs: Table::new(OF_ADDRESS),
        }
    }

    /// Counts an attempt that may begin now, or says how long to wait.
    pub(super) fn begin(&mut self, attempt: &Attempt, now: Timestamp) -> Result<(), Duration> {
        let Attempt { account, address } = *attempt;
        let of_account = account.and_then(|account| {
            self.guessers.wait((account, address), now).max(self.accounts.wait(account, now))
        });
        let of_address = address.and_then(|address| self.neighbours(attempt).wait(address, now));
        if let Some(wait) = of_account.max(of_address) {
            return Err(wait);
        }
        if let Some(account) = account {
            self.guessers.count((account, address), now);
            self.accounts.count(account, now);
        }
        if let Some(address) = address {
            self.neighbours(attempt).count(address, now);
        }
        Ok(())
    }

    /// The attempt succeeded: what failed for the account from there is forgotten, what failed elsewhere is not.
    pub(super) fn succeeded(&mut self, attempt: &Attempt) {
        self.take_back(attempt);
        if let Some(account) = attempt.account {
            self.guessers.forget((account, attempt.address));
        }
    }

    /// The attempt was not decided.
    pub(super) fn take_back(&mut self, attempt: &Attempt) {
        let Attempt { account, address } = *attempt;
        if let Some(account) = account {
            self.guessers.take_back((account, address));
            self.accounts.take_back(account);
        }
        if let Some(address) = address {
            self.neighbours(attempt).take_back(address);
        }
    }

    /// The table of the attempts that share an address with this one.
    fn neighbours(&mut self, attempt: &Attempt) -> &mut Table<IpAddr> {
        if attempt.account.is_some() { &mut self.addresses } else { &mut self.programs }
    }
}

#[derive(Debug)]
struct Table<K> {
    allowed: Allowed,
    rows: HashMap<K, Row>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    failed: u32,
    /// From when the next one is forgotten.
    since: Timestamp,
    /// Until when to wait.
    until: Timestamp,
}

impl Row {
    /// The row as it is at `now`; `None` when nothing is left of it.
    fn at(self, now: Timestamp, allowed: Allowed) -> Option<Self> {
        let step = micros(allowed.forgotten);
        let forgotten = now.unix_micros().saturating_sub(self.since.unix_micros()).max(0) / step;
        let failed = self.failed.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX));
        let since = Timestamp::from_unix_micros(self.since.unix_micros() + forgotten * step);
        (failed > 0 || self.until > now).then_some(Self { failed, since, ..self })
    }
}

impl<K: Copy + Eq + Hash> Table<K> {
    fn new(allowed: Allowed) -> Self {
        Self { allowed, rows: HashMap::new() }
    }

    /// How long `name` has to wait, if at all.
    fn wait(&self, name: K, now: Timestamp) -> Option<Duration> {
        let left = self.rows.get(&name)?.until.unix_micros().saturating_sub(now.unix_micros());
        u64::try_from(left).ok().filter(|left| *left > 0).map(Duration::from_micros)
    }

    fn count(&mut self, name: K, now: Timestamp) {
        let row = self.rows.get(&name).and_then(|row| row.at(now, self.allowed));
        if row.is_none() && self.rows.len() >= self.allowed.names {
            self.make_room(now);
        }
        let row = row.unwrap_or(Row { failed: 0, since: now, until: now });
        let failed = row.failed.saturating_add(1);
        let wait = micros(wait_after(failed, self.allowed));
        let until = Timestamp::from_unix_micros(now.unix_micros().saturating_add(wait));
        self.rows.insert(name, Row { failed, until, ..row });
    }

    /// Forgets the names that nothing is left of, or else the one with the fewest failed attempts.
    fn make_room(&mut self, now: Timestamp) {
        let allowed = self.allowed;
        self.rows.retain(|_, row| row.at(now, allowed).is_some());
        if self.rows.len() >= allowed.names {
            let least = self.rows.iter().min_by_key(|(_, row)| (row.failed, row.since));
            if let Some(name) = least.map(|(name, _)| *name) {
                self.rows.remove(&name);
            }
        }
    }

    fn forget(&mut self, name: K) {
        self.rows.remove(&name);
    }

    fn take_back(&mut self, name: K) {
        if let Some(row) = self.rows.get_mut(&name) {
            row.failed = row.failed.saturating_sub(1);
            row.until = row.since;
        }
    }
}

/// How long the next attempt has to wait after `failed` ones.
fn wait_after(failed: u32, allowed: Allowed) -> Duration {
    match failed.checked_sub(allowed.free) {
        None => Duration::ZERO,
        Some(over) => Duration::from_secs(1 << over.min(10)).min(allowed.longest),
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u32) -> Timestamp {
        Timestamp::from_unix_micros(i64::from(seconds) * 1_000_000)
    }

    fn on(email: Option<&str>, address: &str) -> Attempt {
        Attempt::on(email, Some(ClientAddress(address.parse().expect(address))))
    }

    #[test]
    fn waits_grow_and_end() {
        let waits: Vec<_> = (0..20).map(|failed| wait_after(failed, OF_GUESSER).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900]);
        assert_eq!(wait_after(u32::MAX, OF_GUESSER), OF_GUESSER.longest);
    }

    #[test]
    fn an_account_is_slowed_for_who_guesses_whatever_the_letters() {
        let mut throttle = Throttle::new();
        for _ in 0..5 {
            assert_eq!(throttle.begin(&on(Some("Me@example.com"), "10.0.0.1"), at(0)), Ok(()));
        }
        let attempt = on(Some("me@EXAMPLE.com"), "10.0.0.1");
        assert_eq!(throttle.begin(&attempt, at(0)), Err(Duration::from_secs(1)));
        assert_eq!(throttle.begin(&on(Some("you@example.com"), "10.0.0.1"), at(0)), Ok(()));
        assert_eq!(throttle.begin(&on(Some("me@example.com"), "10.0.0.2"), at(0)), Ok(()), "elsewhere");
        assert_eq!(throttle.begin(&attempt, at(1)), Ok(()));
        throttle.succeeded(&attempt);
        assert_eq!(throttle.begin(&attempt, at(1)), Ok(()), "a success resets the account there");
    }

    #[test]
    fn many_guessers_slow_an_account_but_do_not_shut_it() {
        let mut throttle = Throttle::new();
        let mut begun = 0;
        for n in 0..250 {
            let attempt = on(Some("me@example.com"), &format!("10.0.0.{n}"));
            begun += u32::from(throttle.begin(&attempt, at(0)).is_ok());
        }
        assert_eq!(begun, 50);
        for second in [1, 3] {
            assert_eq!(throttle.begin(&on(Some("me@example.com"), "10.0.1.1"), at(second)), Ok(()));
        }
        let owner = on(Some("me@example.com"), "10.0.2.1");
        assert_eq!(throttle.begin(&owner, at(3)), Err(OF_ACCOUNT.longest));
        assert_eq!(throttle.begin(&owner, at(7)), Ok(()));
    }

    #[test]
    fn programs_with_old_tokens_do_not_keep_people_out() {
        let mut throttle = Throttle::new();
        (0..30).for_each(|_| assert_eq!(throttle.begin(&on(None, "10.0.0.1"), at(0)), Ok(())));
        assert_eq!(throttle.begin(&on(None, "10.0.0.1"), at(0)), Err(Duration::from_secs(1)));
        assert_eq!(throttle.begin(&on(Some("me@example.com"), "10.0.0.1"), at(0)), Ok(()));
    }

    #[test]
    fn an_address_is_slowed_whatever_the_account_and_a_success_does_not_help() {
        let mut throttle = Throttle::new();
        for n in 0..30 {
            let attempt = on(Some(&format!("{n}@example.com")), &format!("2001:db8::{n}"));
            assert_eq!(throttle.begin(&attempt, at(0)), Ok(()));
        }
        let attempt = on(Some("me@example.com"), "2001:db8::ffff");
        assert_eq!(throttle.begin(&attempt, at(0)), Err(Duration::from_secs(1)), "one network");
        assert_eq!(throttle.begin(&on(Some("me@example.com"), "2001:db8:0:1::1"), at(0)), Ok(()));
        assert_eq!(throttle.begin(&attempt, at(1)), Ok(()));
        throttle.succeeded(&attempt);
        assert_eq!(throttle.begin(&attempt, at(1)), Ok(()), "it was not a failed one");
        assert_eq!(throttle.begin(&attempt, at(1)), Err(Duration::from_secs(2)));
        assert_eq!(network("::ffff:10.0.0.1".parse().expect("mapped")), IpAddr::from([10, 0, 0, 1]));
    }

    #[test]
    fn who_fails_often_is_remembered_when_the_table_is_full() {
        let mut table = Table::new(Allowed { names: 8, ..OF_GUESSER });
        (0..6).for_each(|_| table.count(0, at(0)));
        (1..1000).for_each(|name| table.count(name, at(1)));
        assert_eq!(table.rows.len(), 8);
        assert_eq!(table.wait(0, at(1)), Some(Duration::from_secs(1)));
    }

    proptest! {
        #[test]
        fn nobody_gets_more_attempts_than_allowed(pauses in proptest::collection::vec(0_u32..2000, 1..300)) {
            let mut throttle = Throttle::new();
            let attempt = Attempt::on(Some("me@example.com"), None);
            let (mut now, mut begun) = (0_u32, 0_u32);
            for pause in pauses {
                now += pause;
                match throttle.begin(&attempt, at(now)) {
                    Ok(()) => begun += 1,
                    Err(wait) => prop_assert!(wait > Duration::ZERO && wait <= OF_GUESSER.longest),
                }
                // Free ones, those that the growing waits let through, and one for each that was forgotten.
                prop_assert!(begun <= 5 + 10 + 2 + now / 450, "{begun} in {now} s");
            }
        }

        #[test]
        fn the_tables_stay_bounded(names in proptest::collection::vec(0_u16..500, 1..500)) {
            let mut table = Table::new(Allowed { names: 16, ..OF_ADDRESS });
            for (now, name) in names.into_iter().enumerate() {
                table.count(name, at(u32::try_from(now).expect("small")));
                prop_assert!(table.rows.len() <= 16);
            }
        }
    }
}
