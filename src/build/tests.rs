//! Whole builds with tiny buildpacks, as directories.

use super::{BuildError, BuildRequest, Builder, BuilderConfig, buildpack::Buildpack};
use crate::app::ConfigVars;
use crate::name::{AppId, AppName, ProcessType};
use crate::slug::{Serves, Slug, SlugStore, UnpackLimits};
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

/// The smallest program.
const WAT: &str = r#"(component (instance $i) (export "wasi:http/incoming-handler@0.2.0" (instance $i)))"#;

/// A builder with its cache, an app's source, and buildpacks, all temporary.
struct Fixture {
    dir: tempfile::TempDir,
    builder: Builder,
    store: SlugStore,
}

impl Fixture {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(set: impl FnOnce(&mut BuilderConfig)) -> Self {
        let dir = tempfile::tempdir().expect("dir");
        let mut config = BuilderConfig::new(dir.path().join("cache"));
        config.allow_directories = true;
        set(&mut config);
        let store = SlugStore::in_memory();
        let builder = Builder::new(config, store.clone()).expect("a builder");
        fs::create_dir(dir.path().join("app")).expect("dir");
        Self { dir, builder, store }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn file(&self, path: &str, text: &str) -> &Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("dir");
        fs::write(path, text).expect("file");
        self
    }

    /// A buildpack in directory `name` with a body of shell for each script.
    fn buildpack(&self, name: &str, scripts: &[(&str, &str)]) -> String {
        let all = [("detect", "echo Tiny"), ("compile", "true"), ("release", "echo ---")];
        for (script, body) in all.iter().chain(scripts) {
            let path = format!("{name}/bin/{script}");
            self.file(&path, &format!("#!/bin/sh\n{body}\n"));
            fs::set_permissions(self.path(&path), fs::Permissions::from_mode(0o755)).expect("mode");
        }
        self.path(name).to_str().expect("UTF-8").to_owned()
    }

    fn request(&self, buildpacks: &[String]) -> BuildRequest {
        BuildRequest {
            app: AppName::like("shop"),
            cache: (&AppName::like("shop")).into(),
            source: self.path("app"),
            buildpacks: buildpacks.to_vec(),
            config: ConfigVars::default(),
        }
    }

    async fn build(&self, buildpacks: &[String]) -> (Result<Slug, BuildError>, Vec<String>) {
        self.run(self.request(buildpacks)).await
    }

    async fn run(&self, request: BuildRequest) -> (Result<Slug, BuildError>, Vec<String>) {
        let mut lines = Vec::new();
        let result = self.builder.build(request, &mut |line| lines.push(line.to_owned())).await;
        (result, lines)
    }

    /// That nothing of any build is left.
    fn assert_clean(&self) {
        let left: Vec<_> = fs::read_dir(self.path("cache/tmp")).expect("dir").collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

async fn tree(slug: &Slug) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("dir");
    let into = cap_std::fs::Dir::open_ambient_dir(dir.path(), cap_std::ambient_authority()).expect("dir");
    slug.unpack_tree(into, UnpackLimits::default()).await.expect("unpacks");
    dir
}

#[tokio::test]
async fn source_becomes_a_slug_with_herokus_words() {
    let fixture = Fixture::new();
    fixture.file("app/bin/hello.wat", WAT).file("app/Procfile", "web: hello\nworker: hello --loop\n");
    fixture.file("app/.env", "TOKEN=1");
    let release = "echo '---'\necho 'config_vars: {PATH: \"/app/.tiny/bin:$PATH\", GREETING: hi}'";
    let compile =
        "echo '-----> Making it'; mkdir \"$1/.tiny\"; echo made > \"$1/made\"; echo '       careful' >&2";
    let tiny = fixture.buildpack("tiny", &[("compile", compile), ("release", release)]);
    fixture.file("tiny/buildpack.toml", "[buildpack]\nversion = \"7\"\n");
    let (slug, lines) = fixture.build(&[tiny]).await;
    let slug = slug.expect("a slug");
    let manifest = slug.manifest();
    assert_eq!(manifest.path, [".tiny/bin", "bin", "."]);
    assert_eq!(manifest.config.get("GREETING").map(String::as_str), Some("hi"));
    assert!(!manifest.config.contains_key("PATH"));
    assert_eq!(
        (manifest.buildpacks[0].name.as_str(), manifest.buildpacks[0].version.as_str()),
        ("tiny", "7")
    );
    let tree = tree(&slug).await;
    assert_eq!(fs::read_to_string(tree.path().join("made")).expect("made"), "made\n");
    assert!(!tree.path().join(".env").exists());
    let (done, lines) = lines.split_last().expect("lines");
    assert!(done.starts_with("       Done: "), "{done}");
    insta::assert_snapshot!(lines.join("\n"), @r"
    -----> Using buildpack: tiny
    -----> Tiny app detected
    -----> Making it
           careful
    -----> Discovering process types
           Procfile declares types -> web, worker
    -----> Compressing...
    ");
    fixture.assert_clean();
}

#[tokio::test]
async fn the_first_embedded_buildpack_that_recognizes_the_app_builds_it() {
    let fixture = Fixture::new();
    fixture.file("app/public/index.html", &"<p>hello</p>".repeat(200));
    let (slug, lines) = fixture.build(&[]).await;
    let slug = slug.expect("a slug");
    let web = &slug.manifest().processes[&ProcessType::web()];
    assert_eq!((web.command.as_str(), web.serves), ("static public", Some(Serves::Static)));
    assert!(lines.contains(&"-----> Static app detected".to_owned()), "{lines:?}");
    assert!(lines.contains(&"       Default types for Static -> web".to_owned()), "{lines:?}");
    assert!(tree(&slug).await.path().join("public/index.html.gz").is_file());

    fixture.file("app/server.wat", WAT); // wasm comes before static
    let (slug, _) = fixture.build(&[]).await;
    let slug = slug.expect("a slug");
    let web = &slug.manifest().processes[&ProcessType::web()];
    assert_eq!((web.command.as_str(), web.serves), ("server", Some(Serves::Http)));
}

#[tokio::test]
async fn an_app_that_nobody_recognizes_is_told_what_was_looked_for() {
    let fixture = Fixture::new();
    let (result, _) = fixture.build(&[]).await;
    let error = result.expect_err("nothing");
    assert!(error.to_string().contains("static: index.html in the app's root"), "{error}");
    let no = fixture.buildpack("no", &[("detect", "exit 1")]);
    let (result, _) = fixture.build(&[no]).await;
    insta::assert_snapshot!(result.expect_err("no"), @"the app is not compatible with buildpack no: its bin/detect says no; it looks for what its bin/detect says");
    fixture.assert_clean();
}

#[tokio::test]
async fn several_buildpacks_run_in_a_row_and_later_ones_see_exports() {
    let fixture = Fixture::new();
    fixture.file("app/bin/a.wat", WAT);
    let export = "here=$(dirname \"$0\")/..; mkdir -p \"$2/tools\"; printf '#!/bin/sh\\necho from tool\\n' > \"$2/tools/tool\"; chmod +x \"$2/tools/tool\"\n\
                  printf 'export PATH=\"%s/tools:$PATH\"\\nexport LEVEL=2\\n' \"$2\" > \"$here/export\"";
    let types = |name: &str| format!("printf -- '---\\ndefault_process_types:\\n  {name}: a\\n'");
    let first = fixture.buildpack("first", &[("compile", export), ("release", &types("first"))]);
    let second =
        fixture.buildpack("second", &[("compile", "tool; echo level $LEVEL"), ("release", &types("web"))]);
    let third = fixture.buildpack("third", &[]);
    let (slug, lines) = fixture.build(&[first, second, third]).await;
    let slug = slug.expect("a slug");
    let names: Vec<_> = slug.manifest().buildpacks.iter().map(|stamp| stamp.name.as_str()).collect();
    assert_eq!(names, ["first", "second", "third"]);
    assert!(slug.manifest().processes.keys().eq([&ProcessType::web()]));
    assert!(lines.contains(&"from tool".to_owned()) && lines.contains(&"level 2".to_owned()), "{lines:?}");
    assert!(!fixture.path("first/export").exists(), "a build does not write to the buildpack itself");
}

#[tokio::test]
async fn config_vars_are_files_and_the_environment_is_clean() {
    let fixture = Fixture::with(|config| config.passthrough = vec!["CARGO_PKG_NAME".to_owned()]);
    fixture.file("app/bin/a.wat", WAT);
    let compile = "stat -c '%a %n' \"$3\"/* | sed 's,/.*/,,'; cat \"$3/TOKEN\"; echo; env | sed 's/=.*//' | sort; echo $STACK $LANG; ls -A \"$HOME\"; [ \"$PWD\" = \"$HOME\" ]";
    let tiny = fixture.buildpack("tiny", &[("compile", compile)]);
    let config = ConfigVars::from_dotenv("TOKEN=hunter2\n").expect("legal");
    // Cargo sets this for every test; it stands for a secret of the operator.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let (slug, lines) = fixture.run(BuildRequest { config, ..fixture.request(&[tiny]) }).await;
    slug.expect("a slug");
    let printed: Vec<_> = lines[2..].iter().take_while(|line| !line.starts_with("-----")).collect();
    let shell_sets = ["PWD", "OLDPWD", "SHLVL", "_"];
    let printed: Vec<_> = printed.into_iter().filter(|line| !shell_sets.contains(&line.as_str())).collect();
    assert_eq!(
        printed,
        [
            "600 TOKEN",
            "hunter2",
            "CARGO_PKG_NAME",
            "HOME",
            "LANG",
            "PATH",
            "REQUEST_ID",
            "STACK",
            "TMPDIR",
            "hokku-1 C.UTF-8"
        ]
    );
    fixture.assert_clean();
}

#[tokio::test]
async fn the_cache_is_kept_per_app_and_a_failure_leaves_nothing_else() {
    let fixture = Fixture::new();
    fixture.file("app/bin/a.wat", WAT);
    let compile = "if [ -e \"$2/seen\" ]; then echo again; else touch \"$2/seen\"; mkdir \"$1/x\"; touch \"$1/x/y\"; chmod 0 \"$1/x\"; echo first; exit 3; fi";
    let tiny = fixture.buildpack("tiny", &[("compile", compile)]);
    let (result, _) = fixture.build(std::slice::from_ref(&tiny)).await;
    let error = result.expect_err("fails");
    insta::assert_snapshot!(error, @"bin/compile of the Tiny buildpack exited with 3");
    assert!(error.is_app_fault());
    assert!(matches!(error, BuildError::Failed { last_lines, .. } if last_lines == ["first"]));
    fixture.assert_clean();
    let (slug, lines) = fixture.build(&[tiny]).await;
    slug.expect("a slug");
    assert!(lines.contains(&"again".to_owned()));
}

#[tokio::test]
async fn a_toolchain_is_prepared_once_for_all_apps_and_again_for_a_new_version() {
    let fixture = Fixture::new();
    fixture.file("app/bin/a.wat", WAT);
    let scripts = [
        ("toolchain", "echo preparing; ls -A \"$HOME\"; echo tool > \"$1/tool\""),
        ("compile", "cat \"$TOOLCHAIN_DIR/tool\""),
    ];
    let tiny = fixture.buildpack("tiny", &scripts);
    let count = |lines: &[String], text| lines.iter().filter(|line| *line == text).count();
    let cache = (&AppName::like("other")).into();
    let other = BuildRequest { cache, ..fixture.request(std::slice::from_ref(&tiny)) };
    let own = std::slice::from_ref(&tiny);
    let (one, two) = tokio::join!(fixture.build(own), fixture.run(other));
    let lines = [one.1, two.1].concat();
    assert!(one.0.is_ok() && two.0.is_ok(), "{lines:?}");
    assert_eq!((count(&lines, "preparing"), count(&lines, "tool")), (1, 2));
    fixture.file("tiny/new", "");
    let (_, lines) = fixture.build(own).await;
    assert_eq!(count(&lines, "preparing"), 1);
}

#[tokio::test]
async fn a_toolchain_that_failed_is_not_there() {
    let fixture = Fixture::new();
    let toolchain = "echo half > \"$1/half\"; exit 1";
    let tiny = fixture.buildpack("tiny", &[("toolchain", toolchain)]);
    let (result, _) = fixture.build(&[tiny]).await;
    insta::assert_snapshot!(result.expect_err("fails"), @"bin/toolchain of the Tiny buildpack exited with 1");
    assert_eq!(fs::read_dir(fixture.path("cache/toolchains")).expect("dir").count(), 0);
}

/// A named pipe that a script's processes hold for writing: reading it ends when the last of them is gone.
struct Alive {
    pipe: PathBuf,
    reader: std::thread::JoinHandle<String>,
}

impl Alive {
    fn watch(pipe: PathBuf) -> Self {
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .expect("fifo");
        let path = pipe.clone();
        Self { pipe, reader: std::thread::spawn(move || fs::read_to_string(path).expect("read")) }
    }

    /// What was written, once nobody holds it any more.
    async fn ended(self) -> String {
        // Where no script came as far as opening it, this lets the reader go instead.
        let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::NONBLOCK;
        drop(rustix::fs::open(&self.pipe, flags, rustix::fs::Mode::empty()));
        tokio::task::spawn_blocking(|| self.reader.join().expect("thread")).await.expect("joined")
    }
}

#[tokio::test]
async fn the_time_limit_kills_grandchildren_also_those_that_ran_away() {
    let fixture = Fixture::with(|config| config.time_limit = Duration::from_secs(2));
    let alive = Alive::watch(fixture.path("alive"));
    let hang = format!(
        "exec 3> '{}'\necho up >&3\n(trap '' TERM; while :; do sleep 1000; done) &\nsetsid sleep 1000 &\nwait",
        fixture.path("alive").display()
    );
    let tiny = fixture.buildpack("tiny", &[("compile", &hang)]);
    let (result, _) = fixture.build(&[tiny]).await;
    insta::assert_snapshot!(result.expect_err("too long"), @"the build ran longer than 2s and was stopped");
    assert_eq!(alive.ended().await, "up\n");
    fixture.assert_clean();
}

#[tokio::test]
async fn a_background_process_that_holds_the_output_does_not_hold_the_build() {
    let fixture = Fixture::new();
    fixture.file("app/bin/a.wat", WAT);
    let alive = Alive::watch(fixture.path("alive"));
    let leave = format!(
        "exec 3> '{}'\nsleep 1000 &\nsetsid sleep 1000 &\necho done",
        fixture.path("alive").display()
    );
    let tiny = fixture.buildpack("tiny", &[("compile", &leave)]);
    let (slug, lines) = fixture.build(&[tiny]).await;
    slug.expect("a slug");
    assert!(lines.contains(&"done".to_owned()));
    alive.ended().await;
    fixture.assert_clean();
}

#[tokio::test]
async fn a_build_whose_future_is_dropped_leaves_nothing() {
    let fixture = Fixture::new();
    let alive = Alive::watch(fixture.path("alive"));
    let hang = format!("exec 3> '{}'\necho compiling\nsleep 1000 & wait", fixture.path("alive").display());
    let tiny = fixture.buildpack("tiny", &[("compile", &hang)]);
    let compiling = tokio::sync::Notify::new();
    let mut output = |line: &str| {
        if line == "compiling" {
            compiling.notify_one();
        }
    };
    tokio::select! {
        result = fixture.builder.build(fixture.request(&[tiny]), &mut output) => panic!("ended: {result:?}"),
        () = compiling.notified() => {}
    }
    fixture.builder.close().await;
    alive.ended().await;
    fixture.assert_clean();
}

#[tokio::test]
async fn a_flood_of_output_is_cut_and_the_build_goes_on() {
    let fixture = Fixture::new();
    fixture.file("app/bin/a.wat", WAT);
    let flood = "head -c 30000000 /dev/zero | tr '\\0' x; echo; yes 'a line' | head -c 12000000; echo end";
    let tiny = fixture.buildpack("tiny", &[("compile", flood)]);
    let (slug, lines) = fixture.build(&[tiny]).await;
    slug.expect("a slug");
    assert!(lines.iter().all(|line| line.len() <= 10_000));
    assert!(lines.iter().map(String::len).sum::<usize>() < 11 << 20);
    let cut = "       (the output is longer than 10 MB; the rest is not shown, the build goes on)";
    assert_eq!(lines.iter().filter(|line| *line == cut).count(), 1);
    assert!(lines.last().is_some_and(|line| line.starts_with("       Done: ")));
}

#[tokio::test]
async fn what_cannot_be_a_slug_is_refused_with_the_reason() {
    let fixture = Fixture::with(|config| config.slug_limit = 100_000);
    fixture.file("app/bin/a.wat", WAT).file("app/Procfile", "web: a\nworker: nosuch --x\n");
    let tiny = fixture.buildpack("tiny", &[]);
    let own = std::slice::from_ref(&tiny);
    let refused = async |buildpacks: &[String]| {
        let error = fixture.build(buildpacks).await.0.expect_err("refused");
        fixture.assert_clean();
        error.to_string()
    };
    insta::assert_snapshot!(refused(own).await, @"process type worker cannot run `nosuch --x`: nothing named `nosuch` on the PATH; programs here: a");
    fixture.file("app/Procfile", "web: a && b\n");
    insta::assert_snapshot!(refused(own).await, @"process type web cannot run `a && b`: `&&` is shell syntax; there is no shell in a dyno: put the first command into the release process type, or write a script in your app's language");
    fixture.file("app/Procfile", "worker: static public\n");
    insta::assert_snapshot!(refused(own).await, @"process type worker cannot run `static public`: `static` serves requests: only `web` can be it");
    fixture.file("app/Procfile", "web a\n");
    insta::assert_snapshot!(refused(own).await, @"Procfile line 1: write TYPE: COMMAND, as `web: gunicorn app:app`");
    fixture.file("app/Procfile", "web: a\n");
    let yaml = fixture.buildpack("yaml", &[("release", "echo '- no'")]);
    assert!(refused(&[yaml]).await.starts_with("buildpack yaml is not usable: bin/release printed no YAML"));
    let large = fixture.buildpack("large", &[("compile", "head -c 200000 /dev/urandom > \"$1/large\"")]);
    assert!(refused(&[large]).await.contains("the limit is 100.0 kB"));
    let native = fixture.buildpack("native", &[("compile", "echo x > \"$1/bin/a.cwasm\"")]);
    assert!(refused(&[native]).await.contains("a.cwasm"));
}

#[tokio::test]
async fn builds_wait_for_each_other_and_say_so() {
    let fixture = Fixture::with(|config| config.time_limit = Duration::from_mins(1));
    fixture.file("app/bin/a.wat", WAT);
    let tiny = fixture.buildpack("tiny", &[("toolchain", "true")]);
    let key = Buildpack::read("tiny", &fixture.path("tiny")).expect("a buildpack").toolchain_key();
    let app = ("app-shop".to_owned(), "-----> Waiting for another build of shop to end");
    let toolchain =
        (format!("toolchain-{key}"), "-----> Waiting for another build to prepare the tiny toolchain");
    for (lock, waiting) in [app, toolchain] {
        // Another process that builds.
        let other = fs::File::create(fixture.path(&format!("cache/locks/{lock}.lock"))).expect("file");
        other.lock().expect("locked");
        let mut other = Some(other);
        let request = fixture.request(std::slice::from_ref(&tiny));
        let mut output = |line: &str| {
            if line == waiting {
                drop(other.take()); // it ends
            }
        };
        fixture.builder.build(request, &mut output).await.expect("a slug");
        assert!(other.is_none(), "waited");
    }
}

#[tokio::test]
async fn a_build_that_waits_can_be_cancelled() {
    let fixture = Fixture::new();
    let other = fs::File::create(fixture.path("cache/locks/app-shop.lock")).expect("file");
    other.lock().expect("locked");
    let mut output = |_: &str| fixture.builder.cancel();
    let result = fixture.builder.build(fixture.request(&[]), &mut output).await;
    assert!(matches!(result, Err(BuildError::Cancelled)));
}

#[tokio::test]
async fn what_a_killed_build_left_is_swept_and_a_running_one_is_not() {
    let fixture = Fixture::new();
    fixture.file("cache/tmp/dead/build/x", "").file("cache/tmp/dead.lock", "").file("cache/tmp/older/x", "");
    let held = fs::File::create(fixture.path("cache/tmp/live.lock")).expect("file");
    held.lock().expect("locked");
    fixture.file("cache/tmp/live/x", "");
    Builder::new(BuilderConfig::new(fixture.path("cache")), fixture.store.clone()).expect("a builder");
    let mut left: Vec<_> = fs::read_dir(fixture.path("cache/tmp"))
        .expect("dir")
        .map(|entry| entry.expect("entry").file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["live", "live.lock"]);
}

#[test]
#[cfg(target_os = "linux")]
fn processes_of_a_killed_build_end_at_the_next_start() {
    use std::{os::unix::process::ExitStatusExt, process};
    let fixture = Fixture::new();
    let (locked, bare) = (uuid::Uuid::new_v4().to_string(), uuid::Uuid::new_v4().to_string());
    fixture.file(&format!("cache/tmp/{locked}/x"), "").file(&format!("cache/tmp/{locked}.lock"), "");
    fixture.file(&format!("cache/tmp/{bare}/x"), "");
    // Each ends by itself when its input does.
    let left = [locked, bare].map(|id| {
        let mut command = process::Command::new("cat");
        command.env("REQUEST_ID", id).stdin(process::Stdio::piped()).stdout(process::Stdio::null());
        command.spawn().expect("cat")
    });
    Builder::new(BuilderConfig::new(fixture.path("cache")), fixture.store.clone()).expect("a builder");
    for mut process in left {
        drop(process.stdin.take());
        assert_eq!(process.wait().expect("ended").signal(), Some(9));
    }
    fixture.assert_clean();
}

#[tokio::test]
async fn a_cache_goes_with_its_app_whatever_that_is_called() {
    let fixture = Fixture::new();
    fixture.file("app/bin/a.wat", WAT);
    let compile = "if [ -e \"$2/seen\" ]; then echo again; else touch \"$2/seen\"; echo first; fi";
    let tiny = fixture.buildpack("tiny", &[("compile", compile)]);
    let build = async |name: &str, app: AppId| {
        let own = std::slice::from_ref(&tiny);
        let request = BuildRequest { app: AppName::like(name), cache: app.into(), ..fixture.request(own) };
        let (slug, lines) = fixture.run(request).await;
        slug.expect("a slug");
        lines.contains(&"again".to_owned())
    };
    let (one, other) = (AppId::random(), AppId::random());
    assert!(!build("shop", one).await && build("store", one).await);
    assert!(!build("shop", other).await, "another app of that name");
    fixture.builder.forget(&one.into()).await.expect("forgotten");
    assert!(!build("store", one).await);
    fixture.builder.forget(&AppId::random().into()).await.expect("there is nothing to forget");
    for app in [one, other] {
        fixture.builder.forget(&app.into()).await.expect("forgotten");
    }
    assert_eq!(fs::read_dir(fixture.path("cache/apps")).expect("dir").count(), 0);
    let locks = fs::read_dir(fixture.path("cache/locks")).expect("dir");
    let locks: Vec<_> = locks.map(|lock| lock.expect("lock").file_name()).collect();
    assert_eq!(locks, ["tmp.lock"], "nothing is left of them");
}
