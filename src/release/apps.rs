use super::{
    ReleaseError, Releases,
    app_names::{any_name, is_reserved},
    journal::{tell, tell_release},
    releases::{Inner, NewRelease},
    turns::Turn,
    words::who,
};
use crate::ledger::{Actor, App, Event, State, Stream};
use crate::name::{AccountId, AppId, AppName, ReleaseId, ReleaseVersion};
use crate::slug::STACK;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// How long the removal of an app waits for its dynos: longer than they may take to stop.
const GONE_LIMIT: Duration = Duration::from_secs(40);

/// The first two releases of every app, as on Heroku.
const FIRST_RELEASES: [&str; 2] = ["Initial release", "Enable Logplex"];

impl Releases {
    /// Makes an app with v1 `Initial release` and v2 `Enable Logplex`. Without a name it gets one of its own.
    ///
    /// # Errors
    /// [`ReleaseError::NameTaken`]; [`ReleaseError::NoOwner`] when the platform itself asks and has no owner.
    pub async fn create_app(&self, actor: &Actor, name: Option<AppName>) -> Result<Arc<App>, ReleaseError> {
        loop {
            let chosen = name.clone().unwrap_or_else(any_name);
            let turn = self.0.names.take(&chosen).await;
            let (inner, actor) = (Arc::clone(&self.0), actor.clone());
            let made = self.0.owned(async move {
                let made = inner.create(&actor, chosen).await;
                drop(turn);
                made
            });
            match made.await {
                Err(ReleaseError::NameTaken(_)) if name.is_none() => {}
                made => return made,
            }
        }
    }

    /// Gives an app another name; its log goes with it.
    ///
    /// # Errors
    /// [`ReleaseError::NameTaken`], [`ReleaseError::NoApp`].
    pub async fn rename_app(
        &self,
        actor: &Actor,
        app: AppId,
        name: AppName,
    ) -> Result<Arc<App>, ReleaseError> {
        let turns = self.0.name_turns(app, Some(&name)).await?;
        let (inner, actor) = (Arc::clone(&self.0), actor.clone());
        let renamed = self.0.owned(async move {
            let renamed = inner.rename(&actor, app, name).await;
            drop(turns);
            renamed
        });
        renamed.await
    }

    /// Stops an app's builds and dynos and forgets it: its key, its log, its output, its build cache. Comes back when
    /// its dynos are gone, or take too long.
    ///
    /// # Errors
    /// [`ReleaseError::NoApp`], [`ReleaseError::Append`].
    pub async fn destroy_app(&self, actor: &Actor, app: AppId) -> Result<Arc<App>, ReleaseError> {
        let turns = self.0.name_turns(app, None).await?;
        let (inner, actor) = (Arc::clone(&self.0), actor.clone());
        let destroyed = self.0.owned(async move {
            let destroyed = inner.destroy(&actor, app).await;
            drop(turns);
            destroyed
        });
        destroyed.await
    }
}

impl Inner {
    /// The turns of the app's name, and of the one that it is to have: while they last it keeps its name, and no other
    /// app gets one of them. Taken in the order of the names, so that two who want the same two do not wait for each
    /// other.
    async fn name_turns(&self, app: AppId, next: Option<&AppName>) -> Result<Vec<Turn>, ReleaseError> {
        loop {
            let name = self.app(app)?.name.clone();
            let names: BTreeSet<_> = next.into_iter().chain([&name]).collect();
            let mut turns = Vec::new();
            for name in names {
                turns.push(self.names.take(name).await);
            }
            if self.app(app)?.name == name {
                return Ok(turns);
            }
        }
    }

    async fn create(&self, actor: &Actor, name: AppName) -> Result<Arc<App>, ReleaseError> {
        check_free(&self.rooms.ledger.state(), &name, None)?;
        let app = AppId::random();
        let ids = FIRST_RELEASES.map(|_| ReleaseId::random());
        let decide = |state: &State| {
            check_free(state, &name, None)?;
            let owner = owner(state, actor)?;
            let created = Event::AppCreated { app, name: name.clone(), owner, stack: STACK.to_owned() };
            let versions = [ReleaseVersion::FIRST, ReleaseVersion::FIRST.next()];
            let releases = FIRST_RELEASES.iter().zip(ids).zip(versions).map(|((words, id), version)| {
                let first = NewRelease {
                    description: (*words).to_owned(),
                    slug: None,
                    build: None,
                    rollback_to: None,
                    has_phase: false,
                };
                (Stream::App(app), first.event(id, version))
            });
            Ok(std::iter::once((Stream::Platform, created)).chain(releases).collect())
        };
        let state = self.rooms.ledger.change(actor, decide).await?;
        let made = state.apps.get(&app).cloned().ok_or(ReleaseError::NoApp)?;
        let log = self.rooms.logplex.channel(&name);
        made.releases.iter().for_each(|release| tell_release(&log, release, actor));
        Ok(made)
    }

    async fn rename(&self, actor: &Actor, app: AppId, name: AppName) -> Result<Arc<App>, ReleaseError> {
        let old = self.app(app)?;
        check_free(&self.rooms.ledger.state(), &name, Some(app))?;
        if old.name == name {
            return Ok(old);
        }
        // Whoever asks for the log meanwhile finds it by both names.
        self.rooms.logplex.alias(&old.name, &name);
        let decide = |state: &State| {
            state.apps.get(&app).ok_or(ReleaseError::NoApp)?;
            check_free(state, &name, Some(app))?;
            Ok(vec![(Stream::Platform, Event::AppRenamed { app, name: name.clone() })])
        };
        let state = match self.rooms.ledger.change(actor, decide).await {
            Ok(state) => state,
            Err(error) => {
                self.rooms.logplex.unname(&name);
                return Err(error.into());
            }
        };
        self.rooms.logplex.unname(&old.name);
        tell(&self.rooms.logplex.channel(&name), format!("Rename to {name} by user {}", who(actor)));
        state.apps.get(&app).cloned().ok_or(ReleaseError::NoApp)
    }

    async fn destroy(self: &Arc<Self>, actor: &Actor, app: AppId) -> Result<Arc<App>, ReleaseError> {
        let destroyed = self.app(app)?;
        let decide = |state: &State| {
            state.apps.get(&app).ok_or(ReleaseError::NoApp)?;
            Ok(vec![(Stream::Platform, Event::AppDestroyed { app })])
        };
        self.rooms.ledger.change(actor, decide).await?;
        let ended = tokio::time::timeout(GONE_LIMIT, async {
            self.works.end_app(app).await;
            let mut roster = self.rooms.supervisor.subscribe();
            let empty = |roster: &Arc<crate::formation::Roster>| {
                roster.apps.get(&app).is_none_or(|app| app.dynos.is_empty())
            };
            // A dyno manager that is gone runs no dynos.
            roster.wait_for(empty).await.ok();
        });
        if ended.await.is_err() {
            tracing::warn!(app = %destroyed.name, "an app is gone, and some of its dynos still stop");
        }
        self.rooms.logplex.remove(&destroyed.name);
        self.outputs.forget(app).await;
        self.forget_cache(&destroyed);
        self.collect_soon();
        Ok(destroyed)
    }

    /// Removes the build cache of an app that is gone, when its last build is cleaned up. No other app has it.
    fn forget_cache(&self, gone: &App) {
        let (builder, name, cache) = (self.rooms.builder.clone(), gone.name.clone(), gone.id.into());
        self.tasks.spawn(async move {
            if let Err(error) = builder.forget(&cache).await {
                tracing::warn!(app = %name, %error, "the build cache of an app that is gone is left behind");
            }
        });
    }
}

/// That an app may have this name, and none but `except` has it.
fn check_free(state: &State, name: &AppName, except: Option<AppId>) -> Result<(), ReleaseError> {
    if is_reserved(name) {
        return Err(ReleaseError::NameReserved(name.clone()));
    }
    let holder = state.names.get(name);
    if holder.is_some_and(|holder| Some(*holder) != except) {
        return Err(ReleaseError::NameTaken(name.clone()));
    }
    Ok(())
}

fn owner(state: &State, actor: &Actor) -> Result<AccountId, ReleaseError> {
    match actor {
        Actor::Account { id, .. } => Ok(*id),
        Actor::Platform => state.owner.ok_or(ReleaseError::NoOwner),
    }
}
