use super::{objects::release, stage::Stage};
use crate::cli::client::canned::Canned;
use serde_json::json;

fn vars() -> Canned {
    let vars = json!({ "GREETING": "hi there", "COLOUR": "blue", "QUOTE": "it's \u{1b}[2J" });
    Canned::json("GET /apps/shop/config-vars", &vars)
}

/// The newest release before a change.
fn before() -> Canned {
    Canned::json("GET /apps/shop/releases", &json!([release(4, "Deploy", "succeeded")]))
}

#[tokio::test]
async fn config_vars_are_shown_for_people_shells_and_programs() {
    insta::assert_snapshot!(Stage::with([vars()]).await.typed("config -a shop").await, @r"
    exit 0
    --- out
    === shop Config Vars

    COLOUR:   blue
    GREETING: hi there
    QUOTE:    it's 
    --- err
    ");
    let shell = Stage::with([vars()]).await.typed("config --shell -a shop").await;
    insta::assert_snapshot!(shell.replace('\u{1b}', "ESC"), @r"
    exit 0
    --- out
    COLOUR=blue
    GREETING='hi there'
    QUOTE='it'\''s ESC[2J'
    --- err
    ");
    insta::assert_snapshot!(Stage::with([vars()]).await.typed("config -j -a shop").await, @r#"
    exit 0
    --- out
    {
      "COLOUR": "blue",
      "GREETING": "hi there",
      "QUOTE": "it's \u001b[2J"
    }
    --- err
    "#);
    let none = Canned::json("GET /apps/shop/config-vars", &json!({}));
    insta::assert_snapshot!(Stage::with([none]).await.typed("config -a shop").await, @r"
    exit 0
    --- out
    --- err
    ⬢ shop has no config vars
    ");
}

#[tokio::test]
async fn one_config_var_is_printed_as_it_is() {
    insta::assert_snapshot!(Stage::with([vars()]).await.typed("config get GREETING -a shop").await, @r"
    exit 0
    --- out
    hi there
    --- err
    ");
    insta::assert_snapshot!(Stage::with([vars()]).await.typed("config:get NOTHING -a shop").await, @r"
    exit 1
    --- out
    --- err
     !     shop has no config var NOTHING
    ");
}

#[tokio::test]
async fn setting_makes_a_release() {
    let stage = Stage::with([
        before(),
        Canned::json("PATCH /apps/shop/config-vars", &json!({ "A": "1", "OTHER": "x", "LONG": "a=b" })),
        Canned::json("GET /apps/shop/releases", &json!([release(5, "Set A, LONG config vars", "succeeded")])),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("config:set LONG=a=b A=1 -a shop").await, @r"
    exit 0
    --- out
    A:    1
    LONG: a=b
    --- err
    Setting A, LONG and restarting ⬢ shop... done, v5
    ");
    insta::assert_snapshot!(stage.asked(), @r#"
    GET /apps/shop/releases [authorization: Bearer t0ken] [range: version ..; max=1, order=desc]
    PATCH /apps/shop/config-vars [authorization: Bearer t0ken] <- {"A":"1","LONG":"a=b"}
    GET /apps/shop/releases [authorization: Bearer t0ken] [range: version ..; max=1, order=desc]
    "#);
}

#[tokio::test]
async fn unsetting_makes_a_release() {
    let stage = Stage::with([
        before(),
        Canned::json("PATCH /apps/shop/config-vars", &json!({ "OTHER": "x" })),
        Canned::json("GET /apps/shop/releases", &json!([release(5, "Remove A config vars", "succeeded")])),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("config unset A -a shop").await, @r"
    exit 0
    --- out
    --- err
    Unsetting A and restarting ⬢ shop... done, v5
    ");
    insta::assert_snapshot!(stage.asked(), @r#"
    GET /apps/shop/releases [authorization: Bearer t0ken] [range: version ..; max=1, order=desc]
    PATCH /apps/shop/config-vars [authorization: Bearer t0ken] <- {"A":null}
    GET /apps/shop/releases [authorization: Bearer t0ken] [range: version ..; max=1, order=desc]
    "#);
}

#[tokio::test]
async fn what_changes_nothing_makes_no_release() {
    let stage = Stage::with([
        before(),
        Canned::json("PATCH /apps/shop/config-vars", &json!({ "OTHER": "x" })),
        before(),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("config unset NOSUCH -a shop").await, @r"
    exit 0
    --- out
    --- err
    Unsetting NOSUCH and restarting ⬢ shop... nothing changed
    ");
}

#[tokio::test]
async fn a_change_is_current_after_its_release_command() {
    let stage = Stage::with([
        before(),
        Canned::json("PATCH /apps/shop/config-vars", &json!({ "A": "1" })),
        Canned::json("GET /apps/shop/releases", &json!([release(6, "Set A config vars", "pending")])),
        Canned::text("GET /outputs/release-6", "migrated"),
        Canned::json("GET /apps/shop/releases/release-6", &release(6, "Set A config vars", "succeeded")),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("config set A=1 -a shop").await, @r"
    exit 0
    --- out
    A: 1
    --- err
    Setting A and restarting ⬢ shop... v6 pending
    Running the release command of v6
    migrated
    v6 is current
    ");
}

#[tokio::test]
async fn a_release_command_that_fails_fails_the_change() {
    let stage = Stage::with([
        before(),
        Canned::json("PATCH /apps/shop/config-vars", &json!({ "A": "1" })),
        Canned::json("GET /apps/shop/releases", &json!([release(6, "Set A config vars", "pending")])),
        Canned::text("GET /outputs/release-6", "migrating\u{1b}[2J\nno such table"),
        Canned::json("GET /apps/shop/releases/release-6", &release(6, "Set A config vars", "pending")),
        Canned::json("GET /apps/shop/releases/release-6", &release(6, "Set A config vars", "failed")),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("config set A=1 -a shop").await, @r"
    exit 1
    --- out
    --- err
    Setting A and restarting ⬢ shop... v6 pending
    Running the release command of v6
    migrating
    no such table
     !     the release command of v6 failed, so the release before it stays current
    ");
    insta::assert_snapshot!(stage.asked(), @r#"
    GET /apps/shop/releases [authorization: Bearer t0ken] [range: version ..; max=1, order=desc]
    PATCH /apps/shop/config-vars [authorization: Bearer t0ken] <- {"A":"1"}
    GET /apps/shop/releases [authorization: Bearer t0ken] [range: version ..; max=1, order=desc]
    GET /outputs/release-6
    GET /apps/shop/releases/release-6 [authorization: Bearer t0ken]
    GET /apps/shop/releases/release-6 [authorization: Bearer t0ken]
    "#);
}

#[tokio::test]
async fn a_wrong_assignment_is_refused_without_its_value() {
    let stage = Stage::with([]).await;
    insta::assert_snapshot!(stage.typed("config set hunter2 -a shop").await, @r"
    exit 1
    --- out
    --- err
     !     config vars are set as KEY=VALUE, like GREETING=hi
    ");
    insta::assert_snapshot!(stage.typed("config set A-B=hunter2 -a shop").await, @r"
    exit 1
    --- out
    --- err
     !     `A-B` is not a config var: use letters, digits and _, not starting with a digit, at most 256 bytes
    ");
    insta::assert_snapshot!(stage.typed("config get A-B -a shop").await, @r"
    exit 2
    error: invalid value 'A-B' for '<KEY>': `A-B` is not a config var: use letters, digits and _, not starting with a digit, at most 256 bytes

    For more information, try '--help'.
    ");
    assert_eq!(stage.asked(), "");
}
