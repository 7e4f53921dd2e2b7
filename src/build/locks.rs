use super::{BuildError, log::Log, script::Limit};
use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// How often a held lock is tried again. File locks over processes give no event to wait for.
const RETRY: Duration = Duration::from_millis(100);

/// Takes the lock of file `path`, which is made if it is not there. Where somebody else holds it, says
/// `waiting` and waits; the time spent so is given back to `limit`. Released when the file is dropped.
pub(super) async fn take(
    path: &Path,
    waiting: &str,
    log: &mut Log,
    limit: &mut Limit,
) -> Result<File, BuildError> {
    let failed = |cause| BuildError::host("lock", path, cause);
    let mut file = File::create(path).map_err(failed)?;
    let began = Instant::now();
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) if is_at(&file, path).map_err(failed)? => break,
            // Who held it has removed it: whoever comes now locks another file.
            Ok(()) => file = File::create(path).map_err(failed)?,
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
            Err(TryLockError::WouldBlock) if !told => {
                told = true;
                log.heading(waiting).await;
            }
            Err(TryLockError::WouldBlock) => tokio::select! {
                () = sleep(RETRY) => {}
                () = limit.stop.cancelled() => return Err(BuildError::Cancelled),
            },
        }
    }
    limit.deadline += began.elapsed();
    Ok(file)
}

/// Removes the lock file `path` with its lock, which the caller holds and needs no more.
pub(super) fn remove(path: &Path, held: File) -> Result<(), BuildError> {
    let removed = fs::remove_file(path).map_err(|cause| BuildError::host("remove", path, cause));
    drop(held);
    removed
}

/// Whether `path` still leads to `file`.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let of = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match fs::metadata(path) {
        Ok(there) => Ok(of(there) == of(file.metadata()?)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use tokio_util::sync::CancellationToken;

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_lock_that_is_removed_gets_the_next_one() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("app.lock");
        let time = Duration::from_mins(1);
        let mut limit = Limit { deadline: Instant::now() + time, time, stop: CancellationToken::new() };
        let mut other_limit = limit.clone();
        let (watcher, mut said) = tokio::sync::mpsc::channel(1);
        let (mut log, mut other_log) = (Log::new(watcher.clone()), Log::new(watcher));
        let held = take(&path, "", &mut log, &mut limit).await.expect("taken");
        let mut waits = Box::pin(take(&path, "waiting", &mut other_log, &mut other_limit));
        assert!(waits.as_mut().now_or_never().is_none());
        assert_eq!(said.recv().await.as_deref(), Some("-----> waiting"));
        remove(&path, held).expect("removed");
        let _taken = waits.await.expect("taken");
        let third = File::open(&path).expect("it is there again");
        assert!(matches!(third.try_lock(), Err(TryLockError::WouldBlock)), "and held");
    }
}
