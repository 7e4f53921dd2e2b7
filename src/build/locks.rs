use super::{BuildError, log::Log, script::Limit};
use std::{
    fs::{File, TryLockError},
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
    let file = File::create(path).map_err(failed)?;
    let began = Instant::now();
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => break,
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
