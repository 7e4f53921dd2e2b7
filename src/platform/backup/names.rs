//! The names in a backup: those of the files in a data directory, and no other.

use crate::name::{AppId, BuildId, ReleaseId};
use crate::slug::{Digest, SlugDigest, SlugStore};

pub(super) const HEAD: &str = "hokku-backup.toml";
pub(super) const TAIL: &str = "hokku-backup-end.toml";
pub(super) const KEYS_HEAD: &str = "hokku-keys.toml";
pub(super) const FORMAT: &str = "format";
pub(super) const SETTINGS: &str = "hokku.toml";
pub(super) const LEDGER: &str = "ledger/ledger.db";
pub(super) const KEYRING: &str = "ledger/keys.db";
pub(super) const PLATFORM_KEY: &str = "platform.key";
/// The certificate authority of the platform's own.
pub(super) const AUTHORITY: [&str; 2] = ["tls/ca.pem", "tls/ca.key"];
pub(super) const OUTPUTS: &str = "releases/outputs";
pub(super) const REPOSITORIES: &str = "git";

/// The longest name; each of them fits into the one header that tar has without extensions.
pub(super) const LIMIT: usize = 160;

/// What a name in `FILE` stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Named {
    /// A file that is as it was written.
    File,
    /// A blob, which is checked against its digest.
    Blob(Digest),
    /// A slug's manifest, which is checked against its digest.
    Manifest(SlugDigest),
}

pub(super) fn blob(digest: &Digest) -> String {
    format!("slugs/{}", SlugStore::blob_path(digest))
}

pub(super) fn manifest(slug: &SlugDigest) -> String {
    format!("slugs/{}", SlugStore::manifest_path(slug))
}

/// What `name` stands for in `FILE`; `None` for one that no backup has.
pub(super) fn in_backup(name: &str) -> Option<Named> {
    if matches!(name, FORMAT | SETTINGS | LEDGER) || is_output(name) || is_of_repository(name) {
        return Some(Named::File);
    }
    let digest: Digest =
        format!("sha256:{}", name.rsplit('/').next()?.trim_end_matches(".toml")).parse().ok()?;
    if name == blob(&digest) {
        return Some(Named::Blob(digest));
    }
    let slug: SlugDigest = digest.to_string().parse().ok()?;
    (name == manifest(&slug)).then_some(Named::Manifest(slug))
}

/// Whether a keys file may have `name`.
pub(super) fn in_keys(name: &str) -> Option<Named> {
    (matches!(name, KEYRING | PLATFORM_KEY) || AUTHORITY.contains(&name)).then_some(Named::File)
}

/// `releases/outputs/APP/build-ID`, or `release-ID`.
fn is_output(name: &str) -> bool {
    let below = name.strip_prefix(OUTPUTS).and_then(|name| name.strip_prefix('/'));
    let Some((app, output)) = below.and_then(|name| name.split_once('/')) else { return false };
    app.parse::<AppId>().is_ok() && is_output_file(output)
}

/// Whether an app's directory of outputs has such a file: of one that has ended.
pub(super) fn is_output_file(name: &str) -> bool {
    match name.split_once('-') {
        Some(("build", id)) => id.parse::<BuildId>().is_ok(),
        Some(("release", id)) => id.parse::<ReleaseId>().is_ok(),
        _ => false,
    }
}

/// `git/APP.git/FILE`
fn is_of_repository(name: &str) -> bool {
    let below = name.strip_prefix(REPOSITORIES).and_then(|name| name.strip_prefix('/'));
    let Some((repository, file)) = below.and_then(|name| name.split_once('/')) else { return false };
    let app = repository.strip_suffix(".git").map(str::parse::<AppId>);
    matches!(app, Some(Ok(_))) && is_repository_file(file)
}

/// Whether a repository in a backup may have such a file: references and objects, no hook, no lock, nothing half
/// written.
pub(super) fn is_repository_file(file: &str) -> bool {
    if matches!(file, "HEAD" | "config" | "description" | "packed-refs" | "shallow") {
        return true;
    }
    let Some(object) = file.strip_prefix("objects/") else { return false };
    match object.split_once('/') {
        Some(("pack", pack)) => is_pack(pack),
        Some((first, rest)) => {
            first.len() == 2 && is_hex(first) && matches!(rest.len(), 38 | 62) && is_hex(rest)
        }
        None => false,
    }
}

fn is_pack(file: &str) -> bool {
    let Some((stem, extension)) = file.split_once('.') else { return false };
    let id = stem.strip_prefix("pack-").unwrap_or_default();
    matches!(id.len(), 40 | 64)
        && is_hex(id)
        && matches!(extension, "pack" | "idx" | "rev" | "bitmap" | "mtimes" | "keep")
}

/// Whether `text` has only lower-case hexadecimal digits.
pub(super) fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01010101-0101-8101-8101-010101010101";

    #[test]
    fn files_of_a_data_directory_have_names() {
        let hex = "ab".repeat(20);
        for name in [
            FORMAT.to_owned(),
            SETTINGS.to_owned(),
            LEDGER.to_owned(),
            format!("releases/outputs/{ID}/build-{ID}"),
            format!("git/{ID}.git/HEAD"),
            format!("git/{ID}.git/objects/ab/{}", &hex[2..]),
            format!("git/{ID}.git/objects/pack/pack-{}.bitmap", "ab".repeat(32)),
        ] {
            assert_eq!(in_backup(&name), Some(Named::File), "{name}");
            assert!(name.len() <= LIMIT, "{name}");
        }
        let digest = Digest::of(b"blob");
        assert_eq!(in_backup(&blob(&digest)), Some(Named::Blob(digest)));
        let slug = SlugDigest::of_manifest(b"slug");
        assert_eq!(in_backup(&manifest(&slug)), Some(Named::Manifest(slug)));
        assert!(in_keys(PLATFORM_KEY).is_some() && in_keys("tls/ca.key").is_some());
    }

    #[test]
    fn other_names_are_none() {
        let hex = "ab".repeat(32);
        for name in [
            String::new(),
            "/format".to_owned(),
            "../format".to_owned(),
            "ledger/keys.db".to_owned(),
            "owner-token".to_owned(),
            format!("slugs/blobs/sha256/cd/{hex}"),
            format!("slugs/blobs/sha256/ab/../{hex}"),
            format!("slugs/slugs/{hex}"),
            format!("releases/outputs/{ID}/build-{ID}.part"),
            format!("releases/outputs/../build-{ID}"),
            format!("git/{ID}.git/hooks/pre-receive"),
            format!("git/{ID}.git/refs/heads/main.lock"),
            format!("git/{ID}.git/objects/../config"),
            format!("git/{ID}.git/objects/ab/tmp_obj_x"),
            "git/..git/HEAD".to_owned(),
            format!("git/{ID}/HEAD"),
        ] {
            assert_eq!(in_backup(&name), None, "{name}");
            assert_eq!(in_keys(&name).is_some(), name == KEYRING, "{name}");
        }
    }
}
