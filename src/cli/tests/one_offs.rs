use super::{objects::dyno, stage::Stage};
use crate::cli::client::canned::Canned;
use serde_json::json;

#[tokio::test]
async fn a_detached_dyno_is_named_with_what_to_do_next() {
    let started = dyno("run.4821", "python nightly.py", "starting");
    let stage = Stage::with([Canned::json("POST /apps/shop/dynos", &started).with_status(201)]).await;
    let line = "run:detached -s standard-2x -e BATCH=7 -a shop python nightly.py";
    insta::assert_snapshot!(stage.typed(line).await, @"");
    insta::assert_snapshot!(stage.asked(), @"");
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
    insta::assert_snapshot!(stage.typed("run -a shop python").await, @"");
    let stage = Stage::with([]).await;
    insta::assert_snapshot!(stage.typed("run python -a shop").await, @"");
    insta::assert_snapshot!(stage.typed("run python").await, @"");
    insta::assert_snapshot!(stage.typed("run -e 1=hunter2 -a shop python").await, @"");
    insta::assert_snapshot!(stage.typed("run --local --detached python").await, @"");
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
