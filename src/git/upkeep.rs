use super::{child, door::Inner};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// How long tidying one repository may take.
const LIMIT: Duration = Duration::from_mins(30);

/// Lets git pack a repository anew when many pushes have made it slow; one at a time, and not while the platform stops.
pub(super) async fn tidy(inner: Arc<Inner>, repository: PathBuf) {
    let tidying = async {
        let (Ok(_one_at_a_time), Some(git)) = (inner.upkeep.acquire().await, &inner.git) else { return };
        let mut command = git.upkeep(&repository);
        command.args(["gc", "--auto", "--quiet"]);
        // An app that was destroyed meanwhile has no repository any more.
        if let Err(cause) = child::output(&mut command, 0).await
            && repository.exists()
        {
            tracing::warn!(repository = %repository.display(), %cause, "git could not tidy a repository");
        }
    };
    // One that never ends would keep all others from their turn.
    inner.rooms.stop.run_until_cancelled(tokio::time::timeout(LIMIT, tidying)).await;
}
