use super::{objects::dyno, stage::Stage};
use crate::cli::client::canned::Canned;
use serde_json::json;

#[tokio::test]
async fn a_detached_dyno_is_named_with_what_to_do_next() {
    let started = dyno("run.4821", "python nightly.py", "starting");
    let stage = Stage::with([Canned::json("POST /apps/shop/dynos", &started).with_status(201)]).await;
    let line = "run:detached -s standard-2x -e BATCH=7 -a shop python nightly.py";
    insta::assert_snapshot!(stage.typed(line).await, @r"
    exit 0
    --- out
    run.4821
    --- err
    Running python nightly.py on ⬢ shop
    `hokku logs --tail --ps run.4821 -a shop` follows it, `hokku stop run.4821 -a shop` ends it
    ");
    insta::assert_snapshot!(stage.asked(), @r#"POST /apps/shop/dynos [authorization: Bearer t0ken] <- {"attach":false,"command":"python nightly.py","env":{"BATCH":"7"},"size":"standard-2x"}"#);
}

#[tokio::test]
async fn what_cannot_run_is_told_in_the_platforms_words() {
    let refusal = Canned::refusal(
        "POST /apps/shop/dynos",
        422,
        "invalid_params",
        "The app has no code yet, so there is nothing to run: deploy it first.",
    );
    let stage = Stage::with([refusal]).await;
    insta::assert_snapshot!(stage.typed("run -a shop python").await, @r"
    exit 1
    --- out
    --- err
     !     The app has no code yet, so there is nothing to run: deploy it first.
    ");
    let stage = Stage::with([]).await;
    insta::assert_snapshot!(stage.typed("run python -a shop").await, @r"
    exit 1
    --- out
    --- err
     !     which app? Name it with -a APP, or set HOKKU_APP; options stand before the command
    ");
    insta::assert_snapshot!(stage.typed("run python").await, @r"
    exit 1
    --- out
    --- err
     !     which app? Name it with -a APP, or set HOKKU_APP; --local runs the app of this directory
    ");
    insta::assert_snapshot!(stage.typed("run -e 1=hunter2 -a shop python").await, @r"
    exit 1
    --- out
    --- err
     !     `1` is not a config var: use letters, digits and _, not starting with a digit, at most 256 bytes
    ");
    insta::assert_snapshot!(stage.typed("run --local --detached python").await, @r"
    exit 2
    error: the argument '--local' cannot be used with '--detached'

    Usage: hokku run --local <CMD>...

    For more information, try '--help'.
    ");
}

#[tokio::test]
async fn dynos_are_stopped_by_name_and_by_type() {
    for (dynos, request) in [
        ("run.4821", "POST /apps/shop/dynos/run.4821/actions/stop"),
        ("run", "POST /apps/shop/formations/run/actions/stop"),
    ] {
        let stage = Stage::with([Canned::json(request, &json!({})).with_status(202)]).await;
        let told = stage.typed(&format!("ps:stop {dynos} -a shop")).await;
        insta::assert_snapshot!(format!("stop {dynos}"), told);
    }
}
