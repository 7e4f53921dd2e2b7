use super::{
    app_dynos::{AppDynos, Hold},
    plan::{DynoRecord, Outlook, Phase, outlook},
    roster::{AppRoster, DynoState, DynoStatus, Settled, WebTarget},
};
use crate::name::{ProcessType, ReleaseVersion};

/// A web dyno that crashed so often is not what a request should wait for.
const HOPELESS: u32 = 2;

/// The app as others see it.
impl AppDynos {
    pub(super) fn roster(&self) -> AppRoster {
        let dynos =
            self.records.iter().filter_map(|record| Some(status(record, self.holds.get(&record.id)?)));
        let mut dynos = dynos.chain(self.one_offs.statuses()).collect::<Vec<_>>();
        dynos.sort_by(|a, b| (&a.name, a.release).cmp(&(&b.name, b.release)));
        AppRoster { dynos, web: self.web_target() }
    }

    /// Whether what runs is what `release` or a later one wants; `None`: not yet.
    pub(super) fn verdict(&self, release: ReleaseVersion) -> Option<Settled> {
        if self.wanted.as_ref().is_some_and(|wanted| wanted.release < release) {
            return None;
        }
        match outlook(self.wanted.as_ref(), &self.records) {
            Outlook::Settled => Some(Settled::Up),
            Outlook::Crashed(names) => Some(Settled::Crashed(names)),
            Outlook::OnTheWay => None,
        }
    }

    fn web_target(&self) -> WebTarget {
        let mut serving = self.records.iter().filter(|record| record.serving).collect::<Vec<_>>();
        serving.sort_by(|a, b| a.name.cmp(&b.name));
        let hold = |record: &&DynoRecord| self.holds.get(&record.id)?.dyno.clone();
        let serving = serving.iter().filter_map(hold).collect::<Vec<_>>();
        if !serving.is_empty() {
            return WebTarget::Up(serving);
        }
        if self.app.as_ref().is_some_and(|app| app.current_slug().is_none()) {
            return WebTarget::Blank;
        }
        let web = ProcessType::web();
        let wanted = self.wanted.as_ref().and_then(|wanted| wanted.types.get(&web));
        if wanted.is_none_or(|wanted| wanted.quantity == 0) {
            return WebTarget::NoWeb;
        }
        let mut dynos = self.records.iter().filter(|record| record.name.process_type().is_web());
        if dynos.clone().any(|record| record.crashes < HOPELESS) || dynos.next().is_none() {
            WebTarget::Booting
        } else {
            WebTarget::Crashed
        }
    }
}

fn status(record: &DynoRecord, hold: &Hold) -> DynoStatus {
    let state = match record.phase {
        Phase::Starting => DynoState::Starting,
        Phase::Up => DynoState::Up,
        Phase::Stopping => DynoState::Down,
        Phase::Crashed => DynoState::Crashed,
    };
    DynoStatus {
        id: record.id,
        name: record.name.clone(),
        command: hold.command.clone(),
        size: record.size,
        release: record.release,
        state,
        since: hold.since,
    }
}
