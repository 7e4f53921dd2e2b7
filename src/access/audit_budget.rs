//! Which refusals are told one by one: a pure core.
//!
//! Whoever is refused over and over would fill the ledger. So the same refusal of the same name is told once a minute,
//! all together are told a few times a minute, and the others are counted and told with the next one.

use crate::clock::Timestamp;
use std::{collections::HashMap, net::IpAddr};

/// How long the same refusal of the same name is not told again, in microseconds.
pub(super) const PAUSE: i64 = 60_000_000;

/// How many refusals are remembered apart.
const MOST: usize = 4096;

/// How many are told at once after a quiet time.
const AT_ONCE: i64 = 60;

/// After how many microseconds one more may be told: six a minute, which fill some megabytes a day.
const EVERY: i64 = 10_000_000;

/// What those were refused that are not told apart.
const OTHERS: &str = "many things under many names";

/// Somebody was not let in, or not let do something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Refusal {
    pub(super) who: Option<String>,
    pub(super) address: Option<IpAddr>,
    pub(super) action: String,
}

/// A refusal to be told, and how many more like it came before it and were not told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Told {
    pub(super) refusal: Refusal,
    pub(super) more: u32,
}

#[derive(Debug)]
pub(super) struct Budget {
    rows: HashMap<(Option<String>, String), Row>,
    /// Refusals of names that there was no room to remember.
    others: Row,
    /// From this moment on more may be told.
    free_from: i64,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    /// From where the last one came.
    address: Option<IpAddr>,
    /// How many were not told.
    untold: u32,
    /// When one was told last.
    told_at: i64,
}

impl Budget {
    pub(super) fn new() -> Self {
        let others = Row { address: None, untold: 0, told_at: i64::MIN };
        Self { rows: HashMap::new(), others, free_from: i64::MIN }
    }

    /// Counts a refusal; gives it back when it is to be told now.
    pub(super) fn take(&mut self, refusal: Refusal, now: Timestamp) -> Option<Told> {
        let now = now.unix_micros();
        let key = (refusal.who.clone(), refusal.action.clone());
        if !self.rows.contains_key(&key) && self.rows.len() >= MOST {
            self.rows.retain(|_, row| row.untold > 0 || now < row.told_at.saturating_add(PAUSE));
            if self.rows.len() >= MOST {
                self.others.untold = self.others.untold.saturating_add(1);
                return None;
            }
        }
        let row = Row { address: None, untold: 0, told_at: i64::MIN };
        let row = self.rows.entry(key).or_insert(row);
        row.address = refusal.address;
        let may = now >= row.told_at.saturating_add(PAUSE) && spend(&mut self.free_from, now);
        if !may {
            row.untold = row.untold.saturating_add(1);
            return None;
        }
        row.told_at = now;
        Some(Told { refusal, more: std::mem::take(&mut row.untold) })
    }

    /// What was not told yet and may be told now; forgets what needs not be remembered.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<Told> {
        let (now, free_from) = (now.unix_micros(), &mut self.free_from);
        let mut due = Vec::new();
        self.rows.retain(|(who, action), row| {
            if now < row.told_at.saturating_add(PAUSE) {
                return true;
            }
            if row.untold > 0 && spend(free_from, now) {
                due.push(row.told(who.clone(), action, now));
                return true;
            }
            row.untold > 0
        });
        if self.others.untold > 0 && spend(free_from, now) {
            due.push(self.others.told(None, OTHERS, now));
        }
        due
    }

    /// The last that is told: some of what was not told one by one, and the others as one.
    pub(super) fn rest(&mut self) -> Vec<Told> {
        self.free_from = i64::MIN;
        self.rows.values_mut().for_each(|row| row.told_at = i64::MIN);
        let mut rest = self.due(Timestamp::from_unix_micros(0));
        let left = self.rows.drain().map(|(_, row)| row.untold);
        self.others.untold = left.fold(self.others.untold, u32::saturating_add);
        if self.others.untold > 0 {
            rest.push(self.others.told(None, OTHERS, 0));
        }
        rest
    }
}

impl Row {
    /// One of those that were not told stands for all.
    fn told(&mut self, who: Option<String>, action: &str, now: i64) -> Told {
        let untold = std::mem::take(&mut self.untold);
        self.told_at = now;
        let refusal = Refusal { who, address: self.address, action: action.to_owned() };
        Told { refusal, more: untold.saturating_sub(1) }
    }
}

/// Takes one of what may be told by all together, if something is left.
fn spend(free_from: &mut i64, now: i64) -> bool {
    let begin = (*free_from).max(now.saturating_sub(AT_ONCE * EVERY));
    let may = begin.saturating_add(EVERY) <= now;
    if may {
        *free_from = begin + EVERY;
    }
    may
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_micros(seconds * 1_000_000)
    }

    fn of(who: &str) -> Refusal {
        Refusal { who: Some(who.to_owned()), address: None, action: "log in".to_owned() }
    }

    #[test]
    fn the_same_is_told_once_a_minute_with_the_number_of_the_others() {
        let mut budget = Budget::new();
        let told: Vec<_> = [0, 1, 59, 60, 61, 200]
            .map(|second| budget.take(of("mallory"), at(second)).map(|told| told.more))
            .into();
        assert_eq!(told, [Some(0), None, None, Some(2), None, Some(1)]);
        assert_eq!(budget.take(of("eve"), at(200)).map(|told| told.more), Some(0));
        assert_eq!(budget.due(at(300)), []);
        assert!(budget.rows.is_empty());
    }

    #[test]
    fn what_was_not_told_is_told_later() {
        let mut budget = Budget::new();
        (0..4).for_each(|second| drop(budget.take(of("mallory"), at(second))));
        assert_eq!(budget.due(at(59)), []);
        assert_eq!(budget.due(at(60)), [Told { refusal: of("mallory"), more: 2 }]);
        assert_eq!(budget.due(at(200)), []);
        (0..70).for_each(|n| drop(budget.take(of(&n.to_string()), at(1000))));
        assert_eq!(budget.rows.values().filter(|row| row.untold > 0).count(), 10);
        assert_eq!(budget.rest().len(), 10);
    }

    #[test]
    fn names_without_room_are_told_as_one() {
        let mut budget = Budget::new();
        (0..5000).for_each(|n| drop(budget.take(of(&n.to_string()), at(0))));
        assert_eq!((budget.rows.len(), budget.others.untold), (MOST, 904));
        let rest = budget.rest();
        let others = rest.last().expect("some");
        assert_eq!(
            (rest.len(), others.refusal.action.as_str(), others.more),
            (61, OTHERS, 4036 - 60 + 904 - 1)
        );
    }

    proptest! {
        #[test]
        fn every_refusal_is_counted_once(steps in proptest::collection::vec((0_u8..20, 0_i64..30, any::<bool>()), 1..300)) {
            let (mut budget, mut now, mut counted, mut told) = (Budget::new(), 0, 0_u32, Vec::new());
            for (who, pause, looks) in steps {
                now += pause;
                counted += 1;
                told.extend(budget.take(of(&who.to_string()), at(now)));
                if looks {
                    told.extend(budget.due(at(now)));
                }
                prop_assert!(i64::try_from(told.len()).expect("few") <= AT_ONCE + now / 10 + 1);
            }
            told.extend(budget.rest());
            prop_assert_eq!(told.iter().map(|told| 1 + told.more).sum::<u32>(), counted);
        }
    }
}
