use crate::dyno::{Dyno, DynoError, DynoSpec, Engine};
use crate::slug::{Slug, SlugDigest, SlugStore};
use std::sync::Arc;

/// Starts dynos: on this machine ([`LocalLauncher`]), later on others.
///
/// Both futures may be dropped at any moment; then nothing is left behind.
#[async_trait::async_trait]
pub trait Launcher: Send + Sync + 'static {
    /// Does what a start of `slug` needs and what does not count as booting: compiling its programs. Default: nothing.
    ///
    /// # Errors
    /// [`DynoError`], as at [`launch`](Self::launch).
    async fn prepare(&self, slug: SlugDigest) -> Result<(), DynoError> {
        let _ = slug;
        Ok(())
    }

    /// Starts a dyno of `slug` with `spec`; one that takes requests answers them from now on.
    ///
    /// # Errors
    /// [`DynoError`], which tells whose fault it is.
    async fn launch(&self, slug: SlugDigest, spec: DynoSpec) -> Result<Arc<Dyno>, DynoError>;
}

/// Starts dynos in this process.
#[derive(Clone, Debug)]
pub struct LocalLauncher {
    /// What runs them.
    pub engine: Engine,
    /// Where their slugs are.
    pub store: SlugStore,
}

#[async_trait::async_trait]
impl Launcher for LocalLauncher {
    async fn prepare(&self, slug: SlugDigest) -> Result<(), DynoError> {
        let slug = Slug::open(&self.store, &slug).await?;
        self.engine.prepare(&slug, &mut |_| {}).await
    }

    async fn launch(&self, slug: SlugDigest, spec: DynoSpec) -> Result<Arc<Dyno>, DynoError> {
        let slug = Slug::open(&self.store, &slug).await?;
        Dyno::start(&self.engine, &slug, spec).await.map(Arc::new)
    }
}
