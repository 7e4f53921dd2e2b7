use crate::formation::{AppRoster, Roster, WebTarget};
use crate::ledger::{App, State};
use crate::logplex::Logplex;
use crate::name::{AppId, Hostname};
use crate::router::{Destination, Door, Route, Routes, Target};
use std::{collections::HashMap, sync::Arc};

/// Which host leads where: apps below the domain and at domains of their own, the control API at the domain itself, at
/// `api.` and `git.` below it, and at this machine's own names.
pub(super) struct Hosts {
    domain: Hostname,
    logplex: Logplex,
    known: HashMap<AppId, Known>,
}

/// An app's route, and what it was made of.
struct Known {
    app: Arc<App>,
    roster: Option<Arc<AppRoster>>,
    route: Arc<Route>,
}

impl Hosts {
    pub(super) fn new(domain: Hostname, logplex: Logplex) -> Self {
        Self { domain, logplex, known: HashMap::new() }
    }

    /// The table as it is now, with `control` for the platform's own hosts.
    pub(super) fn routes<D: Door + 'static>(
        &mut self,
        control: &Arc<D>,
        state: &State,
        roster: &Roster,
    ) -> Routes {
        self.known.retain(|id, _| state.apps.contains_key(id));
        let mut routes = Routes::new();
        for app in state.apps.values() {
            let route = self.route(app, roster.apps.get(&app.id));
            insert(
                &mut routes,
                &format!("{}.{}", app.name, self.domain),
                Destination::App(Arc::clone(&route)),
            );
            for domain in app.domains.values() {
                insert(&mut routes, &domain.hostname, Destination::App(Arc::clone(&route)));
            }
        }
        // Last, so that no app takes them.
        for host in self.own_hosts() {
            insert(&mut routes, &host, Destination::Door(control.clone()));
        }
        routes
    }

    fn own_hosts(&self) -> [String; 6] {
        let domain = &self.domain;
        let machine = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let [localhost, v4, v6] = machine;
        [localhost, v4, v6, domain.to_string(), format!("api.{domain}"), format!("git.{domain}")]
    }

    /// The app's route; the same as before when nothing of it changed.
    fn route(&mut self, app: &Arc<App>, roster: Option<&Arc<AppRoster>>) -> Arc<Route> {
        if let Some(known) = self.known.get(&app.id)
            && Arc::ptr_eq(&known.app, app)
            && known.roster.as_ref().map(Arc::as_ptr) == roster.map(Arc::as_ptr)
        {
            return Arc::clone(&known.route);
        }
        let log = self.logplex.channel(&app.name);
        let route = Arc::new(Route { app: app.name.clone(), log, target: target(app, roster) });
        let known = Known { app: Arc::clone(app), roster: roster.cloned(), route: Arc::clone(&route) };
        self.known.insert(app.id, known);
        route
    }
}

fn target(app: &App, roster: Option<&Arc<AppRoster>>) -> Target {
    if app.maintenance {
        return Target::Maintenance;
    }
    match roster.map(|roster| &roster.web) {
        Some(WebTarget::Up(dynos)) => Target::Dynos(dynos.clone()),
        Some(WebTarget::Booting) => Target::Booting,
        Some(WebTarget::NoWeb) => Target::NoWeb,
        Some(WebTarget::Crashed) => Target::Crashed,
        // The dyno manager has not looked at it yet.
        None if app.current_slug().is_some() => Target::Booting,
        Some(WebTarget::Blank) | None => Target::Blank,
    }
}

fn insert(routes: &mut Routes, host: &str, destination: Destination) {
    if let Err(error) = routes.insert(host, destination) {
        tracing::error!(%error, "a host of the platform cannot be routed");
    }
}
