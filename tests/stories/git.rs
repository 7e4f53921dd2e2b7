//! `git push hokku main`: apps are deployed with the real `git`.

use crate::{
    TestResult,
    fixture::{output, said},
    git_client::{Push, Remote, Speech, WorkTree},
    platform::{assert_tidy, marked},
    platform_fixture::Up,
};
use hokku::ledger::{Actor, Event, Ledger, LedgerConfig, PlatformKey, State, Stream, TokenScope};
use hokku::name::{AccountId, AuthorizationId, CollaboratorId};
use std::{
    io::{Read as _, Write as _},
    os::unix::{net::UnixStream, process::ExitStatusExt as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Each of these stories over both, with the same words.
macro_rules! over_http_and_https {
    ($($story:ident),+ $(,)?) => {
        mod over_http {
            use std::process::Termination;

            $(
                #[test]
                fn $story() -> impl Termination {
                    insta::allow_duplicates! { super::$story(super::Speech::Http) }
                }
            )+
        }

        mod over_https {
            use std::process::Termination;

            $(
                #[test]
                fn $story() -> impl Termination {
                    insta::allow_duplicates! { super::$story(super::Speech::Https) }
                }
            )+
        }
    };
}

over_http_and_https! {
    a_push_builds_releases_and_answers,
    a_failed_build_refuses_the_push_and_the_branch_stays,
    a_failed_release_phase_refuses_the_push_too,
    only_main_and_master_deploy,
    a_clone_gives_back_what_was_pushed,
    only_one_push_at_a_time_builds_an_app,
    a_client_that_goes_away_does_not_stop_its_build,
    a_stopped_platform_tells_and_a_killed_one_takes_the_push_again,
    a_repository_of_sixty_megabytes_is_pushed,
    a_pack_that_is_too_large_is_refused,
    a_shallow_clone_can_be_pushed,
    submodules_and_pointers_are_told_with_their_remedy,
    who_may_push_is_asked_and_others_are_told,
}

/// Never ends by itself.
const SPIN: &str = r#"(module (memory (export "memory") 1) (func (export "_start") (loop $l (br $l))))"#;

/// A platform with the app `shop`, and a work tree of it with one commit.
struct Shop {
    up: Option<Up>,
    speech: Speech,
    data: tempfile::TempDir,
    environment: Vec<(&'static str, &'static str)>,
    tree: WorkTree,
}

impl Shop {
    fn open(speech: Speech) -> Self {
        Self::with(speech, &[])
    }

    fn with(speech: Speech, environment: &[(&'static str, &'static str)]) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let up = Up::with(&data.path().join("data"), &[], environment);
        up.run(&["create", "shop"]);
        let tree = WorkTree::of(&Remote::of(&up, speech), "shop");
        tree.write("Procfile", "web: mirror\n");
        tree.write("mirror.wat", marked(1));
        tree.commit("First");
        Self { up: Some(up), speech, data, environment: environment.to_owned(), tree }
    }

    /// One whose release phase never ends.
    fn endless(speech: Speech) -> Self {
        let shop = Self::open(speech);
        shop.tree.write("Procfile", "web: mirror\nrelease: spin\n");
        shop.tree.write("spin.wat", SPIN);
        shop.tree.commit("Endless");
        shop
    }

    fn up(&self) -> &Up {
        self.up.as_ref().expect("running")
    }

    /// Starts the platform again; its port is another one.
    fn start(&mut self) {
        self.up = Some(Up::with(&self.data.path().join("data"), &[], &self.environment));
        self.tree.moves_to(&Remote::of(self.up(), self.speech), "shop");
    }

    fn remote(&self) -> Remote {
        Remote::of(self.up(), self.speech)
    }

    fn page(&self) -> String {
        self.up().get("shop", "/").expect("answered").1
    }

    fn change(&self, code: u32) -> String {
        self.tree.write("mirror.wat", marked(code));
        self.tree.commit("Changed")
    }

    fn repositories(&self) -> PathBuf {
        self.data.path().join("data/git")
    }

    fn repository(&self) -> PathBuf {
        let id = self.up().ask("/apps/shop")["id"].as_str().expect("an id").to_owned();
        self.repositories().join(format!("{id}.git"))
    }

    fn stop_tidily(mut self) {
        assert!(self.up.take().expect("running").stop().success());
        assert_tidy(&self.data.path().join("data"));
    }

    /// What a push says, without what differs from run to run.
    fn steady(&self, told: &str) -> String {
        let told = told.replace(&format!(":{}", self.up().port()), ":PORT").replace("https://", "http://");
        let told = told.replace(&self.tree.head()[..7], "COMMIT");
        let varies = |line: &&str| line.contains("       Done") || line.contains("Compiling");
        told.lines().map(str::trim_end).filter(|line| !varies(line)).collect::<Vec<_>>().join("\n")
    }
}

/// Waits until something is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let due = Instant::now() + Duration::from_mins(2);
    while !is_so() {
        assert!(Instant::now() < due, "{what} never came");
        std::thread::yield_now();
    }
}

fn a_push_builds_releases_and_answers(speech: Speech) {
    let shop = Shop::open(speech);
    let told = shop.tree.push(&["main"]);
    insta::assert_snapshot!(shop.steady(&told), @r"
    remote: Updated 2 paths from COMMIT
    remote: Compressing source files... done.
    remote: Building source:
    remote:
    remote: -----> Building on the Hokku-1 stack
    remote: -----> WebAssembly app detected
    remote:        Found mirror.wat (11228 bytes)
    remote: -----> Discovering process types
    remote:        Procfile declares types -> web
    remote: -----> Compressing...
    remote: -----> Launching...
    remote:        Released v3
    remote:        http://shop.localhost:PORT/ deployed to Hokku
    remote: Verifying deploy... done.
    To http://localhost:PORT/shop.git
     * [new branch]      main -> main
    ");
    assert!(shop.page().starts_with("code-001\n"));
    assert_eq!(shop.tree.there("refs/heads/main"), shop.tree.head());
    let releases = shop.up().releases("shop");
    let description = releases[2]["description"].as_str().expect("text");
    assert_eq!(description, format!("Deploy {}", &shop.tree.head()[..8]));
    assert!(shop.tree.push(&["main"]).contains("Everything up-to-date"));

    shop.change(2);
    shop.tree.push(&["main"]);
    assert!(shop.page().starts_with("code-002\n"));
    // What was pushed last may be taken back, too.
    shop.tree.does(&["reset", "--quiet", "--hard", "HEAD~1"]);
    shop.change(3);
    assert!(shop.tree.is_refused(&["main"]).contains("[rejected]"), "git itself asks for --force");
    let told = shop.tree.push(&["--force", "main"]);
    assert!(told.contains("(forced update)"), "{told}");
    assert!(shop.page().starts_with("code-003\n"));
    shop.stop_tidily();
}

fn a_failed_build_refuses_the_push_and_the_branch_stays(speech: Speech) -> TestResult {
    let shop = Shop::open(speech);
    shop.tree.push(&["main"]);
    let before = shop.tree.head();
    shop.tree.write("mirror.wat", "(module (nonsense))");
    shop.tree.commit("Broken");
    let told = shop.tree.is_refused(&["main"]);
    let (_, block) = told.split_once("app detected").expect("a build");
    let (_, block) = block.split_once("remote: \n").expect("a blank line");
    insta::assert_snapshot!(shop.steady(block), @r"
    remote:  !     Push rejected, failed to compile WebAssembly app.
    remote:
    remote:  !     Push failed
    remote: Verifying deploy...
    remote:
    remote: !	Push rejected to shop.
    remote:
    To http://localhost:PORT/shop.git
     ! [remote rejected] main -> main (pre-receive hook declined)
    error: failed to push some refs to 'http://localhost:PORT/shop.git'
    ");
    assert_eq!(shop.tree.there("refs/heads/main"), before);
    assert!(shop.page().starts_with("code-001\n"));
    // The same commit is built again, not taken for known.
    assert!(shop.tree.is_refused(&["main"]).contains("failed to compile WebAssembly app."));

    shop.tree.does(&["rm", "--quiet", "--cached", "-r", "."]);
    std::fs::remove_file(shop.tree.path().join("mirror.wat"))?;
    std::fs::remove_file(shop.tree.path().join("Procfile"))?;
    shop.tree.write("notes.md", "nothing");
    shop.tree.commit("Nothing");
    let told = shop.tree.is_refused(&["main"]);
    assert!(told.contains(" !     no buildpack recognizes this app"), "{told}");
    assert!(told.contains(" !     Push rejected, failed to compile this app."), "{told}");

    shop.tree.write("Procfile", "web: mirror\n");
    shop.change(4);
    shop.tree.push(&["main"]);
    assert!(shop.page().starts_with("code-004\n"));
    shop.stop_tidily();
    Ok(())
}

fn a_failed_release_phase_refuses_the_push_too(speech: Speech) {
    let shop = Shop::open(speech);
    shop.tree.write("job.wat", include_str!("../guests/command.wat"));
    shop.tree.write("Procfile", "web: mirror\nrelease: job migrating\n");
    shop.tree.commit("Migrates");
    let told = shop.tree.is_refused(&["main"]);
    assert!(told.contains("remote: migrating"), "{told}");
    assert!(told.contains(" !     Push rejected, the release command failed."), "{told}");
    assert_eq!(shop.tree.there("refs/heads/main"), "");
    shop.tree.write("Procfile", "web: mirror\nrelease: job\n");
    shop.tree.commit("Mended");
    assert!(shop.tree.push(&["main"]).contains("Released v4"));
}

fn only_main_and_master_deploy(speech: Speech) {
    let shop = Shop::open(speech);
    shop.tree.push(&["main:master"]);
    assert_eq!(shop.up().releases("shop").len(), 3);
    let cloned = WorkTree::clone_of(&shop.remote(), "shop", &[]);
    assert_eq!(cloned.does(&["branch", "--show-current"]), "master", "what was deployed last");

    shop.change(2);
    shop.tree.does(&["tag", "-a", "v1", "-m", "One"]);
    let told = shop.tree.push(&["main:feature", "v1"]);
    insta::assert_snapshot!(shop.steady(&told), @r"
    remote: Pushed to non-main branch, skipping build.
    To http://localhost:PORT/shop.git
     * [new branch]      main -> feature
     * [new tag]         v1 -> v1
    ");
    let told = shop.tree.is_refused(&[":master"]);
    assert!(told.contains(" !     master is the branch that was deployed last"), "{told}");
    let told = shop.tree.is_refused(&["main", "main:master"]);
    assert!(told.contains(" !     main and master both deploy"), "{told}");
    assert_eq!(shop.up().releases("shop").len(), 3, "nothing of it deployed");

    // Another name for what deploys: the old one goes in the same push.
    shop.tree.push(&["main", ":master", ":feature"]);
    assert!(shop.page().starts_with("code-002\n"));
    assert_eq!((shop.tree.there("master"), shop.tree.there("feature")), (String::new(), String::new()));
    assert_eq!(shop.tree.there("v1^{}"), shop.tree.head());
}

fn a_clone_gives_back_what_was_pushed(speech: Speech) -> TestResult {
    let mut shop = Shop::open(speech);
    shop.tree.write("a dir/naïve file.txt", "text\n");
    shop.tree.write(".gitattributes", "secret.txt export-ignore\n*.txt text eol=crlf\n");
    shop.tree.write("secret.txt", "kept\n");
    std::os::unix::fs::symlink("secret.txt", shop.tree.path().join("link"))?;
    let commit = shop.tree.commit("Odd names");
    shop.tree.push(&["main"]);
    let cloned = WorkTree::clone_of(&shop.remote(), "shop", &[]);
    assert_eq!(cloned.head(), commit);
    assert_eq!(cloned.does(&["status", "--porcelain"]), "");
    assert_eq!(cloned.does(&["log", "--oneline"]), shop.tree.does(&["log", "--oneline"]));
    // By its id, by the older protocol, and only a part.
    let id = shop.up().ask("/apps/shop")["id"].as_str().expect("an id").to_owned();
    for options in [&["-c", "protocol.version=0"][..], &["--depth", "1"], &["--filter=blob:none"]] {
        assert_eq!(WorkTree::clone_of(&shop.remote(), &id, options).head(), commit, "{options:?}");
    }

    let next = shop.change(2);
    shop.tree.push(&["main"]);
    cloned.does(&["pull", "--quiet", "hokku", "main"]);
    assert_eq!((cloned.head(), cloned.read("mirror.wat")), (next.clone(), marked(2)));

    // A restart keeps it.
    let (told, repository) = (shop.up().told(), shop.repository());
    assert!(!told.contains("WARN"), "{told}");
    assert!(shop.up.take().expect("running").stop().success());
    shop.start();
    assert_eq!(shop.tree.there("refs/heads/main"), next);
    shop.change(3);
    shop.tree.push(&["main"]);
    assert!(shop.page().starts_with("code-003\n"));

    // It goes with its app, and an app of the same name begins anew.
    assert!(repository.exists());
    shop.up().run(&["destroy", "shop", "--confirm", "shop"]);
    until("the end of the repository", || !repository.exists());
    assert!(shop.tree.is_refused(&["main"]).contains("remote: No such app as shop."));
    shop.up().run(&["create", "shop"]);
    assert_eq!(shop.tree.there("refs/heads/main"), "");
    Ok(())
}

fn only_one_push_at_a_time_builds_an_app(speech: Speech) {
    let shop = Shop::endless(speech);
    let push = Push::begin(&shop.tree, &["main"]);
    push.wait_for("Running release command...");
    let other = WorkTree::of(&shop.remote(), "shop");
    other.write("mirror.wat", marked(7));
    other.commit("Other");
    let told = other.is_refused(&["--force", "main"]);
    insta::assert_snapshot!(shop.steady(&told), @r"
    remote:
    remote:  !     Push rejected, the app is currently being built by another push. Push again when that has ended.
    remote:
    remote: !	Push rejected to shop.
    remote:
    To http://localhost:PORT/shop.git
     ! [remote rejected] main -> main (pre-receive hook declined)
    error: failed to push some refs to 'http://localhost:PORT/shop.git'
    ");
    // What deploys nothing does not wait.
    other.push(&["main:feature"]);
    // Destroying the app ends what goes on.
    shop.up().run(&["destroy", "shop", "--confirm", "shop"]);
    let (status, told) = push.ended();
    assert!(!status.success() && told.contains("Push rejected, the app was destroyed meanwhile."), "{told}");
}

fn a_client_that_goes_away_does_not_stop_its_build(speech: Speech) {
    let shop = Shop::open(speech);
    let push = Push::begin(&shop.tree, &["main"]);
    push.wait_for("Building source:");
    assert!(push.kill().signal().is_some(), "it was killed");
    shop.up().wait_for_page("shop", "/", "code-001");
    until("the branch", || shop.tree.there("refs/heads/main") == shop.tree.head());
}

fn a_stopped_platform_tells_and_a_killed_one_takes_the_push_again(speech: Speech) -> TestResult {
    let mut shop = Shop::endless(speech);
    let push = Push::begin(&shop.tree, &["main"]);
    push.wait_for("Running release command...");
    assert!(shop.up.take().expect("running").stop().success());
    let (status, told) = push.ended();
    assert!(
        !status.success() && told.contains("the platform was stopped while the release command ran"),
        "{told}"
    );
    assert!(told.contains("(pre-receive hook declined)"), "{told}");

    shop.start();
    let push = Push::begin(&shop.tree, &["main"]);
    push.wait_for("Running release command...");
    let repository = shop.repository();
    shop.up.take().expect("running").kill();
    let (status, told) = push.ended();
    assert!(!status.success(), "{told}");
    shop.start();
    let objects = std::fs::read_dir(repository.join("objects"))?;
    let names: Vec<_> = objects.map(|entry| entry.expect("read").file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("incoming")), "{names:?}");
    assert_eq!(shop.tree.there("refs/heads/main"), "");
    shop.tree.write("Procfile", "web: mirror\n");
    shop.change(2);
    shop.tree.push(&["main"]);
    assert!(shop.page().starts_with("code-002\n"));
    Ok(())
}

fn a_repository_of_sixty_megabytes_is_pushed(speech: Speech) {
    let shop = Shop::open(speech);
    let mut random = random_bytes();
    for number in 0..15 {
        shop.tree.write(&format!("data/{number}.bin"), random(4 << 20));
    }
    shop.tree.commit("Large");
    let mut push = shop.tree.git(&["push", "hokku", "main"]);
    let pushed = output(push.env("GIT_TRACE_CURL", "1").env("GIT_TRACE_CURL_NO_DATA", "1"));
    assert!(pushed.status.success(), "{}", shop.steady(&String::from_utf8_lossy(&pushed.stderr)));
    // Over TLS git speaks HTTP/2, where every body comes in frames.
    let in_pieces = match speech {
        Speech::Http => "Transfer-Encoding: chunked",
        Speech::Https => "HTTP/2 200",
    };
    assert!(String::from_utf8_lossy(&pushed.stderr).contains(in_pieces));
    assert!(shop.page().starts_with("code-001\n"));
    let cloned = WorkTree::clone_of(&shop.remote(), "shop", &[]);
    assert_eq!(cloned.does(&["status", "--porcelain"]), "");
}

/// Bytes that cannot be packed, the same at every run.
fn random_bytes() -> impl FnMut(usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    move |count| {
        let mut bytes = Vec::with_capacity(count);
        while bytes.len() < count {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend_from_slice(&state.to_le_bytes());
        }
        bytes
    }
}

fn a_pack_that_is_too_large_is_refused(speech: Speech) {
    let shop = Shop::with(speech, &[("HOKKU_GIT_MAX_PACK", "100000")]);
    let mut random = random_bytes();
    for size in [300_000, 5 << 20] {
        shop.tree.write("large.bin", random(size));
        shop.tree.commit("Large");
        let told = shop.tree.is_refused(&["main"]);
        assert!(told.contains("pack exceeds maximum allowed size"), "{told}");
    }
    shop.tree.does(&["reset", "--quiet", "--hard", "HEAD~2"]);
    shop.tree.push(&["main"]);
}

fn a_shallow_clone_can_be_pushed(speech: Speech) {
    let shop = Shop::open(speech);
    shop.change(2);
    shop.change(3);
    let url = format!("file://{}", shop.tree.path().display());
    let shallow = shop.tree.path().with_file_name("shallow");
    shop.tree.does(&["clone", "--quiet", "--depth", "1", &url, shallow.to_str().expect("text")]);
    let words = ["push", &shop.remote().url("shop"), "main"];
    let pushed = output(shop.tree.git(&words).current_dir(&shallow));
    assert!(pushed.status.success(), "{}", said(&pushed));
    assert!(shop.page().starts_with("code-003\n"));
    let cloned = WorkTree::clone_of(&shop.remote(), "shop", &[]);
    assert_eq!((cloned.head(), cloned.read("mirror.wat")), (shop.tree.head(), marked(3)));
    // And on top of it, from the whole history.
    shop.change(4);
    shop.tree.push(&["main"]);
    assert!(shop.page().starts_with("code-004\n"));
}

fn submodules_and_pointers_are_told_with_their_remedy(speech: Speech) -> TestResult {
    let shop = Shop::open(speech);
    let library = WorkTree::of(&shop.remote(), "shop");
    library.write("lib.txt", "text");
    library.commit("Library");
    let path = library.path().display().to_string();
    shop.tree.does(&["submodule", "--quiet", "add", &path, "vendor/lib"]);
    shop.tree.commit("With a submodule");
    let told = shop.tree.is_refused(&["main"]);
    insta::assert_snapshot!(shop.steady(&told), @r"
    remote:
    remote:  !     Push rejected: `vendor/lib` is a submodule, and a push sends none of its files.
    remote:  !     Put the files themselves into the repository: `git rm --cached PATH`, remove PATH/.git, `git add PATH`.
    remote:
    remote: !	Push rejected to shop.
    remote:
    To http://localhost:PORT/shop.git
     ! [remote rejected] main -> main (pre-receive hook declined)
    error: failed to push some refs to 'http://localhost:PORT/shop.git'
    ");
    shop.tree.does(&["reset", "--quiet", "--hard", "HEAD~1"]);
    std::fs::remove_dir_all(shop.tree.path().join("vendor"))?;
    shop.tree.write("big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n");
    shop.tree.commit("With a pointer");
    let told = shop.tree.is_refused(&["main"]);
    assert!(told.contains(" !     Push rejected: `big.bin` is a Git LFS pointer"), "{told}");
    assert_eq!(shop.up().releases("shop").len(), 2);
    Ok(())
}

/// Adds somebody to the ledger of a platform that does not run; gives their token.
fn somebody(data: &Path, email: &str, scopes: &[TokenScope], works_on: Option<&str>) -> String {
    let config = LedgerConfig {
        dir: data.join("ledger"),
        key: PlatformKey::of_file(&data.join("platform.key")).expect("a key"),
    };
    let ledger = Ledger::open(config, hokku::clock::Clock::system()).expect("a ledger");
    let token = hokku::access::Token::random().expect("random");
    let account = AccountId::random();
    let made = Event::AccountCreated { account, email: email.to_owned() };
    let authorized = Event::AuthorizationCreated {
        authorization: AuthorizationId::random(),
        account,
        description: "A story's".to_owned(),
        token: token.digest(),
        expires_at: None,
        scopes: scopes.iter().copied().collect(),
    };
    let mut events = vec![(Stream::Platform, made), (Stream::Platform, authorized)];
    if let Some(app) = works_on.map(|app| ledger.state().app(app).expect("there").id) {
        let added = Event::CollaboratorAdded { collaborator: CollaboratorId::random(), account };
        events.push((Stream::App(app), added));
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let decide = |_: &State| Ok::<_, std::fmt::Error>(events.clone());
        ledger.change(&Actor::Platform, decide).await.expect("appended");
        ledger.close().await;
    });
    token.reveal().to_owned()
}

fn who_may_push_is_asked_and_others_are_told(speech: Speech) {
    let mut shop = Shop::open(speech);
    assert!(shop.up.take().expect("running").stop().success());
    let data = shop.data.path().join("data");
    let stranger = somebody(&data, "eve@example.com", &[], None);
    let reader = somebody(&data, "ray@example.com", &[TokenScope::Read], Some("shop"));
    let bob = somebody(&data, "bob@example.com", &[], Some("shop"));
    shop.start();
    let refused = |token: &str| {
        let tree = WorkTree::of(&shop.remote().with_token(token), "shop");
        tree.write("notes.txt", "Mine");
        tree.commit("Mine");
        shop.steady(&tree.is_refused(&["main"]))
    };
    insta::assert_snapshot!(refused("HOKKU-wrong"), @r"
    remote: Invalid credentials provided.
    fatal: Authentication failed for 'http://localhost:PORT/shop.git/'
    ");
    insta::assert_snapshot!(refused(&stranger), @r"
    remote: No such app as shop.
    fatal: repository 'http://localhost:PORT/shop.git/' not found
    ");
    insta::assert_snapshot!(refused(&reader), @r"
    remote: This token's scopes do not allow it. Use one that was made with wider scopes.
    fatal: unable to access 'http://localhost:PORT/shop.git/': The requested URL returned error: 403
    ");
    // Who may deploy may not build, unless the operator says so.
    insta::assert_snapshot!(refused(&bob), @r#"
    remote:
    remote:  !     Push rejected: only the owner of this platform may build, because builds run as its own user; to let everybody who may deploy build, set builds.jail = "none"
    remote:
    remote: !	Push rejected to shop.
    remote:
    To http://localhost:PORT/shop.git
     ! [remote rejected] main -> main (pre-receive hook declined)
    error: failed to push some refs to 'http://localhost:PORT/shop.git'
    "#);

    shop.tree.push(&["main"]);
    // Who may see may fetch.
    assert_eq!(WorkTree::clone_of(&shop.remote().with_token(&reader), "shop", &[]).head(), shop.tree.head());
    assert!(shop.up.take().expect("running").stop().success());
    shop.environment.push(("HOKKU_BUILDS_JAIL", "none"));
    shop.start();
    let theirs = WorkTree::clone_of(&shop.remote().with_token(&bob), "shop", &[]);
    theirs.write("mirror.wat", marked(5));
    theirs.commit("By a collaborator");
    theirs.push(&["main"]);
    assert!(shop.page().starts_with("code-005\n"));
    let log = shop.up().run(&["logs", "-n", "500", "-a", "shop"]);
    assert!(log.contains("Build started by user bob@example.com"), "{log}");
}

#[test]
fn only_git_is_answered() -> TestResult {
    let shop = Shop::open(Speech::Http);
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let get = |path: &str| {
        let mut answer =
            agent.get(format!("http://127.0.0.1:{}{path}", shop.up().port())).call().expect("answered");
        let text = answer.body_mut().read_to_string().expect("text");
        format!("{} {}", answer.status().as_u16(), text.trim())
    };
    let smart = "403 Only git's smart protocol is spoken here: clone with git 1.6.6 or newer.";
    for path in ["/shop.git", "/shop.git/HEAD", "/shop.git/objects/info/packs", "/shop.git/info/refs"] {
        assert_eq!(get(path), smart, "{path}");
    }
    assert_eq!(get("/shop.git/info/refs?service=git-upload-archive"), smart);
    assert_eq!(get("/shop.git/info/refs?service=git-upload-pack"), "401 Invalid credentials provided.");

    // Who is no hook of a push that is under way decides nothing, and disturbs nobody.
    for said in [&b"guess\n\n\n"[..], b"\xff\0\n\n", b"", "x".repeat(100_000).as_bytes()] {
        let mut stream = UnixStream::connect(shop.repositories().join("hook.sock"))?;
        // It may be closed before all is said.
        let _ = stream.write_all(said);
        stream.shutdown(std::net::Shutdown::Write).ok();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert_eq!(answer, b"");
    }
    let hook = shop.repositories().join("hooks/pre-receive");
    let called = output(std::process::Command::new(hook).current_dir(shop.data.path()));
    assert!(!called.status.success(), "{}", said(&called));
    shop.tree.push(&["main"]);
    Ok(())
}

#[test]
fn without_git_everything_else_works() {
    let shop = Shop::with(Speech::Http, &[("PATH", "/nonexistent")]);
    assert!(
        shop.up().told().contains("git push does not work: git is not installed"),
        "{}",
        shop.up().told()
    );
    let told = shop.tree.is_refused(&["main"]);
    assert!(told.contains("remote: This platform has no git."), "{told}");
}
