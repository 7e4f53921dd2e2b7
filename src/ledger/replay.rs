use super::{
    Entry, LedgerError, State, Stream, body, chain::Chains, entry_table::EntryTable, keyring::Keyring,
};

/// Reads every entry once: checks its chain, and folds it.
pub(super) fn replay(entries: &EntryTable, keyring: &Keyring) -> Result<(State, Chains), LedgerError> {
    let (mut state, mut chains) = (State::default(), Chains::default());
    entries.each(None, |found| {
        let header = chains.follow(&found).map_err(|flaw| flaw.of(&found))?;
        let key = body::key_owner(found.body, &header).and_then(|owner| keyring.get(owner));
        if key.is_none() && header.stream != Stream::Platform {
            // A destroyed app's secrets are gone, and nothing of it is in the state: only its chain counts.
            return Ok(());
        }
        let (stream, seq, at) = (header.stream, header.seq, header.at);
        let event = body::read_event(found.body, &header, key).map_err(|cause| cause.at(stream, seq))?;
        let entry = Entry { stream, seq, at, actor: header.actor, event };
        state.apply(&entry).map_err(LedgerError::Misfit)
    })?;
    let gone = |stream: &Stream| matches!(stream, Stream::App(app) if state.destroyed.contains(app));
    chains.links.retain(|stream, _| !gone(stream));
    Ok((state, chains))
}

/// The same without any key: the state has nothing in the place of secrets.
pub(super) fn without_secrets(entries: &EntryTable) -> Result<State, LedgerError> {
    let (mut state, mut chains) = (State::default(), Chains::default());
    entries.each(None, |found| {
        let header = chains.follow(&found).map_err(|flaw| flaw.of(&found))?;
        let (stream, seq, at) = (header.stream, header.seq, header.at);
        let event = body::read_blank(found.body, &header).map_err(|cause| cause.at(stream, seq))?;
        let entry = Entry { stream, seq, at, actor: header.actor, event };
        state.apply(&entry).map_err(LedgerError::Misfit)
    })?;
    Ok(state)
}
