use super::house::House;
use crate::access::{AccountError, Refused, TokenWish};
use crate::ledger::Actor;
use std::{fmt::Display, time::Duration};

fn line<T, E: Display>(result: Result<T, E>) -> String {
    result.err().map(|refused| refused.to_string()).expect("refused")
}

#[tokio::test]
async fn every_refusal_of_a_change_names_the_thing_and_the_remedy() {
    let house = House::new().await;
    let (doorkeeper, platform) = (&house.doorkeeper, Actor::Platform);
    let ada = house.account("ada@example.com", None).await;
    let owner = house.caller(&house.owner).await;
    let shop = house.app("shop", house.owner.id).await;
    doorkeeper.add_collaborator(&owner, shop, "ada@example.com").await.expect("added");
    let mut said = vec![
        line(doorkeeper.create_account(&platform, "Ada@example.com", None).await),
        line(doorkeeper.create_account(&platform, "ada", None).await),
        line(doorkeeper.create_account(&platform, "bob@example.com", Some("short")).await),
        line(doorkeeper.remove_account(&platform, house.owner.id).await),
        line(doorkeeper.add_collaborator(&owner, shop, "bob@example.com").await),
        line(doorkeeper.add_collaborator(&owner, shop, "ada@example.com").await),
        line(doorkeeper.add_collaborator(&owner, shop, "owner@example.com").await),
        line(doorkeeper.remove_collaborator(&owner, shop, "owner@example.com").await),
        line(doorkeeper.remove_collaborator(&owner, shop, "bob@example.com").await),
        line(doorkeeper.transfer_app(&owner, shop, "bob@example.com").await),
    ];
    house.app("blog", ada.id).await;
    said.push(line(doorkeeper.remove_account(&platform, ada.id).await));
    for number in 0..7 {
        house.app(&format!("app{number}"), ada.id).await;
    }
    said.push(line(doorkeeper.remove_account(&platform, ada.id).await));
    for (description, life) in [("x".repeat(256), 1), ("a\nb".to_owned(), 1), (String::new(), 0)] {
        let wish = TokenWish { description, life: Some(Duration::from_secs(life)), ..TokenWish::default() };
        said.push(line(doorkeeper.issue_token(&ada, &wish).await));
    }
    for other in [
        AccountError::NoAuthorization,
        AccountError::WrongPassword,
        AccountError::Busy,
        AccountError::TooManyTokens("ada@example.com".to_owned()),
    ] {
        said.push(other.to_string());
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    there is an account Ada@example.com already; addresses differ by more than the case of their letters
    `ada` is not an e-mail address: write it as name@example.com, in at most 254 ASCII characters, without spaces, quotes, slashes, colons, commas and angle brackets
    a password has at least 8 characters; choose a longer one
    the account owner@example.com owns the platform and cannot be removed
    there is no account bob@example.com; the platform's owner adds accounts with `hokku users add`
    the account ada@example.com is a collaborator of the app already
    the account owner@example.com owns the app; transfer the app to give it another owner
    the account owner@example.com owns the app; transfer the app to give it another owner
    they are no collaborator of the app
    there is no account bob@example.com; the platform's owner adds accounts with `hokku users add`
    the account ada@example.com owns the app blog; transfer or destroy what it owns first
    the account ada@example.com owns the apps app0, app1, app2, app3, app4 and 3 more; transfer or destroy what it owns first
    a description has at most 255 characters, and no control characters
    a description has at most 255 characters, and no control characters
    a token lasts from 1 s to 3650 days, or for ever
    there is no such token
    the old password is wrong
    too many passwords are checked at this time; try again in a moment
    the account ada@example.com has 1000 tokens, which is the most; revoke some first
    "#);
}

#[test]
fn every_refusal_of_a_caller_is_a_sentence() {
    let said = [
        Refused::Unauthorized,
        Refused::TooMany { wait: Duration::from_secs(8) },
        Refused::NoApp,
        Refused::Scope,
        Refused::NotOwner,
        Refused::NotOperator,
    ];
    let said = said.map(|refused| refused.to_string()).join("\n");
    insta::assert_snapshot!(said, @r"
    Invalid credentials provided.
    Too many failed attempts. Try again in 8 s.
    Couldn't find that app.
    This token's scopes do not allow it. Use one that was made with wider scopes.
    Only the app's owner may do this.
    Only the owner of the platform may do this.
    ");
}
