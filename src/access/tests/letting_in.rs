use super::house::{House, at, bearer};
use crate::access::{Need, Refused, Right, TokenWish};
use crate::ledger::TokenScope;
use std::{collections::BTreeSet, time::Duration};

#[tokio::test]
async fn a_password_opens_and_nothing_else_tells_whether_there_is_an_account() {
    let house = House::new().await;
    house.account("ada@example.com", Some("correct horse")).await;
    let by = async |email: &str, password: &str| {
        let opened = house.doorkeeper.by_password(email, password, Some(at("10.0.0.1"))).await;
        opened.map(|account| account.email.clone())
    };
    assert_eq!(by("ADA@example.com", "correct horse").await.as_deref(), Ok("ada@example.com"));
    for (email, password) in [
        ("ada@example.com", "correct house"),
        ("ada@example.com", ""),
        ("nobody@example.com", "correct horse"),
        ("owner@example.com", ""),
    ] {
        assert_eq!(by(email, password).await, Err(Refused::Unauthorized), "{email}");
    }
    let refusals = house.refusals().await.join("\n");
    insta::assert_snapshot!(refusals, @r"
    Refused ada@example.com from 10.0.0.1: log in
    Refused nobody@example.com from 10.0.0.1: log in
    Refused owner@example.com from 10.0.0.1: log in
    Refused ada@example.com from 10.0.0.1: log in
    ");
}

#[tokio::test]
async fn who_guesses_passwords_waits_longer_and_longer() {
    let house = House::new().await;
    house.account("ada@example.com", Some("correct horse")).await;
    let by = async |password: &str| {
        house.doorkeeper.by_password("ada@example.com", password, Some(at("10.0.0.1"))).await
    };
    for _ in 0..5 {
        assert_eq!(by("guess").await, Err(Refused::Unauthorized));
    }
    let wait = |seconds| Err(Refused::TooMany { wait: Duration::from_secs(seconds) });
    assert_eq!(by("correct horse").await, wait(1), "even the right one");
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(by("guess").await, Err(Refused::Unauthorized));
    assert_eq!(by("guess").await, wait(2));
    house.clock.advance(Duration::from_secs(2));
    assert!(by("correct horse").await.is_ok());
    assert_eq!(by("guess").await, Err(Refused::Unauthorized), "a success resets it");
    assert_eq!(by("guess").await, Err(Refused::Unauthorized));
    assert_eq!(house.refusals().await.len(), 2, "the first, and one for all others");
}

#[tokio::test]
async fn a_valid_token_is_never_slowed_and_a_wrong_one_is() {
    let house = House::new().await;
    let wish = TokenWish { life: Some(Duration::from_hours(1)), ..TokenWish::default() };
    let (token, _) = house.doorkeeper.issue_token(&house.owner, &wish).await.expect("issued");
    let by = |token: &str| house.doorkeeper.by_token(Some(&bearer(token, "10.0.0.1")));
    for _ in 0..30 {
        assert_eq!(by("guess").err(), Some(Refused::Unauthorized));
    }
    let refused = by("guess").expect_err("slowed");
    insta::assert_snapshot!(refused, @"Too many failed attempts. Try again in 1 s.");
    assert!(by(token.reveal()).expect("valid").is_operator);
    house.clock.advance(Duration::from_hours(1));
    assert_eq!(by(token.reveal()).err(), Some(Refused::Unauthorized));
    assert_eq!(house.doorkeeper.by_token(None).err(), Some(Refused::Unauthorized));
    let refusals = house.refusals().await.join("\n");
    insta::assert_snapshot!(refusals, @r"
    Refused somebody from 10.0.0.1: use a token that is not valid
    Refused owner@example.com from 10.0.0.1: use a token that has expired
    Refused somebody from 10.0.0.1: use a token that is not valid (29 more like it before)
    ");
}

#[tokio::test]
async fn what_a_caller_may_not_do_is_noted() {
    let house = House::new().await;
    let (ada, bob) =
        (house.account("ada@example.com", None).await, house.account("bob@example.com", None).await);
    let (shop, _) = (house.app("shop", ada.id).await, house.app("blog", house.owner.id).await);
    let (owner, friend) = (house.caller(&ada).await, house.caller(&bob).await);
    let state = || house.ledger.state();
    assert_eq!(friend.app(&state(), "shop", Right::See).err(), Some(Refused::NoApp));
    assert_eq!(friend.app(&state(), "nosuch", Right::See).err(), Some(Refused::NoApp));
    house.doorkeeper.add_collaborator(&owner, shop, "bob@example.com").await.expect("added");
    assert!(friend.app(&state(), "shop", Right::Change).is_ok());
    assert_eq!(friend.app(&state(), "shop", Right::Own).err(), Some(Refused::NotOwner));
    assert_eq!(friend.must_be_operator(), Err(Refused::NotOperator));
    let wish = TokenWish { scopes: BTreeSet::from([TokenScope::Read]), ..TokenWish::default() };
    let (token, _) = house.doorkeeper.issue_token(&ada, &wish).await.expect("issued");
    let reader = house.doorkeeper.by_token(Some(&bearer(token.reveal(), "::ffff:10.0.0.2"))).expect("valid");
    assert_eq!(reader.app(&state(), "shop", Right::Change).err(), Some(Refused::Scope));
    assert_eq!(reader.needs(Need::Global), Err(Refused::Scope));
    let refusals = house.refusals().await.join("\n");
    insta::assert_snapshot!(refusals, @r"
    Refused bob@example.com from 10.0.0.9: see shop
    Refused bob@example.com from 10.0.0.9: destroy, rename or transfer shop
    Refused bob@example.com from 10.0.0.9: see or change accounts
    Refused ada@example.com from 10.0.0.2: change shop
    Refused ada@example.com from 10.0.0.2: see or change accounts and tokens
    ");
}
