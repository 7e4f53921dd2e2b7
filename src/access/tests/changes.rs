use super::house::{House, at, bearer};
use crate::access::{AccountError, Refused, Scopes, TokenWish};
use crate::ledger::{Actor, TokenScope};
use std::{collections::BTreeSet, time::Duration};

#[tokio::test]
async fn an_account_is_made_and_removed_with_all_that_is_its() {
    let house = House::new().await;
    let ada = house.account("ada@example.com", Some("correct horse")).await;
    let caller = house.caller(&house.owner).await;
    let app = house.app("shop", house.owner.id).await;
    house.doorkeeper.add_collaborator(&caller, app, "ada@example.com").await.expect("added");
    let wish = TokenWish::default();
    let (token, _) = house.doorkeeper.issue_token(&ada, &wish).await.expect("issued");
    house.doorkeeper.remove_account(&Actor::Platform, ada.id).await.expect("removed");
    let state = house.ledger.state();
    assert!(state.account("ada@example.com").is_none() && state.apps[&app].collaborators.is_empty());
    let by_token = house.doorkeeper.by_token(Some(&bearer(token.reveal(), "10.0.0.1")));
    assert_eq!(by_token.err(), Some(Refused::Unauthorized));
    let by_password = house.doorkeeper.by_password("ada@example.com", "correct horse", None).await;
    assert_eq!(by_password.err(), Some(Refused::Unauthorized));
    assert_ne!(house.account("ada@example.com", None).await.id, ada.id, "the address is free again");
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it() {
    let house = House::new().await;
    let ada = house.account("ada@example.com", None).await;
    let caller = house.caller(&ada).await;
    let change = async |old, new| house.doorkeeper.change_password(&caller, old, new).await;
    change(None, "correct horse").await.expect("there was none");
    let refused = change(Some("correct house"), "battery staple").await.expect_err("wrong");
    assert!(matches!(refused, AccountError::WrongPassword), "{refused}");
    assert!(matches!(change(None, "battery staple").await, Err(AccountError::WrongPassword)));
    assert!(matches!(change(Some("correct horse"), "short").await, Err(AccountError::Password(_))));
    change(Some("correct horse"), "battery staple").await.expect("changed");
    house
        .doorkeeper
        .by_password("ada@example.com", "battery staple", Some(at("::1")))
        .await
        .expect("the new one");
}

#[tokio::test]
async fn tokens_are_issued_regenerated_and_revoked() {
    let house = House::new().await;
    let (doorkeeper, owner) = (&house.doorkeeper, &house.owner);
    let scopes = BTreeSet::from([TokenScope::Read]);
    let wish = TokenWish {
        description: "to look".to_owned(),
        life: Some(Duration::from_hours(1)),
        scopes: scopes.clone(),
    };
    let (first, made) = doorkeeper.issue_token(owner, &wish).await.expect("issued");
    let by = |token: &str| doorkeeper.by_token(Some(&bearer(token, "10.0.0.1")));
    assert_eq!(by(first.reveal()).expect("valid").scopes, Scopes::new(scopes));
    house.clock.advance(Duration::from_mins(59));
    let (second, again) = doorkeeper.regenerate_token(owner, made.id).await.expect("regenerated");
    assert_eq!((again.id, &again.description, &again.scopes), (made.id, &made.description, &made.scopes));
    assert!(by(first.reveal()).is_err());
    house.clock.advance(Duration::from_mins(59));
    by(second.reveal()).expect("for another hour");
    doorkeeper.revoke_token(owner, made.id).await.expect("revoked");
    assert!(by(second.reveal()).is_err());
    assert!(matches!(doorkeeper.revoke_token(owner, made.id).await, Err(AccountError::NoAuthorization)));

    let global = TokenWish { scopes: [TokenScope::Global, TokenScope::Read].into(), ..wish.clone() };
    let (_, made) = doorkeeper.issue_token(owner, &global).await.expect("issued");
    assert!(made.scopes.is_empty(), "global needs no word");
    house.clock.advance(Duration::from_hours(2));
    doorkeeper.issue_token(owner, &wish).await.expect("issued");
    assert_eq!(house.ledger.state().authorizations.len(), 1, "expired ones are taken back");
}

#[tokio::test]
async fn another_accounts_token_is_not_there() {
    let house = House::new().await;
    let ada = house.account("ada@example.com", None).await;
    let (token, made) = house.doorkeeper.issue_token(&ada, &TokenWish::default()).await.expect("issued");
    for refused in [
        house.doorkeeper.revoke_token(&house.owner, made.id).await.err(),
        house.doorkeeper.regenerate_token(&house.owner, made.id).await.err(),
    ] {
        assert!(matches!(refused, Some(AccountError::NoAuthorization)));
    }
    house.doorkeeper.by_token(Some(&bearer(token.reveal(), "10.0.0.1"))).expect("valid still");
}

#[tokio::test]
async fn collaborators_come_and_go_and_an_app_changes_hands() {
    let house = House::new().await;
    let [ada, bob, eve] = [
        house.account("ada@example.com", None).await,
        house.account("bob@example.com", None).await,
        house.account("eve@example.com", None).await,
    ];
    let shop = house.app("shop", ada.id).await;
    let [owner, friend, stranger] =
        [house.caller(&ada).await, house.caller(&bob).await, house.caller(&eve).await];
    let doorkeeper = &house.doorkeeper;
    let add = async |caller, whom: &str| doorkeeper.add_collaborator(caller, shop, whom).await;
    let remove = async |caller, whom: &str| doorkeeper.remove_collaborator(caller, shop, whom).await;
    let not = |refused: AccountError| match refused {
        AccountError::Refused(refused) => refused,
        other => panic!("{other}"),
    };
    assert_eq!(not(add(&stranger, "eve@example.com").await.expect_err("no")), Refused::NoApp);
    add(&owner, "BOB@example.com").await.expect("added");
    assert_eq!(not(add(&friend, "eve@example.com").await.expect_err("no")), Refused::NotOwner);
    assert_eq!(not(remove(&friend, "ada@example.com").await.expect_err("no")), Refused::NotOwner);
    remove(&friend, "bob@example.com").await.expect("everybody may leave");
    assert_eq!(not(remove(&friend, "bob@example.com").await.expect_err("gone")), Refused::NoApp);
    let (_, place) = add(&owner, "bob@example.com").await.expect("added");
    assert_eq!(remove(&owner, &place.to_string()).await.expect("removed"), place);
    add(&owner, "bob@example.com").await.expect("added");
    assert_eq!(
        not(doorkeeper.transfer_app(&friend, shop, "bob@example.com").await.expect_err("no")),
        Refused::NotOwner
    );
    let state = doorkeeper.transfer_app(&owner, shop, "bob@example.com").await.expect("transferred");
    assert_eq!((state.apps[&shop].owner, state.apps[&shop].collaborators.len()), (bob.id, 0));
    assert_eq!(not(add(&owner, "eve@example.com").await.expect_err("no more")), Refused::NoApp);
}
