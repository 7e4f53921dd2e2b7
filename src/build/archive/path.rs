use super::error::EntryRefusal;

/// Most bytes of one path, and of a link's target.
pub(super) const PATH_BYTES: usize = 1024;
/// Most bytes of one component.
pub(super) const NAME_BYTES: usize = 255;
/// Most components of one path.
pub(super) const DEPTH: usize = 100;

/// The path of an entry, below the app's root: plain components only. `./` in it is passed over, as clients write it.
/// Empty: the root itself.
pub(super) fn entry_path(bytes: &[u8]) -> Result<String, EntryRefusal> {
    let text = std::str::from_utf8(bytes).map_err(|_| EntryRefusal::Name)?;
    if text.contains('\0') {
        return Err(EntryRefusal::Name);
    }
    if text.starts_with('/') {
        return Err(EntryRefusal::Absolute);
    }
    let mut names = Vec::new();
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." => return Err(EntryRefusal::Parent),
            name if name.len() > NAME_BYTES => return Err(EntryRefusal::TooLong),
            name => names.push(name),
        }
    }
    let path = names.join("/");
    if names.len() > DEPTH || path.len() > PATH_BYTES {
        return Err(EntryRefusal::TooLong);
    }
    Ok(path)
}

/// The target of the link at `path`, when it stays inside the app by its words. Where it leads through other links is
/// for the handle of the directory to refuse.
pub(super) fn link_target(path: &str, bytes: &[u8]) -> Result<String, EntryRefusal> {
    let target = std::str::from_utf8(bytes).map_err(|_| EntryRefusal::Name)?;
    if target.is_empty() || target.contains('\0') {
        return Err(EntryRefusal::Name);
    }
    if target.len() > PATH_BYTES {
        return Err(EntryRefusal::TooLong);
    }
    let leaves = || EntryRefusal::LinkLeaves(target.to_owned());
    if target.starts_with('/') {
        return Err(leaves());
    }
    let mut depth = path.split('/').count() - 1;
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." => depth = depth.checked_sub(1).ok_or_else(leaves)?,
            _ => depth += 1,
        }
    }
    Ok(target.to_owned())
}

/// The directories above `path`, the nearest last.
pub(super) fn above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}
