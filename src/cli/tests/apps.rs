use super::{
    objects::{app, formation},
    stage::Stage,
};
use crate::cli::client::canned::Canned;
use serde_json::json;

#[tokio::test]
async fn an_app_is_created_and_its_address_printed() {
    let answers = || [Canned::json("POST /apps", &app("shop")).with_status(201)];
    let stage = Stage::with(answers()).await;
    insta::assert_snapshot!(stage.typed("create shop").await, @r"
    exit 0
    --- out
    http://shop.localhost:8080/
    --- err
    Creating ⬢ shop... done
    ");
    insta::assert_snapshot!(stage.asked(), @r#"POST /apps [authorization: Bearer t0ken] <- {"name":"shop"}"#);
    let unnamed = Stage::with(answers()).await;
    insta::assert_snapshot!(unnamed.typed("apps:create").await, @r"
    exit 0
    --- out
    http://shop.localhost:8080/
    --- err
    Creating app... done, ⬢ shop
    ");
    insta::assert_snapshot!(unnamed.asked(), @"POST /apps [authorization: Bearer t0ken] <- {}");
}

#[tokio::test]
async fn a_name_that_is_taken_is_told_in_the_platforms_words() {
    let taken = Canned::refusal("POST /apps", 422, "invalid_params", "Name shop is already taken");
    insta::assert_snapshot!(Stage::with([taken]).await.typed("create shop").await, @r"
    exit 1
    --- out
    --- err
    Creating ⬢ shop... failed
     !     Name shop is already taken
    ");
}

#[tokio::test]
async fn apps_are_listed_over_all_pages() {
    let pages = || {
        [
            Canned::json("GET /apps", &json!([app("shop"), app("blog")]))
                .with_status(206)
                .with_header("next-range", "id ]shop..; max=2"),
            Canned::json("GET /apps", &json!([app("a-third-app")])),
        ]
    };
    let stage = Stage::with(pages()).await;
    insta::assert_snapshot!(stage.typed("apps").await, @r"
    exit 0
    --- out
    a-third-app  http://a-third-app.localhost:8080/
    blog         http://blog.localhost:8080/
    shop         http://shop.localhost:8080/
    --- err
    ");
    insta::assert_snapshot!(stage.asked(), @r"
    GET /apps [authorization: Bearer t0ken]
    GET /apps [authorization: Bearer t0ken] [range: id ]shop..; max=2]
    ");
    let told = Stage::with(pages()).await.typed("apps --json").await;
    assert!(told.contains(r#""git_url": "https://localhost:8080/a-third-app.git""#), "{told}");
}

#[tokio::test]
async fn a_page_that_names_itself_as_the_next_is_the_last() {
    let page =
        || Canned::json("GET /apps", &json!([app("shop")])).with_header("next-range", "id ]shop..; max=2");
    let stage = Stage::with([page(), page()]).await;
    stage.typed("apps").await;
    assert_eq!(stage.asked().lines().count(), 2);
}

#[tokio::test]
async fn no_apps_say_how_to_make_one() {
    let stage = Stage::with([Canned::json("GET /apps", &json!([]))]).await;
    insta::assert_snapshot!(stage.typed("apps").await, @r"
    exit 0
    --- out
    --- err
    There are no apps yet. Make one with `hokku create`.
    ");
}

#[tokio::test]
async fn info_tells_what_an_app_is() {
    let formation = json!([formation("web", 2, "Standard-1X"), formation("worker", 0, "Standard-1X")]);
    let answers =
        [Canned::json("GET /apps/shop", &app("shop")), Canned::json("GET /apps/shop/formation", &formation)];
    insta::assert_snapshot!(Stage::with(answers).await.typed("info -a shop").await, @r"
    exit 0
    --- out
    === shop

    Created At: 2026/11/22 21:00:00 +0000 (~ 1h ago)
    Dynos:      web: 2, worker: 0
    Owner:      owner@localhost
    Region:     local
    Slug Size:  34.5 MB
    Stack:      hokku-1
    Web URL:    http://shop.localhost:8080/
    --- err
    ");
    let stage = Stage::with([Canned::json("GET /apps/shop", &app("shop"))]).await;
    let told = stage.typed("apps:info --json -a shop").await;
    assert!(told.starts_with("exit 0\n--- out\n{\n  \"acm\": false,\n"), "{told}");
}

#[tokio::test]
async fn an_app_is_destroyed_only_by_its_whole_name() {
    let known = || Canned::json("GET /apps/shop", &app("shop"));
    let stage = Stage::with([known()]).await;
    insta::assert_snapshot!(stage.typed("destroy -a shop").await, @r"
    exit 1
    --- out
    --- err
     !     this destroys shop for good; to do so add --confirm shop
    ");
    let stage = Stage::with([known()]).await;
    insta::assert_snapshot!(stage.typed("destroy -a shop --confirm shpo").await, @r"
    exit 1
    --- out
    --- err
     !     `shpo` is not shop: nothing was destroyed
    ");
    let stage = Stage::with([known(), Canned::json("DELETE /apps/shop", &app("shop"))]).await;
    insta::assert_snapshot!(stage.typed("apps:destroy --confirm shop").await, @r"
    exit 0
    --- out
    --- err
    Destroying ⬢ shop... done
    ");
    insta::assert_snapshot!(stage.asked(), @r"
    GET /apps/shop [authorization: Bearer t0ken]
    DELETE /apps/shop [authorization: Bearer t0ken]
    ");
}

#[tokio::test]
async fn without_a_desktop_open_prints_the_address() {
    let stage = Stage::with([Canned::json("GET /apps/shop", &app("shop"))]).await;
    insta::assert_snapshot!(stage.typed("open -a shop").await, @r"
    exit 0
    --- out
    http://shop.localhost:8080/
    --- err
    ");
    let mut strange = app("shop");
    strange["web_url"] = "file:///bin/sh".into();
    let stage = Stage::with([Canned::json("GET /apps/shop", &strange)]).await;
    insta::assert_snapshot!(stage.typed("open -a shop").await, @r"
    exit 1
    --- out
    --- err
     !     shop has an address that no browser should open: file:///bin/sh
    ");
}

#[tokio::test]
async fn an_app_gets_another_name_and_address() {
    let stage = Stage::with([
        Canned::json("GET /apps/shop", &app("shop")),
        Canned::json("PATCH /apps/shop", &app("boutique")),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("apps:rename boutique -a shop").await, @r"
    exit 0
    --- out
    http://boutique.localhost:8080/
    --- err
    Renaming ⬢ shop to boutique... done
    ");
    insta::assert_snapshot!(stage.asked(), @r#"
    GET /apps/shop [authorization: Bearer t0ken]
    PATCH /apps/shop [authorization: Bearer t0ken] <- {"name":"boutique"}
    "#);
    let taken = Canned::refusal("PATCH /apps/shop", 422, "invalid_params", "Name blog is already taken");
    let stage = Stage::with([Canned::json("GET /apps/shop", &app("shop")), taken]).await;
    insta::assert_snapshot!(stage.typed("rename blog -a shop").await, @r"
    exit 1
    --- out
    --- err
    Renaming ⬢ shop to blog... failed
     !     Name blog is already taken
    ");
}

#[tokio::test]
async fn maintenance_mode_is_shown_and_switched() {
    let mut on = app("shop");
    on["maintenance"] = true.into();
    let stage =
        Stage::with([Canned::json("GET /apps/shop", &app("shop")), Canned::json("GET /apps/shop", &on)])
            .await;
    insta::assert_snapshot!(stage.typed("maintenance -a shop").await, @r"
    exit 0
    --- out
    off
    --- err
    ");
    insta::assert_snapshot!(stage.typed("maintenance -a shop").await, @r"
    exit 0
    --- out
    on
    --- err
    ");
    let stage =
        Stage::with([Canned::json("PATCH /apps/shop", &on), Canned::json("PATCH /apps/shop", &app("shop"))])
            .await;
    insta::assert_snapshot!(stage.typed("maintenance:on -a shop").await, @r"
    exit 0
    --- out
    --- err
    Enabling maintenance mode for ⬢ shop... done
    ");
    insta::assert_snapshot!(stage.typed("maintenance off -a shop").await, @r"
    exit 0
    --- out
    --- err
    Disabling maintenance mode for ⬢ shop... done
    ");
    insta::assert_snapshot!(stage.asked(), @r#"
    PATCH /apps/shop [authorization: Bearer t0ken] <- {"maintenance":true}
    PATCH /apps/shop [authorization: Bearer t0ken] <- {"maintenance":false}
    "#);
    let told = stage.typed("maintenance aus -a shop").await;
    insta::assert_snapshot!(told, @r"
    exit 2
    error: unrecognized subcommand 'aus'

    Usage: hokku maintenance [OPTIONS]
           hokku maintenance <COMMAND>

    For more information, try '--help'.
    ");
}
