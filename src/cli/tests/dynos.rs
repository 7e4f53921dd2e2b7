use super::{
    objects::{dyno, formation},
    stage::Stage,
};
use crate::cli::client::canned::Canned;
use serde_json::json;

fn accepted(request: &'static str) -> Canned {
    Canned::json(request, &json!({})).with_status(202)
}

#[tokio::test]
async fn dynos_are_listed_by_type_and_number() {
    let dynos = json!([
        dyno("web.10", "gunicorn app:app", "starting"),
        dyno("worker.1", "python worker.py", "crashed"),
        dyno("web.2", "gunicorn app:app", "up"),
        dyno("run.4711", "python", "up"),
    ]);
    let stage = Stage::with([Canned::json("GET /apps/shop/dynos", &dynos)]).await;
    insta::assert_snapshot!(stage.typed("ps -a shop").await, @r"
    exit 0
    --- out
    === run: one-off processes (1)

    run.4711 (Standard-1X): up 2026/11/22 22:00:00 +0000 (~ 3m ago): python

    === web (Standard-1X): gunicorn app:app (2)

    web.2: up 2026/11/22 22:00:00 +0000 (~ 3m ago)
    web.10: starting 2026/11/22 22:00:00 +0000 (~ 3m ago)

    === worker (Standard-1X): python worker.py (1)

    worker.1: crashed 2026/11/22 22:00:00 +0000 (~ 3m ago)
    --- err
    ");
    let stage = Stage::with([Canned::json("GET /apps/shop/dynos", &json!([]))]).await;
    insta::assert_snapshot!(stage.typed("ps -a shop").await, @r"
    exit 0
    --- out
    --- err
    No dynos on ⬢ shop
    ");
    let stage = Stage::with([Canned::json("GET /apps/shop/dynos", &json!([]))]).await;
    insta::assert_snapshot!(stage.typed("ps --json -a shop").await, @r"
    exit 0
    --- out
    []
    --- err
    ");
}

#[tokio::test]
async fn the_formation_is_shown_as_it_is_typed() {
    let both = json!([formation("web", 1, "Standard-1X"), formation("worker", 0, "Performance-M")]);
    let stage = Stage::with([Canned::json("GET /apps/shop/formation", &both)]).await;
    insta::assert_snapshot!(stage.typed("ps:scale -a shop").await, @r"
    exit 0
    --- out
    web=1:Standard-1X worker=0:Performance-M
    --- err
    ");
    let stage = Stage::with([Canned::json("GET /apps/shop/formation", &json!([]))]).await;
    insta::assert_snapshot!(stage.typed("scale -a shop").await, @r"
    exit 0
    --- out
    --- err
    shop has no process types before its first deploy
    ");
}

#[tokio::test]
async fn dynos_are_scaled() {
    let all = json!([
        formation("clock", 1, "Eco"),
        formation("web", 3, "Standard-1X"),
        formation("worker", 2, "Standard-2X")
    ]);
    let stage = Stage::with([Canned::json("PATCH /apps/shop/formation", &all)]).await;
    insta::assert_snapshot!(stage.typed("scale web=3 worker+1:standard-2x -a shop").await, @r"
    exit 0
    --- out
    --- err
    Scaling dynos... done, now running web at 3:Standard-1X, worker at 2:Standard-2X
    ");
    insta::assert_snapshot!(stage.asked(), @r#"PATCH /apps/shop/formation [authorization: Bearer t0ken] <- {"updates":[{"quantity":"3","type":"web"},{"quantity":"+1","size":"Standard-2X","type":"worker"}]}"#);
    insta::assert_snapshot!(stage.typed("scale web=many -a shop").await, @r"
    exit 2
    error: invalid value 'web=many' for '[TYPE=COUNT]...': `web=many` is not like web=3, worker+1 or web=2:standard-2x

    For more information, try '--help'.
    ");
    let refused = Canned::refusal(
        "PATCH /apps/shop/formation",
        404,
        "not_found",
        "Couldn't find that process type (cron).",
    );
    insta::assert_snapshot!(Stage::with([refused]).await.typed("scale cron=1 -a shop").await, @r"
    exit 1
    --- out
    --- err
    Scaling dynos... failed
     !     Couldn't find that process type (cron).
    ");
}

#[tokio::test]
async fn dynos_are_restarted() {
    let stage = Stage::with([
        accepted("DELETE /apps/shop/dynos"),
        accepted("DELETE /apps/shop/dynos/web.1"),
        accepted("DELETE /apps/shop/formations/worker"),
    ])
    .await;
    let told = [
        stage.typed("restart -a shop").await,
        stage.typed("ps:restart web.1 -a shop").await,
        stage.typed("restart worker -a shop").await,
    ];
    insta::assert_snapshot!(told.join(""), @r"
    exit 0
    --- out
    --- err
    Restarting all dynos on ⬢ shop... done
    exit 0
    --- out
    --- err
    Restarting dyno web.1 on ⬢ shop... done
    exit 0
    --- out
    --- err
    Restarting all worker dynos on ⬢ shop... done
    ");
    insta::assert_snapshot!(stage.asked(), @r"
    DELETE /apps/shop/dynos [authorization: Bearer t0ken]
    DELETE /apps/shop/dynos/web.1 [authorization: Bearer t0ken]
    DELETE /apps/shop/formations/worker [authorization: Bearer t0ken]
    ");
}
