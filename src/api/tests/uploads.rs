//! Sources and slugs on their way in.

use super::door::{Answer, Door, path_of};
use axum::{body::Body, http::Request};
use bytes::Bytes;
use serde_json::{Value, json};
use std::{io, time::Duration};

async fn upload(door: &Door, path: &str, body: impl Into<Body>) -> Answer {
    // Without a token and with an empty content type, as clients send it.
    let request = Request::put(path).header("content-type", "").body(body.into());
    Answer::of(door.send(request.expect("a request")).await).await
}

async fn source(door: &Door) -> Value {
    door.post("/sources", json!({})).await.body["source_blob"].clone()
}

fn files_left(door: &Door) -> usize {
    std::fs::read_dir(door.dir.path().join("releases/uploads")).expect("a directory").count()
}

fn in_pieces(pieces: impl IntoIterator<Item = io::Result<&'static str>>) -> Body {
    let pieces: Vec<_> = pieces.into_iter().map(|piece| piece.map(Bytes::from)).collect();
    Body::from_stream(futures_util::stream::iter(pieces))
}

#[tokio::test]
async fn a_source_is_uploaded_once_and_built_once() {
    let door = Door::open().await;
    door.create_shop().await;
    let addresses = source(&door).await;
    let build = json!({ "source_blob": { "url": addresses["get_url"], "version": "" } });
    insta::assert_snapshot!(door.post("/apps/shop/builds", build.clone()).await.refusal(), @"422 invalid_params: Nothing was uploaded yet: PUT the archive to the put_url of POST /sources first.");
    let put = path_of(&addresses["put_url"]);
    assert_eq!(upload(&door, &put, "no archive").await.status, 200);
    insta::assert_snapshot!(upload(&door, &put, "another").await.refusal(), @"409 conflict: This address was used already: ask for a new one.");
    let created = door.post("/apps/shop/builds", build.clone()).await;
    insta::assert_snapshot!("build", created.shown());
    assert_eq!(door.post("/apps/shop/builds", build).await.status, 422);

    let output = path_of(&created.body["output_stream_url"]);
    let stream = door.send(Request::get(output).body(Body::empty()).expect("a request")).await;
    assert_eq!(stream.status(), 200);
    let said = axum::body::to_bytes(stream.into_body(), 1 << 20).await.expect("an end");
    assert!(!said.is_empty(), "the output ends with the build");
    let id = created.body["id"].as_str().expect("an id").to_owned();
    let ended = door.get(&format!("/apps/shop/builds/{id}")).await.body;
    assert_eq!(ended["status"], "failed", "{ended}");
    insta::assert_snapshot!(door.delete(&format!("/apps/shop/builds/{id}")).await.refusal(), @"422 invalid_params: This build has ended; there is nothing to cancel.");
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_leaves_nothing() {
    let door = Door::open_with(|config| config.upload_limit = 8).await;
    let put = path_of(&source(&door).await["put_url"]);
    let announced = Request::put(&put).header("content-length", "9").body(Body::from("123456789"));
    let announced = Answer::of(door.send(announced.expect("a request")).await).await;
    insta::assert_snapshot!(announced.refusal(), @"413 payload_too_large: The upload is larger than 8 bytes, the most this platform takes: leave files out.");
    let unannounced = upload(&door, &put, in_pieces(["1234", "5678", "9"].map(Ok))).await;
    assert_eq!(unannounced.status, 413);
    let broken =
        upload(&door, &put, in_pieces([Ok("1234"), Err(io::ErrorKind::ConnectionReset.into())])).await;
    insta::assert_snapshot!(broken.refusal(), @"400 bad_request: The upload ended before it was complete.");
    assert_eq!(files_left(&door), 0);
    assert_eq!(upload(&door, &put, "12345678").await.status, 200, "the address is still good");
    assert_eq!(files_left(&door), 1);
}

#[tokio::test]
async fn an_address_is_good_for_an_hour() {
    let door = Door::open().await;
    let [early, late] = [source(&door).await, source(&door).await];
    assert_eq!(upload(&door, &path_of(&early["put_url"]), "x").await.status, 200);
    door.clock.advance(Duration::from_hours(1));
    insta::assert_snapshot!(upload(&door, &path_of(&late["put_url"]), "x").await.refusal(), @"404 not_found: There is no upload to this address (any more): ask for a new one.");
    source(&door).await;
    assert_eq!(files_left(&door), 0, "what nobody took is deleted");
}

#[tokio::test]
async fn a_file_that_is_no_slug_is_refused() {
    let door = Door::open().await;
    door.create_shop().await;
    let expected = door.post("/apps/shop/slugs", json!({ "process_types": { "web": "x" } })).await.body;
    let refused = upload(&door, &path_of(&expected["blob"]["url"]), "no slug").await;
    insta::assert_snapshot!(refused.refusal(), @"422 invalid_params: What was uploaded is not a slug: it is not an archive made by hokku build.");
    assert_eq!(files_left(&door), 0);
}

#[tokio::test]
async fn a_slug_comes_back_as_it_was_sent() {
    let door = Door::open().await;
    door.create_shop().await;
    door.release_page().await;
    let release = door.get("/apps/shop/releases/3").await.body;
    let id = release["slug"]["id"].as_str().expect("an id").to_owned();
    let blob = path_of(&door.get(&format!("/apps/shop/slugs/{id}")).await.body["blob"]["url"]);
    let get = async |path: &str| door.send(Request::get(path).body(Body::empty()).expect("a request")).await;
    let fetched = axum::body::to_bytes(get(&blob).await.into_body(), 1 << 24).await.expect("a slug");
    assert!(fetched == std::fs::read(door.dir.path().join("page.slug")).expect("reads"));
    assert_eq!(files_left(&door), 0);
    let (address, _) = blob.rsplit_once('/').expect("a secret");
    assert_eq!(get(&format!("{address}/{}", "0".repeat(64))).await.status(), 404);
}

#[tokio::test]
async fn one_account_cannot_fill_the_disk() {
    let door = Door::open().await;
    for _ in 0..20 {
        let put = path_of(&source(&door).await["put_url"]);
        assert_eq!(upload(&door, &put, "x").await.status, 200);
        door.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(files_left(&door), 16);
}
