use super::{
    OutputId,
    outputs::{KEPT, Outputs},
    reader::Output,
    writer::LIMIT,
};
use crate::name::{AppId, BuildId, ReleaseId};
use futures_util::FutureExt as _;
use std::sync::Arc;

async fn text(mut output: Output) -> String {
    let mut text = Vec::new();
    while let Some(bytes) = output.next().await {
        text.extend(bytes);
    }
    String::from_utf8(text).expect("UTF-8")
}

fn open(dir: &tempfile::TempDir) -> Arc<Outputs> {
    Outputs::open(dir.path().to_owned()).expect("opened")
}

#[tokio::test]
async fn every_reader_gets_everything_whenever_it_comes() {
    let dir = tempfile::tempdir().expect("a directory");
    let outputs = open(&dir);
    let (app, id) = (AppId::random(), OutputId::Build(BuildId::random()));
    assert!(outputs.read(id).await.is_none());
    let writer = outputs.begin(app, id).await.expect("begun");
    let mut early = outputs.read(id).await.expect("there");
    writer.say("one");
    assert_eq!(early.next().await.as_deref(), Some(&b"one\n"[..]));
    assert!(early.next().now_or_never().is_none(), "it waits for more");
    let middle = outputs.read(id).await.expect("there");
    writer.say("two");
    drop(writer);
    assert_eq!((text(early).await.as_str(), text(middle).await.as_str()), ("two\n", "one\ntwo\n"));
    outputs.close().await;
    assert_eq!(text(outputs.read(id).await.expect("kept")).await, "one\ntwo\n");
    // And after a restart.
    assert_eq!(text(open(&dir).read(id).await.expect("kept")).await, "one\ntwo\n");
    outputs.forget(app).await;
    assert!(outputs.read(id).await.is_none() && open(&dir).read(id).await.is_none());
}

#[tokio::test]
async fn what_a_kill_cut_off_says_so_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let outputs = open(&dir);
    let id = OutputId::Release(ReleaseId::random());
    let writer = outputs.begin(AppId::random(), id).await.expect("begun");
    writer.say("one");
    outputs.read(id).await.expect("there").next().await.expect("written");
    drop(open(&dir));
    let next = open(&dir);
    insta::assert_snapshot!(text(next.read(id).await.expect("kept")).await, @r"
    one
     !     The platform was stopped before this ended.
    ");
}

#[tokio::test]
async fn only_an_apps_last_outputs_are_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    let outputs = open(&dir);
    let app = AppId::random();
    let ids: Vec<_> = (0..KEPT + 2).map(|_| OutputId::Build(BuildId::random())).collect();
    for id in &ids {
        outputs.begin(app, *id).await.expect("begun");
    }
    outputs.close().await;
    assert!(outputs.read(ids[1]).await.is_none() && outputs.read(ids[2]).await.is_some());
    let files = std::fs::read_dir(dir.path().join(app.to_string())).expect("read").count();
    assert_eq!(files, KEPT);
}

#[tokio::test]
async fn a_flood_is_cut_and_the_last_words_are_there() {
    let dir = tempfile::tempdir().expect("a directory");
    let outputs = open(&dir);
    let id = OutputId::Build(BuildId::random());
    let mut writer = outputs.begin(AppId::random(), id).await.expect("begun");
    let line = "x".repeat(99_999);
    for _ in 0..200 {
        writer.relay(&line);
    }
    writer.say("Released");
    drop(writer);
    let text = text(outputs.read(id).await.expect("there")).await;
    assert!(text.len() <= LIMIT + 100, "{}", text.len());
    assert!(text.ends_with("       (the output is longer than 10 MB; the rest is not shown)\nReleased\n"));
}
