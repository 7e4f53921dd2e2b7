use super::{DynoRecord, Moment, Phase, Step, Wanted};
use crate::app::DynoSize;
use crate::name::{DynoId, DynoName, ProcessType, ReleaseVersion};

/// The most dynos of one process type (Heroku: 100).
const MOST_DYNOS: u32 = 100;

/// One process type of an app: what is wanted of it, and its dynos.
pub(super) struct View<'a> {
    pub(super) process_type: &'a ProcessType,
    /// How many are wanted: they are numbered from 1.
    pub(super) quantity: u32,
    pub(super) dynos: Vec<&'a DynoRecord>,
    /// What each wanted one runs, and its size.
    kind: Option<(ReleaseVersion, DynoSize)>,
}

impl<'a> View<'a> {
    pub(super) fn new(
        process_type: &'a ProcessType,
        wanted: Option<&Wanted>,
        actual: &'a [DynoRecord],
    ) -> Self {
        let of_type = wanted.and_then(|wanted| Some((wanted.release, wanted.types.get(process_type)?)));
        Self {
            process_type,
            quantity: of_type.map_or(0, |(_, wanted)| wanted.quantity.min(MOST_DYNOS)),
            dynos: actual.iter().filter(|dyno| dyno.name.process_type() == process_type).collect(),
            kind: of_type.map(|(release, wanted)| (release, wanted.size)),
        }
    }

    /// Whether the dyno is one that is wanted: of the right release and size, with a wanted number, and not to be
    /// replaced.
    pub(super) fn fits(&self, dyno: &DynoRecord) -> bool {
        self.kind == Some((dyno.release, dyno.size)) && self.has_place(dyno) && !dyno.replace
    }

    /// Whether its number is wanted.
    pub(super) fn has_place(&self, dyno: &DynoRecord) -> bool {
        dyno.name.number() <= self.quantity
    }

    /// Whether it runs the release that is wanted.
    pub(super) fn is_of_release(&self, dyno: &DynoRecord) -> bool {
        self.kind.is_some_and(|(release, _)| release == dyno.release)
    }

    /// The live dyno that is the wanted one with this number.
    pub(super) fn holder(&self, number: u32) -> Option<&'a DynoRecord> {
        let fitting = self.numbered(number).filter(|dyno| dyno.is_live() && self.fits(dyno));
        fitting.max_by_key(|dyno| (dyno.serving, dyno.phase == Phase::Up))
    }

    /// Whether the dyno holds a wanted place.
    pub(super) fn holds(&self, dyno: &DynoRecord) -> bool {
        self.holder(dyno.name.number()).is_some_and(|holder| holder.id == dyno.id)
    }

    /// Whether the wanted dyno with this number is up.
    pub(super) fn is_up(&self, number: u32) -> bool {
        self.holder(number).is_some_and(|dyno| dyno.phase == Phase::Up)
    }

    /// Whether every wanted dyno is up.
    pub(super) fn all_up(&self) -> bool {
        (1..=self.quantity).all(|number| self.is_up(number))
    }

    /// Live dynos that hold no wanted place, the highest number first.
    pub(super) fn surplus(&self) -> Vec<&'a DynoRecord> {
        let mut surplus =
            self.dynos.iter().copied().filter(|dyno| dyno.is_live() && !self.holds(dyno)).collect::<Vec<_>>();
        surplus.sort_by_key(|dyno| std::cmp::Reverse(dyno.name.number()));
        surplus
    }

    /// Forgets crashed dynos that are not wanted, and starts wanted ones that are not there, the lowest number first.
    pub(super) fn forget_and_start(&self, now: Moment, steps: &mut Vec<Step>) {
        let forget =
            |dynos: Vec<&DynoRecord>| dynos.into_iter().map(|dyno| Step::Forget(dyno.id)).collect::<Vec<_>>();
        steps.extend(forget(
            self.dynos.iter().copied().filter(|dyno| is_crashed(dyno) && !self.has_place(dyno)).collect(),
        ));
        let alive = self.dynos.iter().filter(|dyno| !is_crashed(dyno)).count();
        let mut room = self.most_alive().saturating_sub(alive);
        for number in 1..=self.quantity {
            let last = self.last_crash(number);
            let kept = last.filter(|_| !self.is_taken(number)).map(|dyno| dyno.id);
            let crashed = self.numbered(number).filter(|dyno| is_crashed(dyno));
            steps.extend(forget(crashed.filter(|dyno| Some(dyno.id) != kept).collect()));
            let due = last.is_none_or(|dyno| !self.fits(dyno) || dyno.retry_at() <= now);
            if room > 0 && due && !self.is_taken(number) {
                steps.extend(self.start(number, last));
                room -= 1;
            }
        }
    }

    /// When crashed dynos that are wanted are tried again.
    pub(super) fn retries(&self) -> impl Iterator<Item = Moment> {
        self.waiting().map(DynoRecord::retry_at)
    }

    /// The names of crashed dynos that are wanted.
    pub(super) fn crashed(&self) -> impl Iterator<Item = DynoName> {
        self.waiting().map(|dyno| dyno.name.clone())
    }

    /// Whether every wanted dyno is up, and each that takes requests is a wanted one.
    pub(super) fn is_settled(&self) -> bool {
        let web = self.process_type.is_web();
        let served = |dyno: &&DynoRecord| !web || dyno.phase != Phase::Up || dyno.serving == self.holds(dyno);
        self.all_up() && self.dynos.iter().all(served) && (web || self.surplus().is_empty())
    }

    fn waiting(&self) -> impl Iterator<Item = &'a DynoRecord> {
        self.dynos.iter().copied().filter(|dyno| is_crashed(dyno) && self.fits(dyno))
    }

    fn numbered(&self, number: u32) -> impl Iterator<Item = &'a DynoRecord> {
        self.dynos.iter().copied().filter(move |dyno| dyno.name.number() == number)
    }

    /// The crashed dyno whose place the next one with this number takes: a fitting one, since its crashes count.
    fn last_crash(&self, number: u32) -> Option<&'a DynoRecord> {
        self.numbered(number).filter(|dyno| is_crashed(dyno)).max_by_key(|dyno| (self.fits(dyno), dyno.since))
    }

    /// Whether no dyno may be started in this place now: for `web` the wanted one is there, for others any is.
    fn is_taken(&self, number: u32) -> bool {
        if self.process_type.is_web() {
            self.holder(number).is_some()
        } else {
            self.numbered(number).any(|dyno| !is_crashed(dyno))
        }
    }

    fn most_alive(&self) -> usize {
        let wanted = usize::try_from(self.quantity).unwrap_or(usize::MAX);
        if self.process_type.is_web() { 2 * wanted } else { wanted }
    }

    fn start(&self, number: u32, last: Option<&DynoRecord>) -> Option<Step> {
        let (release, size) = self.kind?;
        let crashes = last.filter(|dyno| self.fits(dyno)).map_or(0, |dyno| dyno.crashes);
        let instead_of: Option<DynoId> = last.map(|dyno| dyno.id);
        let name = DynoName::new(self.process_type.clone(), number);
        Some(Step::Start { name, size, release, crashes, instead_of })
    }
}

fn is_crashed(dyno: &DynoRecord) -> bool {
    dyno.phase == Phase::Crashed
}
