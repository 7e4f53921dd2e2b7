use super::stage::Stage;
use crate::cli::client::canned::Canned;
use serde_json::json;

const LINES: &str = ": welcome\n\nid: 1\ndata: 2026-11-22T22:00:00.000042+00:00 app[web.1]: hello \u{1b}[2Jthere\n\n\
                     id: 2\ndata: 2026-11-22T22:00:01.000042+00:00 heroku[router]: at=info method=GET\n\n";
const MORE: &str = "id: 3\ndata: 2026-11-22T22:00:02.000042+00:00 app[web.1]: again\n\n";
const TAIL: &str = "GET /logs/secret?srv=1";

fn opened() -> Canned {
    let session = json!({ "id": "1", "logplex_url": "http://paas.example.com:9/logs/secret?srv=1", "created_at": "2026-11-22T22:00:00Z", "updated_at": "2026-11-22T22:00:00Z" });
    Canned::json("POST /apps/shop/log-sessions", &session).with_status(201)
}

#[tokio::test]
async fn lines_are_printed_as_heroku_prints_them() {
    let stage = Stage::with([opened(), Canned::events(TAIL, LINES)]).await;
    insta::assert_snapshot!(stage.typed("logs -n 5 --source app --ps web.1 -a shop").await, @r"
    exit 0
    --- out
    2026-11-22T22:00:00.000042+00:00 app[web.1]: hello there
    2026-11-22T22:00:01.000042+00:00 heroku[router]: at=info method=GET
    --- err
    ");
    insta::assert_snapshot!(stage.asked(), @r#"
    POST /apps/shop/log-sessions [authorization: Bearer t0ken] <- {"dyno":"web.1","lines":5,"source":"app","tail":false}
    GET /logs/secret?srv=1
    "#);
}

#[tokio::test]
async fn on_a_terminal_each_process_has_a_colour() {
    let mut stage = Stage::with([opened(), Canned::events(TAIL, LINES)]).await;
    stage.colours = true;
    insta::assert_snapshot!(stage.typed("logs -a shop").await.replace('\u{1b}', "ESC"), @r"
    exit 0
    --- out
    ESC[36m2026-11-22T22:00:00.000042+00:00 app[web.1]:ESC[0m hello there
    ESC[33m2026-11-22T22:00:01.000042+00:00 heroku[router]:ESC[0mESC[2m at=info method=GETESC[0m
    --- err
    ");
}

#[tokio::test]
async fn a_tail_that_breaks_goes_on_behind_the_last_line() {
    let cut = MORE.replace("\n\n", "\n");
    let stage = Stage::with([
        opened(),
        Canned::events(TAIL, LINES),
        // Half an event is no event: the next connection gives it again.
        Canned::events(TAIL, &cut),
        Canned::events(TAIL, MORE),
        // The platform started anew and knows nothing of the session.
        Canned::text(TAIL, "gone").with_status(404),
        opened(),
        Canned::events(TAIL, &MORE.replace("id: 3", "id: 4")),
        Canned::text(TAIL, "gone").with_status(404),
        Canned::refusal("POST /apps/shop/log-sessions", 404, "not_found", "Couldn't find that app."),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("logs --tail -a shop").await, @r"
    exit 1
    --- out
    2026-11-22T22:00:00.000042+00:00 app[web.1]: hello there
    2026-11-22T22:00:01.000042+00:00 heroku[router]: at=info method=GET
    2026-11-22T22:00:02.000042+00:00 app[web.1]: again
    2026-11-22T22:00:02.000042+00:00 app[web.1]: again
    --- err
     !     Couldn't find that app.
    ");
    insta::assert_snapshot!(stage.asked(), @r#"
    POST /apps/shop/log-sessions [authorization: Bearer t0ken] <- {"lines":100,"tail":true}
    GET /logs/secret?srv=1
    GET /logs/secret?srv=1 [last-event-id: 2]
    GET /logs/secret?srv=1 [last-event-id: 2]
    GET /logs/secret?srv=1 [last-event-id: 3]
    POST /apps/shop/log-sessions [authorization: Bearer t0ken] <- {"lines":100,"tail":true}
    GET /logs/secret?srv=1 [last-event-id: 3]
    GET /logs/secret?srv=1 [last-event-id: 4]
    POST /apps/shop/log-sessions [authorization: Bearer t0ken] <- {"lines":100,"tail":true}
    GET /apps [authorization: Bearer t0ken]
    "#);
}

#[tokio::test]
async fn a_session_that_never_was_is_not_waited_for() {
    let gone = Canned::refusal(TAIL, 404, "not_found", "This log session is over: begin a new one.");
    insta::assert_snapshot!(Stage::with([opened(), gone]).await.typed("logs -t -a shop").await, @r"
    exit 1
    --- out
    --- err
     !     This log session is over: begin a new one.
    ");
}

#[tokio::test]
async fn a_wrong_source_is_refused_with_the_right_ones() {
    let told = Stage::with([]).await.typed("logs --source apps -a shop").await;
    insta::assert_snapshot!(told, @r"
    exit 2
    error: invalid value 'apps' for '--source <SOURCE>'
      [possible values: app, heroku]

      tip: a similar value exists: 'app'

    For more information, try '--help'.
    ");
}
