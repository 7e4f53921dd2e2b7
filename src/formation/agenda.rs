use super::plan::Moment;
use crate::name::AppId;
use std::collections::{BTreeSet, HashMap};

/// When to look at which app though nothing happened: one moment for each app at most.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    by_moment: BTreeSet<(Moment, AppId)>,
    by_app: HashMap<AppId, Moment>,
}

impl Agenda {
    /// Looks at `app` at `due` and not before; `None`: never.
    pub(super) fn set(&mut self, app: AppId, due: Option<Moment>) {
        let before = match due {
            Some(due) => self.by_app.insert(app, due),
            None => self.by_app.remove(&app),
        };
        if let Some(before) = before {
            self.by_moment.remove(&(before, app));
        }
        self.by_moment.extend(due.map(|due| (due, app)));
    }

    /// The next moment.
    pub(super) fn first(&self) -> Option<Moment> {
        self.by_moment.first().map(|(due, _)| *due)
    }

    /// Takes an app whose moment has come.
    pub(super) fn take(&mut self, now: Moment) -> Option<AppId> {
        let (_, app) = *self.by_moment.first().filter(|(due, _)| *due <= now)?;
        self.set(app, None);
        Some(app)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_app_is_there_once_and_is_taken_when_its_moment_has_come() {
        let at = |seconds| Moment(Duration::from_secs(seconds));
        let (shop, blog) = (AppId::random(), AppId::random());
        let mut agenda = Agenda::default();
        agenda.set(shop, Some(at(9)));
        agenda.set(blog, Some(at(5)));
        agenda.set(shop, Some(at(3)));
        assert_eq!(agenda.first(), Some(at(3)));
        assert_eq!((agenda.take(at(4)), agenda.take(at(4))), (Some(shop), None));
        agenda.set(blog, None);
        assert_eq!(agenda.first(), None);
        assert!(agenda.by_app.is_empty());
    }
}
