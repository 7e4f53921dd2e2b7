//! Log sessions.

use super::door::{Door, path_of};
use crate::logplex::{Source, Stream};
use crate::name::AppName;
use axum::{
    body::{Body, BodyDataStream},
    http::Request,
};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use std::time::Duration;

fn say(door: &Door, process: &str, text: &str) {
    door.rooms.logplex.channel(&AppName::like("shop")).write(Source::App, process, Stream::Stdout, text);
}

async fn session(door: &Door, body: Value) -> String {
    let answer = door.post("/apps/shop/log-sessions", body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    path_of(&answer.body["logplex_url"])
}

/// The stream at `path`, as an event source asks for it.
async fn read(door: &Door, path: &str, last: Option<&str>) -> (u16, BodyDataStream) {
    let request = Request::get(format!("{path}?srv=1")).header("accept", "text/event-stream");
    let request = last.into_iter().fold(request, |request, last| request.header("last-event-id", last));
    let answer = door.send(request.body(Body::empty()).expect("a request")).await;
    (answer.status().as_u16(), answer.into_body().into_data_stream())
}

/// The next event with a line: its id and text.
async fn next(stream: &mut BodyDataStream) -> Option<(String, String)> {
    loop {
        let piece = stream.next().await?.expect("no fault");
        let event = std::str::from_utf8(&piece).expect("text");
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        if let (Some(id), Some(data)) = (field("id: "), field("data: ")) {
            return Some((id, data.rsplit_once("]: ").expect("a log line").1.to_owned()));
        }
    }
}

async fn texts(door: &Door, body: Value) -> Vec<String> {
    let path = session(door, body).await;
    let (_, mut stream) = read(door, &path, None).await;
    let mut texts = Vec::new();
    while let Some((_, text)) = next(&mut stream).await {
        texts.push(text);
    }
    texts
}

#[tokio::test]
async fn without_tail_the_newest_lines_are_all() {
    let door = Door::open().await;
    door.create_shop().await;
    for n in 0..4 {
        say(&door, "web.1", &format!("web {n}"));
        say(&door, "worker.1", &format!("worker {n}"));
    }
    let app = json!({ "source": "app", "lines": 3, "tail": false });
    assert_eq!(texts(&door, app).await, ["worker 2", "web 3", "worker 3"]);
    for filter in [
        json!({ "dyno": "web.1", "lines": 2 }),
        json!({ "dyno_name": "web", "lines": "2" }),
        json!({ "type": "web", "lines": 2 }),
    ] {
        assert_eq!(texts(&door, filter.clone()).await, ["web 2", "web 3"], "{filter}");
    }
    assert_eq!(texts(&door, json!({ "dyno": "web", "lines": 0 })).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_reader_that_comes_back_misses_nothing_and_gets_nothing_twice() {
    let door = Door::open().await;
    door.create_shop().await;
    for n in 0..5 {
        say(&door, "web.1", &n.to_string());
    }
    let path = session(&door, json!({ "dyno": "web", "lines": 2, "tail": true })).await;
    let (status, mut stream) = read(&door, &path, None).await;
    assert_eq!(status, 200);
    let (_, text) = next(&mut stream).await.expect("a line");
    assert_eq!(text, "3");
    let (id, text) = next(&mut stream).await.expect("a line");
    assert_eq!(text, "4");
    drop(stream);

    say(&door, "web.1", "while away");
    door.clock.advance(Duration::from_millis(1));
    say(&door, "web.1", "later");
    let (_, mut stream) = read(&door, &path, Some(&id)).await;
    assert_eq!(next(&mut stream).await.expect("a line").1, "while away");
    assert_eq!(next(&mut stream).await.expect("a line").1, "later");
    say(&door, "web.1", "live");
    assert_eq!(next(&mut stream).await.expect("a line").1, "live");
    door.rooms.stop.cancel();
    assert_eq!(next(&mut stream).await, None, "streams end when the platform stops");
}

#[tokio::test]
async fn a_session_waits_five_minutes_for_a_reader() {
    let door = Door::open().await;
    door.create_shop().await;
    let path = session(&door, json!({ "tail": true })).await;
    door.clock.advance(Duration::from_mins(4));
    let (_, stream) = read(&door, &path, None).await;
    door.clock.advance(Duration::from_hours(1));
    drop(stream);
    door.clock.advance(Duration::from_mins(4));
    assert_eq!(read(&door, &path, None).await.0, 200, "it came back in time");
    door.clock.advance(Duration::from_mins(5));
    assert_eq!(read(&door, &path, None).await.0, 404);
}

#[tokio::test]
async fn a_session_has_room_for_twenty_readers() {
    let door = Door::open().await;
    door.create_shop().await;
    let path = session(&door, json!({ "dyno": "nobody", "tail": true })).await;
    let mut readers = Vec::new();
    for _ in 0..20 {
        let (status, stream) = read(&door, &path, None).await;
        assert_eq!(status, 200);
        readers.push(stream);
    }
    let (status, mut refusal) = read(&door, &path, None).await;
    assert_eq!(status, 429);
    let refusal = refusal.next().await.expect("a body").expect("no fault");
    insta::assert_snapshot!(std::str::from_utf8(&refusal).expect("text"), @r#"{"id":"rate_limit","message":"This log session has 20 readers, which is the most: begin a new one."}"#);
    readers.pop();
    assert_eq!(read(&door, &path, None).await.0, 200, "one has left");
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_says_that_it_lives() {
    let door = Door::open().await;
    door.create_shop().await;
    let path = session(&door, json!({ "dyno": "nobody", "tail": true })).await;
    let (_, mut stream) = read(&door, &path, None).await;
    for _ in 0..3 {
        assert_eq!(stream.next().await.expect("a piece").expect("no fault"), ": keep-alive\n\n");
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_app() {
    let door = Door::open().await;
    door.create_shop().await;
    let path = session(&door, json!({ "dyno": "nobody", "tail": true })).await;
    let (_, mut stream) = read(&door, &path, None).await;
    assert_eq!(door.delete("/apps/shop").await.status, 200);
    assert_eq!(next(&mut stream).await, None);
    assert_eq!(read(&door, &path, None).await.0, 404);
}

#[tokio::test]
async fn no_line_can_pass_for_two() {
    let door = Door::open().await;
    door.create_shop().await;
    say(&door, "web.1", "10 %\rid: 7\rdata: 20 %");
    let path = session(&door, json!({ "dyno": "web" })).await;
    let (_, mut stream) = read(&door, &path, None).await;
    assert_eq!(next(&mut stream).await.expect("a line").1, "10 % id: 7 data: 20 %");
}
