use super::{
    asset::{Asset, is_missing},
    options::StaticOptions,
    path::SitePath,
};
use arc_swap::ArcSwap;
use cap_std::fs::Dir;
use std::{collections::HashMap, io, sync::Arc};
use tokio::sync::Semaphore;

/// Files known at one time; with more the site starts to learn them anew.
const MAX_ASSETS: usize = 4096;
/// Bytes of small files kept in memory.
const MAX_HELD: usize = 16 * 1024 * 1024;
/// Files read and hashed at one time.
const LOADS: usize = 4;

/// What a path means.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// This file.
    Asset(Arc<Asset>),
    /// Another path.
    Moved(String),
    /// Nothing; the app's page for that, if it has one.
    Missing(Option<Arc<Asset>>),
}

/// The files of a site, and those it has met.
#[derive(Debug)]
pub(super) struct Library {
    pub(super) root: Arc<Dir>,
    options: StaticOptions,
    known: ArcSwap<Known>,
    loads: Semaphore,
}

/// A snapshot: readers take no lock, and each new file makes a new one.
#[derive(Clone, Debug, Default)]
struct Known {
    assets: HashMap<Arc<str>, Arc<Asset>>,
    held: usize,
}

impl Library {
    pub(super) fn new(root: Dir, options: StaticOptions) -> Self {
        let (known, loads) = (ArcSwap::default(), Semaphore::new(LOADS));
        Self { root: Arc::new(root), options, known, loads }
    }

    /// What the path of a request means. Touches the disk only for what was not met before.
    ///
    /// # Errors
    /// The host's, never for a file that is not there.
    pub(super) async fn find(&self, path: &str) -> io::Result<Found> {
        let Some(path) = SitePath::parse(path) else { return self.missing(None).await };
        let key = if path.is_directory() { format!("{}/", path.name()) } else { path.name() };
        if let Some(asset) = self.known.load().assets.get(key.as_str()) {
            return Ok(Found::Asset(Arc::clone(asset)));
        }
        let (root, clean_urls, looked) = (Arc::clone(&self.root), self.options.clean_urls, path.clone());
        match self.blocking(move || look_up(&root, clean_urls, &looked)).await? {
            Some(Located::At(asset)) => Ok(Found::Asset(self.learn(key, asset))),
            Some(Located::Moved(link)) => Ok(Found::Moved(link)),
            None => self.missing(Some(&path)).await,
        }
    }

    async fn missing(&self, path: Option<&SitePath>) -> io::Result<Found> {
        let is_page = path.is_some_and(|path| !path.last().contains('.'));
        if self.options.single_page
            && is_page
            && let Some(index) = self.fixed("index.html").await?
        {
            return Ok(Found::Asset(index));
        }
        Ok(Found::Missing(self.fixed("404.html").await?))
    }

    /// A file that stands for others.
    async fn fixed(&self, name: &'static str) -> io::Result<Option<Arc<Asset>>> {
        // No path of a request holds a NUL, so that this key is nobody else's.
        let key = format!("\0{name}");
        if let Some(asset) = self.known.load().assets.get(key.as_str()) {
            return Ok(Some(Arc::clone(asset)));
        }
        let root = Arc::clone(&self.root);
        let asset = self.blocking(move || load(&root, name)).await?;
        Ok(asset.map(|asset| self.learn(key, asset)))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let _turn = self.loads.acquire().await.map_err(io::Error::other)?;
        tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
    }

    fn learn(&self, key: String, asset: Asset) -> Arc<Asset> {
        let (key, asset) = (Arc::<str>::from(key), Arc::new(asset));
        self.known.rcu(|known| {
            let full = known.assets.len() >= MAX_ASSETS || known.held + asset.held() > MAX_HELD;
            let mut known = if full { Known::default() } else { Known::clone(known) };
            if known.assets.insert(Arc::clone(&key), Arc::clone(&asset)).is_none() {
                known.held += asset.held();
            }
            known
        });
        asset
    }
}

enum Located {
    At(Asset),
    Moved(String),
}

/// Blocks.
fn look_up(root: &Dir, clean_urls: bool, path: &SitePath) -> io::Result<Option<Located>> {
    let name = path.name();
    let index = if name.is_empty() { "index.html".to_owned() } else { format!("{name}/index.html") };
    if path.is_directory() {
        return Ok(load(root, &index)?.map(Located::At));
    }
    let is_directory = match root.metadata(&name) {
        Ok(metadata) => metadata.is_dir(),
        Err(error) if is_missing(&error) => {
            let page = if clean_urls { load(root, &format!("{name}.html"))? } else { None };
            return Ok(page.map(Located::At));
        }
        Err(error) => return Err(error),
    };
    if is_directory {
        let has_index = load(root, &index)?.is_some();
        return Ok(has_index.then(|| Located::Moved(path.as_directory())));
    }
    match path.as_clean_page().filter(|_| clean_urls) {
        Some(link) => Ok(Some(Located::Moved(link))),
        None => Ok(load(root, &name)?.map(Located::At)),
    }
}

fn load(root: &Dir, path: &str) -> io::Result<Option<Asset>> {
    match Asset::load(root, path) {
        Ok(asset) => Ok(Some(asset)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
