use super::{DataDir, PlatformError};
use crate::access::Token;
use crate::ledger::{Actor, Batch, Event, Ledger, State, Stream};
use crate::name::{AccountId, AuthorizationId, PlatformId};
use std::collections::BTreeSet;

/// The file in the data directory that holds the owner's token, for the command line on the same machine.
const FILE: &str = "owner-token";

/// Makes the platform's identity and the owner's account at the first start, and a token for the owner whenever the data
/// directory holds none that is valid. Gives a token that was made now.
pub(super) async fn ensure_owner(
    ledger: &Ledger,
    data: &DataDir,
    email: &str,
) -> Result<Option<Token>, PlatformError> {
    let state = ledger.state();
    if state.owner.is_some() && holds_valid_token(data, &state) {
        return Ok(None);
    }
    // The file first: a token in the ledger that nobody has ever seen would be of no use.
    let token = Token::random()?;
    data.write(FILE, &format!("{}\n", token.reveal()))?;
    let mut events = Vec::new();
    let account = state.owner.unwrap_or_else(|| {
        let account = AccountId::random();
        events.push(Event::PlatformCreated { platform: PlatformId::random() });
        events.push(Event::AccountCreated { account, email: email.to_owned() });
        account
    });
    events.push(Event::AuthorizationCreated {
        authorization: AuthorizationId::random(),
        account,
        description: "Owner's token of the data directory".to_owned(),
        token: token.digest(),
        expires_at: None,
        scopes: BTreeSet::new(),
    });
    let batch = Batch {
        actor: Actor::Platform,
        heads: vec![(Stream::Platform, state.head)],
        events: events.into_iter().map(|event| (Stream::Platform, event)).collect(),
    };
    ledger.append(batch).await?;
    Ok(Some(token))
}

fn holds_valid_token(data: &DataDir, state: &State) -> bool {
    let Ok(text) = std::fs::read_to_string(data.join(FILE)) else { return false };
    let authorization = state.authorizations.get(&Token::given(&text).digest());
    authorization.is_some_and(|found| Some(found.account) == state.owner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[tokio::test]
    async fn the_owner_is_made_once_and_a_lost_token_is_made_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let data = DataDir::open(&dir.path().join("data")).expect("made");
        let ledger = Ledger::in_memory(Clock::system());
        let first = ensure_owner(&ledger, &data, "owner@localhost").await.expect("made").expect("a token");
        assert_eq!(ensure_owner(&ledger, &data, "owner@localhost").await.expect("there"), None);
        let owner = ledger.state().owner.expect("an owner");

        std::fs::remove_file(data.join(FILE)).expect("lost");
        let second = ensure_owner(&ledger, &data, "other@localhost").await.expect("made").expect("a token");
        let state = ledger.state();
        assert_eq!((state.owner, state.accounts.len()), (Some(owner), 1));
        for token in [first, second] {
            assert_eq!(state.authorizations.get(&token.digest()).map(|found| found.account), Some(owner));
        }
    }
}
