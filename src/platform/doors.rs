use super::{Config, DataDir, PlatformError};
use crate::access::Doorkeeper;
use crate::api::{Api, ApiConfig, Rooms as ApiRooms};
use crate::git::{GitConfig, GitDoor, Rooms as GitRooms};
use crate::name::AppName;
use crate::release::{ReleaseConfig, Releases, Rooms};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The platform's own doors, and what both lead to.
pub(super) struct Doors {
    pub(super) releases: Releases,
    pub(super) doorkeeper: Doorkeeper,
    pub(super) api: Api,
    pub(super) git: GitDoor,
}

impl Doors {
    /// Opens them, and settles what a kill left half done.
    pub(super) async fn open(
        config: &Config,
        data: &DataDir,
        api_config: ApiConfig,
        rooms: &Rooms,
        stop: &CancellationToken,
    ) -> Result<Self, PlatformError> {
        let addresses = api_config.clone();
        let release = ReleaseConfig {
            dir: data.join("releases"),
            web_url: Arc::new(move |app: &AppName| addresses.web_url(app)),
            ..config.releases.clone()
        };
        let releases = Releases::open(release, rooms.clone()).await?;
        let doorkeeper = Doorkeeper::new(rooms.ledger.clone(), rooms.clock.clone());
        let source_limit = config.releases.source_limit;
        let git_config = GitConfig { dir: data.join("git"), source_limit, ..config.git.clone() };
        let git_rooms = GitRooms {
            ledger: rooms.ledger.clone(),
            doorkeeper: doorkeeper.clone(),
            releases: releases.clone(),
            stop: stop.clone(),
        };
        let api_rooms = ApiRooms {
            ledger: rooms.ledger.clone(),
            doorkeeper: doorkeeper.clone(),
            releases: releases.clone(),
            supervisor: rooms.supervisor.clone(),
            store: rooms.store.clone(),
            logplex: rooms.logplex.clone(),
            clock: rooms.clock.clone(),
            stop: stop.clone(),
        };
        let git = GitDoor::open(git_config, git_rooms).await?;
        Ok(Self { releases, doorkeeper, api: Api::new(api_config, api_rooms), git })
    }
}
