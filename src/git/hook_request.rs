use super::ref_update::RefUpdate;
use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// The most bytes of one request: some ten thousand references.
pub(super) const LIMIT: u64 = 1 << 20;

/// What the hook asks: a line for the push's secret, one for its quarantine, one for each reference, and an empty one.
#[derive(Debug)]
pub(super) struct HookRequest {
    pub(super) secret: String,
    /// The name of the directory that holds what was pushed; `None` when nothing was.
    pub(super) quarantine: Option<String>,
    pub(super) updates: Vec<RefUpdate>,
}

impl HookRequest {
    /// Reads a request; `None` when it is none.
    pub(super) async fn read(from: &mut (impl AsyncBufRead + Unpin + Send)) -> io::Result<Option<Self>> {
        let mut lines = from.take(LIMIT).lines();
        let Some(secret) = lines.next_line().await? else { return Ok(None) };
        let Some(quarantine) = lines.next_line().await? else { return Ok(None) };
        let mut updates = Vec::new();
        while let Some(line) = lines.next_line().await? {
            if line.is_empty() {
                let quarantine = Some(quarantine).filter(|name| !name.is_empty());
                let whole = quarantine.as_deref().is_none_or(is_quarantine);
                return Ok(whole.then_some(Self { secret, quarantine, updates }));
            }
            let Some(update) = RefUpdate::parse(&line) else { return Ok(None) };
            updates.push(update);
        }
        Ok(None)
    }
}

/// Whether git calls a quarantine so, which lies beside the objects of its repository.
fn is_quarantine(name: &str) -> bool {
    let random = name.strip_prefix("tmp_objdir-").unwrap_or(name).strip_prefix("incoming-");
    random.is_some_and(|random| !random.is_empty() && random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use proptest::prelude::*;

    fn read(text: &[u8]) -> Option<HookRequest> {
        HookRequest::read(&mut &text[..]).now_or_never().expect("ready").ok().flatten()
    }

    #[test]
    fn a_request_is_read_to_its_empty_line() {
        let update = format!("{} {} refs/heads/main", "0".repeat(40), "a".repeat(40));
        let request =
            read(format!("secret\ntmp_objdir-incoming-a1B2c3\n{update}\n\nmore").as_bytes()).expect("whole");
        assert_eq!((request.secret.as_str(), request.updates.len()), ("secret", 1));
        assert_eq!(request.quarantine.as_deref(), Some("tmp_objdir-incoming-a1B2c3"));
        assert!(read(format!("secret\n\n{update}\n").as_bytes()).is_none(), "cut off");
        assert!(read(b"secret\n\nrm -rf /\n\n").is_none());
    }

    #[test]
    fn a_quarantine_is_a_name_and_no_path() {
        for name in [
            "incoming-",
            "incoming-../x",
            "../incoming-a",
            "tmp_objdir-incoming-a/b",
            "objects",
            "pack",
            "incoming-a.",
        ] {
            assert!(!is_quarantine(name), "{name}");
        }
        assert!(is_quarantine("incoming-Ab1") && is_quarantine("tmp_objdir-incoming-Ab1"));
    }

    proptest! {
        #[test]
        fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Some(request) = read(&bytes) {
                prop_assert!(request.quarantine.is_none_or(|name| is_quarantine(&name)));
            }
        }
    }
}
