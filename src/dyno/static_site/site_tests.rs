use super::*;
use cap_std::ambient_authority;
use proptest::prelude::*;
use std::{fs, path::Path};
use tempfile::TempDir;

/// A slug in a directory that also holds what no request may read.
struct Tree(TempDir);

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self(tempfile::tempdir().expect("a directory"));
        fs::create_dir(tree.root()).expect("a directory");
        fs::write(tree.0.path().join("secret.txt"), "secret").expect("written");
        for (name, content) in files {
            tree.write(name, content.as_bytes());
        }
        tree
    }

    fn root(&self) -> std::path::PathBuf {
        self.0.path().join("app")
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a directory");
        fs::write(path, content).expect("written");
    }

    fn site(&self, words: &str) -> StaticSite {
        let words: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
        let dir = Dir::open_ambient_dir(self.root(), ambient_authority()).expect("opened");
        StaticSite::new(dir, StaticOptions::parse(&words).expect("legal")).expect("a directory")
    }
}

/// The tree must live as long as its site.
fn site(files: &[(&str, &str)], words: &str) -> (Tree, StaticSite) {
    let tree = Tree::new(files);
    let site = tree.site(words);
    (tree, site)
}

async fn ask(site: &StaticSite, method: Method, path: &str, headers: &[(&str, &str)]) -> Response<String> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = site.handle(request.body(Body::default()).expect("legal")).await;
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("whole").to_bytes();
    Response::from_parts(parts, String::from_utf8_lossy(&bytes).into_owned())
}

async fn get(site: &StaticSite, path: &str) -> (u16, String) {
    let response = ask(site, Method::GET, path, &[]).await;
    (response.status().as_u16(), response.into_body())
}

fn shown(response: &Response<String>) -> String {
    let headers = response.headers().iter();
    let mut lines: Vec<_> =
        headers.map(|(name, value)| format!("{name}: {}", value.to_str().expect("text"))).collect();
    lines.sort();
    format!("{}\n{}\n\n{}", response.status(), lines.join("\n"), response.body())
}

fn header<'a>(response: &'a Response<String>, name: &str) -> &'a str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn a_file_is_sent_with_what_a_browser_needs() {
    let (_tree, site) = site(&[("index.html", "<h1>Hi</h1>")], "");
    insta::assert_snapshot!(shown(&ask(&site, Method::GET, "/", &[]).await), @r#"
    200 OK
    accept-ranges: bytes
    cache-control: public, max-age=0, must-revalidate
    content-length: 11
    content-type: text/html; charset=utf-8
    etag: "0f8ca7467b0a55599c03aad0aed980d3"
    x-content-type-options: nosniff

    <h1>Hi</h1>
    "#);
}

#[tokio::test]
async fn a_head_is_a_get_without_its_body() {
    let (_tree, site) = site(&[("a.txt", "12345")], "");
    let (get, head) = (
        ask(&site, Method::GET, "/a.txt", &[]).await,
        ask(&site, Method::HEAD, "/a.txt", &[("range", "bytes=0-1")]).await,
    );
    assert_eq!((get.status(), get.headers()), (head.status(), head.headers()));
    assert_eq!((get.body().as_str(), head.body().as_str()), ("12345", ""));
}

#[tokio::test]
async fn other_methods_are_refused() {
    let (_tree, site) = site(&[("a.txt", "a")], "");
    let response = ask(&site, Method::POST, "/a.txt", &[]).await;
    assert_eq!((response.status().as_u16(), header(&response, "allow")), (405, "GET, HEAD"));
}

#[tokio::test]
async fn directories_have_a_slash_and_an_index() {
    let (_tree, site) = site(&[("docs/index.html", "docs"), ("empty/x", ""), ("a b/index.html", "ab")], "");
    assert_eq!(get(&site, "/docs/").await, (200, "docs".to_owned()));
    let response = ask(&site, Method::GET, "/docs?q=1", &[]).await;
    assert_eq!((response.status().as_u16(), header(&response, "location")), (301, "/docs/?q=1"));
    let response = ask(&site, Method::GET, "//a%20b", &[]).await;
    assert_eq!(header(&response, "location"), "/a%20b/");
    assert_eq!(get(&site, "/empty").await.0, 404);
    assert_eq!(get(&site, "/empty/").await.0, 404);
    assert_eq!(get(&site, "/docs/index.html/").await.0, 404);
}

#[tokio::test]
async fn the_site_may_be_a_directory_of_the_slug() {
    let tree = Tree::new(&[("dist/index.html", "built"), ("source.js", "source")]);
    let site = tree.site("dist");
    assert_eq!(get(&site, "/").await, (200, "built".to_owned()));
    assert_eq!(get(&site, "/source.js").await.0, 404);
    let dir = || Dir::open_ambient_dir(tree.root(), ambient_authority()).expect("opened");
    let open = |name: &str| {
        StaticSite::new(dir(), StaticOptions { directory: name.to_owned(), ..StaticOptions::default() })
    };
    insta::assert_snapshot!(open("public").expect_err("missing"), @"static cannot open the directory `public` of the slug: No such file or directory (os error 2); does the build make it?");
    assert!(open("..").is_err() && open("/").is_err());
}

#[tokio::test]
async fn hidden_files_are_not_served() {
    let files = [
        (".env", "secret"),
        (".git/config", "secret"),
        (".well-known/security.txt", "open"),
        ("a/.b", "secret"),
    ];
    let (_tree, site) = site(&files, "");
    for path in ["/.env", "/.git/config", "/a/.b", "/%2eenv", "/a/../.env"] {
        assert_eq!(get(&site, path).await.0, 404, "{path}");
    }
    assert_eq!(get(&site, "/.well-known/security.txt").await, (200, "open".to_owned()));
}

#[tokio::test]
async fn a_missing_file_gets_the_apps_page_or_a_small_one() {
    let (_tree, bare) = site(&[], "");
    assert_eq!(get(&bare, "/x").await, (404, "There is nothing here.\n".to_owned()));
    let (_tree, site) = site(&[("404.html", "lost?")], "");
    for path in ["/x", "/..", "/%00", "/x"] {
        let response = ask(&site, Method::GET, path, &[("if-none-match", "*"), ("range", "bytes=0-0")]).await;
        assert_eq!((response.status().as_u16(), response.body().as_str()), (404, "lost?"), "{path}");
        assert_eq!(
            (header(&response, "etag"), header(&response, "content-type")),
            ("", "text/html; charset=utf-8")
        );
    }
}

#[tokio::test]
async fn a_single_page_app_answers_every_page() {
    let (_tree, site) =
        site(&[("index.html", "app"), ("a.js", "code"), ("404.html", "lost")], "--single-page");
    for path in ["/", "/users/7", "/users/", "/a.js/x"] {
        assert_eq!(get(&site, path).await, (200, "app".to_owned()), "{path}");
    }
    assert_eq!(get(&site, "/a.js").await, (200, "code".to_owned()));
    assert_eq!(get(&site, "/b.js").await, (404, "lost".to_owned()));
    assert_eq!(get(&site, "/../x").await, (404, "lost".to_owned()));
}

#[tokio::test]
async fn clean_urls_hide_the_extension() {
    let files = [("index.html", "home"), ("about.html", "about"), ("docs/index.html", "docs")];
    let (_tree, site) = site(&files, "--clean-urls");
    assert_eq!(get(&site, "/about").await, (200, "about".to_owned()));
    for (path, to) in [("/about.html", "/about"), ("/index.html", "/"), ("/docs/index.html", "/docs/")] {
        let response = ask(&site, Method::GET, path, &[]).await;
        assert_eq!((response.status().as_u16(), header(&response, "location")), (301, to), "{path}");
    }
    let (_tree, plain) = self::site(&files, "");
    assert_eq!(get(&plain, "/about").await.0, 404);
}

#[tokio::test]
async fn a_known_file_is_not_sent_again() {
    let (_tree, site) = site(&[("a.css", "a {}")], "");
    let tag = header(&ask(&site, Method::GET, "/a.css", &[]).await, "etag").to_owned();
    let again = ask(&site, Method::GET, "/a.css", &[("if-none-match", &tag), ("range", "bytes=0-0")]).await;
    assert_eq!((again.status().as_u16(), header(&again, "etag")), (304, tag.as_str()));
    assert_eq!((again.body().as_str(), header(&again, "content-length")), ("", ""));
}

#[tokio::test]
async fn the_smallest_encoding_that_the_client_reads_is_sent() {
    let (_tree, site) =
        site(&[("a.js", "plain"), ("a.js.br", "br"), ("a.js.zst", "zst"), ("a.js.gz", "gz")], "");
    let mut tags = Vec::new();
    for (accept, body, encoding) in [
        ("", "plain", ""),
        ("gzip", "gz", "gzip"),
        ("gzip, zstd", "zst", "zstd"),
        ("gzip, zstd, br", "br", "br"),
    ] {
        let response = ask(&site, Method::GET, "/a.js", &[("accept-encoding", accept)]).await;
        assert_eq!((response.body().as_str(), header(&response, "content-encoding")), (body, encoding));
        assert_eq!(header(&response, "vary"), "accept-encoding");
        assert_eq!(header(&response, "content-type"), "text/javascript; charset=utf-8");
        tags.push(header(&response, "etag").to_owned());
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4);
}

#[tokio::test]
async fn large_files_come_in_chunks_and_parts() {
    let tree = Tree::new(&[]);
    let content: Vec<u8> = (0..1_000_000_u32).map(|n| b'a' + u8::try_from(n % 26).expect("small")).collect();
    tree.write("big.bin", &content);
    let site = tree.site("");
    let request = Request::get("/big.bin").body(Body::default()).expect("legal");
    let mut body = site.handle(request).await.into_body();
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let chunk = frame.expect("read").into_data().expect("data");
        assert!(chunk.len() <= CHUNK);
        read.extend_from_slice(&chunk);
    }
    assert!(read == content);
    let part = ask(&site, Method::GET, "/big.bin", &[("range", "bytes=999990-")]).await;
    assert_eq!((part.status().as_u16(), part.body().as_bytes()), (206, &content[999_990..]));
    assert_eq!(header(&part, "content-range"), "bytes 999990-999999/1000000");
    assert_eq!(header(&part, "content-length"), "10");
}

#[tokio::test]
async fn ranges_are_answered_as_they_are_asked() {
    let (_tree, site) = site(&[("a.txt", "0123456789")], "");
    let part = ask(&site, Method::GET, "/a.txt", &[("range", "bytes=2-4")]).await;
    assert_eq!(
        (part.status().as_u16(), part.body().as_str(), header(&part, "content-range")),
        (206, "234", "bytes 2-4/10")
    );
    let many = ask(&site, Method::GET, "/a.txt", &[("range", "bytes=0-0,2-2")]).await;
    assert_eq!((many.status().as_u16(), many.body().as_str()), (200, "0123456789"));
    let none = ask(&site, Method::GET, "/a.txt", &[("range", "bytes=10-")]).await;
    assert_eq!((none.status().as_u16(), header(&none, "content-range")), (416, "bytes */10"));
}

/// A tree with every way out that a slug could hold.
fn trap() -> Tree {
    let tree = Tree::new(&[("index.html", "home"), ("a/b.html", "b"), (".env", "secret")]);
    let link =
        |to: &Path, name: &str| std::os::unix::fs::symlink(to, tree.root().join(name)).expect("linked");
    link(Path::new("../secret.txt"), "out");
    link(Path::new(".."), "up");
    link(&tree.0.path().join("secret.txt"), "absolute");
    link(Path::new("a"), "inside");
    link(Path::new("loop"), "loop");
    link(Path::new("../../secret.txt"), "a/out.br");
    tree.write("a/out", b"plain");
    tree
}

#[tokio::test]
async fn links_are_followed_inside_only() {
    let tree = trap();
    let site = tree.site("");
    assert_eq!(get(&site, "/inside/b.html").await, (200, "b".to_owned()));
    for path in ["/out", "/up/secret.txt", "/up/", "/absolute", "/loop", "/inside/../../secret.txt"] {
        assert_eq!(get(&site, path).await.0, 404, "{path}");
    }
    let response = ask(&site, Method::GET, "/a/out", &[("accept-encoding", "br")]).await;
    assert_eq!((response.status().as_u16(), response.body().as_str()), (200, "plain"));
}

#[test]
fn no_path_reads_outside_the_root() {
    let tree = trap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let sites = [tree.site(""), tree.site("--single-page --clean-urls"), tree.site("a")];
    let part = prop_oneof![
        "(\\.\\.|%2e%2e|\\.|%2F|%5c|%00|//)",
        "(out|up|absolute|inside|loop|a|b|secret|secret\\.txt|\\.env|app|index\\.html)",
    ];
    let path = prop::collection::vec(part, 0..8).prop_map(|parts| format!("/{}", parts.join("/")));
    let mut runner = proptest::test_runner::TestRunner::default();
    let ran = runner.run(&path, |path| {
        for site in &sites {
            let response =
                runtime.block_on(ask(site, Method::GET, &path, &[("accept-encoding", "br, gzip")]));
            prop_assert!(!response.body().contains("secret"), "{path}");
            prop_assert!(
                matches!(response.status().as_u16(), 200 | 301 | 404),
                "{path}: {}",
                response.status()
            );
        }
        Ok(())
    });
    assert_eq!(ran, Ok(()));
}
