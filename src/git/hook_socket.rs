use super::{
    GitError, door::Inner, error::io_error, hearing::Hearing, hook, hook_request::HookRequest, talk::Talk,
};
use std::{
    fs, io,
    os::fd::AsRawFd as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, BufReader},
    net::{UnixListener, UnixStream},
};

/// How long a hook may take to say what it wants.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// The longest path that a socket can be bound to on every system.
const ADDRESS_LIMIT: usize = 100;

/// Where hooks ask. Blocks.
///
/// # Errors
/// [`GitError::Io`].
pub(super) fn bind(dir: &Path) -> Result<UnixListener, GitError> {
    let path = dir.join(hook::SOCKET);
    let failed = |cause| io_error("listen on", &path)(cause);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    if path.as_os_str().len() <= ADDRESS_LIMIT {
        return UnixListener::bind(&path).map_err(failed);
    }
    // A path of any length, by a handle of its directory.
    let handle = fs::File::open(dir).map_err(failed)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", handle.as_raw_fd())).join(hook::SOCKET);
    UnixListener::bind(short).map_err(failed)
}

/// Makes this very program git's hook, also when another one takes its place on the disk. Blocks.
///
/// # Errors
/// [`GitError::Io`].
pub(super) fn link_hook(dir: &Path) -> Result<(), GitError> {
    let hooks = dir.join("hooks");
    let link = || {
        if hooks.exists() {
            fs::remove_dir_all(&hooks)?;
        }
        fs::create_dir(&hooks)?;
        let running = PathBuf::from(format!("/proc/{}/exe", std::process::id()));
        let program = if running.exists() { running } else { std::env::current_exe()? };
        std::os::unix::fs::symlink(program, hooks.join(hook::NAME))
    };
    link().map_err(io_error("make", &hooks))
}

/// Hears every hook that comes, for as long as this is polled.
pub(super) async fn listen(inner: Arc<Inner>, listener: UnixListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let hearing = hear(Arc::clone(&inner), stream);
                inner.tasks.spawn(hearing);
            }
            Err(cause) => {
                tracing::warn!(%cause, "a git hook could not be heard");
                // Out of file descriptors, most likely: others must end first.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn hear(inner: Arc<Inner>, stream: UnixStream) {
    let own = rustix::process::geteuid().as_raw();
    if stream.peer_cred().is_ok_and(|peer| peer.uid() != own) {
        return;
    }
    let (reader, writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let request = tokio::time::timeout(REQUEST_LIMIT, HookRequest::read(&mut reader)).await;
    let Ok(Ok(Some(request))) = request else {
        return tracing::warn!("somebody who is no git hook asked at the hooks' socket");
    };
    let Some(push) = inner.pushes.hear(&request.secret) else {
        return tracing::warn!("a git hook asked for a push that is not under way");
    };
    let mut talk = Talk(writer);
    // The hook says no more, so that what comes is its end: then the branch will not move.
    let gone = async move { drop(reader.read_u8().await) };
    let verdict = Hearing { inner: &inner, push: &push, talk: &mut talk }.decide(request, gone).await;
    talk.end(verdict).await;
}
