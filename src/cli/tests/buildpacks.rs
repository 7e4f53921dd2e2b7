use super::stage::Stage;
use crate::cli::client::canned::Canned;
use serde_json::{Value, json};

fn installed(names: &[&str]) -> Value {
    let one = |(ordinal, name): (usize, &&str)| json!({ "buildpack": { "name": name, "url": format!("urn:buildpack:heroku/{name}") }, "ordinal": ordinal });
    names.iter().enumerate().map(one).collect()
}

fn before(names: &[&str]) -> Canned {
    Canned::json("GET /apps/shop/buildpack-installations", &installed(names))
}

fn after(names: &[&str]) -> Canned {
    Canned::json("PUT /apps/shop/buildpack-installations", &installed(names))
}

/// What `line` makes of the buildpacks `names`, as the platform is asked for it.
async fn asked(line: &str, names: &[&str]) -> String {
    let stage = Stage::with([before(names), after(&[])]).await;
    let told = stage.typed(line).await;
    let asked = stage.asked();
    asked.split_once("<- ").map_or(told, |(_, body)| body.to_owned())
}

#[tokio::test]
async fn buildpacks_are_listed() {
    insta::assert_snapshot!(Stage::with([before(&["static", "python"])]).await.typed("buildpacks -a shop").await, @r"
    exit 0
    --- out
    === shop Buildpacks

    1. static
    2. python
    --- err
    ");
    insta::assert_snapshot!(Stage::with([before(&[])]).await.typed("buildpacks -a shop").await, @r"
    exit 0
    --- out
    --- err
    ⬢ shop has no buildpacks: which one builds it is detected
    ");
    let told = Stage::with([before(&["wasm"])]).await.typed("buildpacks --json -a shop").await;
    assert!(told.contains("\"url\": \"urn:buildpack:heroku/wasm\""), "{told}");
}

#[tokio::test]
async fn buildpacks_are_set() {
    let stage = Stage::with([before(&["static"]), after(&["python"])]).await;
    insta::assert_snapshot!(stage.typed("buildpacks:set heroku/python -a shop").await, @r"
    exit 0
    --- out
    === shop Buildpacks

    1. python
    --- err
    Setting the buildpacks of ⬢ shop... done
    The next build uses this; `hokku deploy -a shop` starts one.
    ");
    insta::assert_snapshot!(stage.asked(), @r#"
    GET /apps/shop/buildpack-installations [authorization: Bearer t0ken]
    PUT /apps/shop/buildpack-installations [authorization: Bearer t0ken] <- {"updates":[{"buildpack":"heroku/python"}]}
    "#);
    let stage = Stage::with([after(&[])]).await;
    insta::assert_snapshot!(stage.typed("buildpacks:clear -a shop").await, @r"
    exit 0
    --- out
    --- err
    Setting the buildpacks of ⬢ shop... done
    ⬢ shop has no buildpacks: which one builds it is detected
    ");
    insta::assert_snapshot!(stage.asked(), @r#"PUT /apps/shop/buildpack-installations [authorization: Bearer t0ken] <- {"updates":[]}"#);
}

#[tokio::test]
async fn every_change_says_all_that_shall_be() {
    let lines = [
        ("buildpacks set python -a shop", &[][..]),
        ("buildpacks set -i 2 python -a shop", &["wasm", "static"][..]),
        ("buildpacks set -i 9 python -a shop", &["wasm"]),
        ("buildpacks add python -a shop", &["wasm"]),
        ("buildpacks add --index 1 python -a shop", &["wasm"]),
        ("buildpacks remove heroku/wasm -a shop", &["wasm", "static"]),
        ("buildpacks remove -i 2 -a shop", &["wasm", "static"]),
    ];
    let mut told = Vec::new();
    for (line, names) in lines {
        told.push(format!("{names:?} {line}: {}", asked(line, names).await));
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    [] buildpacks set python -a shop: {"updates":[{"buildpack":"python"}]}
    ["wasm", "static"] buildpacks set -i 2 python -a shop: {"updates":[{"buildpack":"wasm"},{"buildpack":"python"}]}
    ["wasm"] buildpacks set -i 9 python -a shop: {"updates":[{"buildpack":"wasm"},{"buildpack":"python"}]}
    ["wasm"] buildpacks add python -a shop: {"updates":[{"buildpack":"wasm"},{"buildpack":"python"}]}
    ["wasm"] buildpacks add --index 1 python -a shop: {"updates":[{"buildpack":"python"},{"buildpack":"wasm"}]}
    ["wasm", "static"] buildpacks remove heroku/wasm -a shop: {"updates":[{"buildpack":"static"}]}
    ["wasm", "static"] buildpacks remove -i 2 -a shop: {"updates":[{"buildpack":"wasm"}]}
    "#);
}

#[tokio::test]
async fn what_is_not_there_is_not_removed() {
    insta::assert_snapshot!(asked("buildpacks remove python -a shop", &["wasm", "static"]).await, @r"
    exit 1
    --- out
    --- err
     !     ⬢ shop has no buildpack `python`, only wasm, static
    ");
    insta::assert_snapshot!(asked("buildpacks remove python -a shop", &[]).await, @r"
    exit 1
    --- out
    --- err
     !     ⬢ shop has no buildpacks: which one builds it is detected
    ");
    insta::assert_snapshot!(asked("buildpacks remove -i 3 -a shop", &["wasm", "static"]).await, @r"
    exit 1
    --- out
    --- err
     !     ⬢ shop has 2 buildpacks: choose an index from 1 to 2
    ");
    insta::assert_snapshot!(asked("buildpacks remove -i 0 -a shop", &[]).await, @r"
    exit 2
    error: invalid value '0' for '--index <INDEX>': number would be zero for non-zero type

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(asked("buildpacks remove -a shop", &[]).await, @r"
    exit 2
    error: the following required arguments were not provided:
      <BUILDPACK|--index <INDEX>>

    Usage: hokku buildpacks remove --app <APP> <BUILDPACK|--index <INDEX>>

    For more information, try '--help'.
    ");
}

#[tokio::test]
async fn a_buildpack_that_is_unknown_is_refused_by_the_platform() {
    let refused = Canned::refusal(
        "PUT /apps/shop/buildpack-installations",
        422,
        "invalid_params",
        "There is no buildpack `cobol`: choose from python, wasm, static.",
    );
    insta::assert_snapshot!(Stage::with([before(&[]), refused]).await.typed("buildpacks set cobol -a shop").await, @r"
    exit 1
    --- out
    --- err
    Setting the buildpacks of ⬢ shop... failed
     !     There is no buildpack `cobol`: choose from python, wasm, static.
    ");
}
