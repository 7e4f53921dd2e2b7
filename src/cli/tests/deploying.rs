use super::{
    objects::{app, build, release},
    stage::Stage,
};
use crate::cli::client::{Access, canned::Canned};
use crate::slug::{PackPlan, ProcessPlan, Slug, SlugStore};
use serde_json::json;
use std::{fs, path::Path};

fn upload() -> [Canned; 3] {
    let source = json!({ "source_blob": { "get_url": "ORIGIN/sources/1", "put_url": "http://paas.example.com:9/sources/1?secret=hush" } });
    [
        Canned::json("GET /apps/shop", &app("shop")),
        Canned::json("POST /sources", &source).with_status(201),
        Canned::text("PUT /sources/1?secret=hush", ""),
    ]
}

const OUTPUT: &str = "-----> Building on the Hokku-1 stack\n\u{1b}[31m-----> Launching...\n       Released v3\n       http://shop.localhost:8080/ deployed to Hokku\n";

fn page() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("dir");
    fs::write(dir.path().join("index.html"), "<h1>hello</h1>").expect("file");
    dir
}

async fn deployed(stage: &Stage, source: &Path, more: &[&str]) -> String {
    let source_text = source.to_str().expect("text");
    let told = stage.words(&[&["deploy", source_text, "-a", "shop"], more].concat()).await;
    sizes_hidden(&told.replace(source_text, "SOURCE"))
}

/// `text` without what a compressor may change.
fn sizes_hidden(text: &str) -> String {
    let line = |line: &str| {
        let cut = ["Uploading ", "[content-length: ", "\"checksum\":\"SHA256:"];
        match cut.iter().find_map(|start| Some(line.find(start)? + start.len())) {
            Some(at) => {
                let rest = line[at..].find(['.', ']', '"']).map_or("", |end| &line[at + end..]);
                let rest = rest.find("...").map_or(rest, |dots| &rest[dots..]);
                format!("{}*{rest}", &line[..at])
            }
            None => line.to_owned(),
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_directory_is_uploaded_built_and_released() {
    let dir = page();
    let stage = Stage::with(upload().into_iter().chain([
        Canned::json("POST /apps/shop/builds", &build("pending")).with_status(201),
        Canned::text("GET /outputs/build-1?secret=hush", OUTPUT),
        Canned::json("GET /apps/shop/builds/build-1", &build("succeeded")),
        Canned::json("GET /apps/shop/releases/release-3", &release(3, "Deploy", "succeeded")),
    ]))
    .await;
    insta::assert_snapshot!(deployed(&stage, dir.path(), &[]).await, @r"
    exit 0
    --- out
    -----> Building on the Hokku-1 stack
    -----> Launching...
           Released v3
           http://shop.localhost:8080/ deployed to Hokku
    --- err
    Packing the source... done
    Uploading *... done
    ");
    insta::assert_snapshot!(sizes_hidden(&stage.asked()), @r#"
    GET /apps/shop [authorization: Bearer t0ken]
    POST /sources [authorization: Bearer t0ken] <- {}
    PUT /sources/1?secret=hush [content-length: *]
    POST /apps/shop/builds [authorization: Bearer t0ken] <- {"source_blob":{"checksum":"SHA256:*","url":"http://ADDRESS/sources/1"}}
    GET /outputs/build-1?secret=hush
    GET /apps/shop/builds/build-1 [authorization: Bearer t0ken]
    GET /apps/shop/releases/release-3 [authorization: Bearer t0ken]
    "#);
}

/// Runs `git` in `dir`, as somebody without settings of their own.
fn git(dir: &Path, words: &[&str]) -> String {
    let mut command = std::process::Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").arg("-C").arg(dir);
    command.args(["-c", "user.name=somebody", "-c", "user.email=somebody@localhost"]).args(words);
    let output = command.output().expect("git");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

#[tokio::test]
async fn a_clean_work_tree_names_its_commit() {
    let dir = page();
    for words in [&["init", "-q"][..], &["add", "."], &["commit", "-q", "-m", "first"]] {
        git(dir.path(), words);
    }
    let commit = git(dir.path(), &["rev-parse", "HEAD"]);
    let asked = async || {
        let stage = Stage::with(upload()).await;
        deployed(&stage, dir.path(), &[]).await;
        stage.asked()
    };
    let version = format!(r#""version":"{commit}""#);
    assert!(asked().await.contains(&version));
    fs::write(dir.path().join("new"), "not committed").expect("file");
    assert!(!asked().await.contains("version"));
}

#[tokio::test]
async fn a_build_that_fails_fails_the_deploy() {
    let stage = Stage::with(upload().into_iter().chain([
        Canned::json("POST /apps/shop/builds", &build("pending")).with_status(201),
        Canned::text("GET /outputs/build-1?secret=hush", " !     No default language could be detected"),
        Canned::json("GET /apps/shop/builds/build-1", &build("pending")),
        Canned::json("GET /apps/shop/builds/build-1", &build("failed")),
    ]))
    .await;
    insta::assert_snapshot!(deployed(&stage, page().path(), &["--json"]).await, @r"
    exit 1
    --- out
    --- err
    Packing the source... done
    Uploading *... done
     !     No default language could be detected
     !     the build failed; what served before still does
    ");
}

#[tokio::test]
async fn a_release_command_that_fails_fails_the_deploy() {
    let stage = Stage::with(upload().into_iter().chain([
        Canned::json("POST /apps/shop/builds", &build("pending")).with_status(201),
        Canned::text("GET /outputs/build-1?secret=hush", "-----> Launching...\n"),
        Canned::json("GET /apps/shop/builds/build-1", &build("succeeded")),
        Canned::json("GET /apps/shop/releases/release-3", &release(3, "Deploy", "pending")),
        Canned::text("GET /outputs/release-3", "no such table\n"),
        Canned::json("GET /apps/shop/releases/release-3", &release(3, "Deploy", "failed")),
    ]))
    .await;
    insta::assert_snapshot!(deployed(&stage, page().path(), &[]).await, @r"
    exit 1
    --- out
    -----> Launching...
    no such table
    --- err
    Packing the source... done
    Uploading *... done
    Running the release command of v3
     !     the release command of v3 failed, so the release before it stays current
    ");
}

#[tokio::test]
async fn an_upload_that_is_refused_shows_no_secret() {
    let [known, source, _] = upload();
    let full =
        Canned::refusal("PUT /sources/1?secret=hush", 413, "too_large", "The source is larger than 1.0 GB.");
    let told = deployed(&Stage::with([known, source, full]).await, page().path(), &[]).await;
    insta::assert_snapshot!(told, @r"
    exit 1
    --- out
    --- err
    Packing the source... done
    Uploading *... failed
     !     The source is larger than 1.0 GB.
    ");
    assert!(!told.contains("hush"));
}

#[tokio::test]
async fn who_loses_the_platform_is_told_where_to_look() {
    let stage = Stage::with(upload().into_iter().chain([
        Canned::json("POST /apps/shop/builds", &build("pending")).with_status(201),
        Canned::text("GET /outputs/build-1?secret=hush", "-----> Building\n").cut(),
        Canned::json("GET /apps/shop/builds/build-1", &build("pending")).cut(),
    ]))
    .await;
    let told = deployed(&stage, page().path(), &[]).await;
    let last = told.lines().last().expect("an error");
    assert!(last.starts_with(" !     the connection to http://ADDRESS broke: "), "{told}");
    assert!(last.ends_with("; what became of the deploy: see `hokku releases -a shop`"), "{told}");
}

#[tokio::test]
async fn an_upload_that_the_platform_closes_names_the_likely_reason() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    let client = Access::of_test(&host).client().expect("a client");
    let endless = futures_util::stream::repeat_with(|| Ok(bytes::Bytes::from_static(&[0; 8_192])));
    let upload = client.put("http://paas.example.com/sources/1?secret=hush", u64::MAX, endless);
    let closing = async { drop(listener.accept().await.expect("a connection")) };
    let error = tokio::join!(upload, closing).0.expect_err("closed").to_string();
    let (told, _why) = error.split_once(" (").expect("a cause");
    insta::assert_snapshot!(told.replace(&host, "ADDRESS"), @"http://ADDRESS closed the upload before its end: it may be larger than the platform takes");
    assert!(!error.contains("hush"));
}

#[tokio::test]
async fn a_slug_is_uploaded_and_released() {
    let dir = page();
    let tree = cap_std::fs::Dir::open_ambient_dir(dir.path(), cap_std::ambient_authority()).expect("dir");
    let web = ProcessPlan { command: "static .".to_owned(), serves: None };
    let plan = PackPlan { processes: [("web".parse().expect("legal"), web)].into(), ..PackPlan::default() };
    let slug = Slug::pack(&SlugStore::in_memory(), tree, plan).await.expect("packed");
    let out = tempfile::tempdir().expect("dir");
    let file = out.path().join("shop.slug");
    slug.export(&file).await.expect("written");

    let made = json!({ "id": "slug-1", "blob": { "method": "PUT", "url": "ORIGIN/slugs/slug-1" }, "process_types": {} });
    let stage = Stage::with([
        Canned::json("GET /apps/shop", &app("shop")),
        Canned::json("POST /apps/shop/slugs", &made).with_status(201),
        Canned::text("PUT /slugs/slug-1", ""),
        Canned::json("POST /apps/shop/releases", &release(3, "Deploy", "succeeded")).with_status(201),
    ])
    .await;
    insta::assert_snapshot!(deployed(&stage, &file, &[]).await, @r"
    exit 0
    --- out
    Released v3, http://shop.localhost:8080/ deployed to Hokku
    --- err
    Uploading *... done
    Releasing SOURCE... done, v3
    ");
    insta::assert_snapshot!(sizes_hidden(&stage.asked()), @r#"
    GET /apps/shop [authorization: Bearer t0ken]
    POST /apps/shop/slugs [authorization: Bearer t0ken] <- {"process_types":{"web":"static ."}}
    PUT /slugs/slug-1 [content-length: *]
    POST /apps/shop/releases [authorization: Bearer t0ken] <- {"slug":"slug-1"}
    "#);
}

#[tokio::test]
async fn what_is_not_there_is_not_deployed() {
    let stage = Stage::with([]).await;
    insta::assert_snapshot!(deployed(&stage, Path::new("/nowhere/at-all"), &[]).await, @r"
    exit 1
    --- out
    --- err
     !     cannot read SOURCE: No such file or directory (os error 2)
    ");
    assert_eq!(stage.asked(), "");
}

#[tokio::test]
async fn who_interrupts_is_told_that_the_build_goes_on() {
    let stage = Stage::with(upload().into_iter().chain([
        Canned::json("POST /apps/shop/builds", &build("pending")).with_status(201),
        Canned::text("GET /outputs/build-1?secret=hush", "-----> Building\n").endless(),
    ]))
    .await;
    let dir = page();
    let words = ["deploy", dir.path().to_str().expect("text"), "-a", "shop"];
    let told = stage.interrupted(&words, "GET /outputs/build-1").await;
    insta::assert_snapshot!(told.expect("words"), @"The build goes on at the platform. Watch it with `hokku builds output -a shop`, or end it with `hokku builds cancel -a shop`.");
}
