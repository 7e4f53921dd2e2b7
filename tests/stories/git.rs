//! `git push hokku main`: apps are deployed with the real `git`.

use crate::{
    TestResult,
    fixture::{output, said},
    git_client::{Remote, WorkTree},
    platform::marked,
    platform_fixture::Up,
};

/// A platform with an app, and a work tree of it.
struct Shop {
    up: Up,
    tree: WorkTree,
    _data: tempfile::TempDir,
}

impl Shop {
    fn open() -> Self {
        Self::with(&[])
    }

    fn with(environment: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let up = Up::with(&data.path().join("data"), &[], environment);
        up.run(&["create", "shop"]);
        let tree = WorkTree::of(&Remote::of(&up), "shop");
        tree.write("Procfile", "web: mirror\n");
        tree.write("mirror.wat", marked(1));
        tree.commit("First");
        Self { up, tree, _data: data }
    }

    fn page(&self) -> String {
        self.up.get("shop", "/").expect("answered").1
    }

    fn repository(&self) -> std::path::PathBuf {
        let id = self.up.ask("/apps/shop")["id"].as_str().expect("an id").to_owned();
        self.up.data().join(format!("git/{id}.git"))
    }
}

/// What a push says, without what differs from run to run.
fn steady(told: &str, shop: &Shop) -> String {
    let port = format!(":{}", shop.up.port());
    let head = shop.tree.head();
    let told = told.replace(&port, ":PORT").replace(&head[..7], "COMMIT");
    let lines = told
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.contains("       Done") && !line.contains("Compiling"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_push_builds_releases_and_answers() -> TestResult {
    let shop = Shop::open();
    let told = shop.tree.push(&["main"]);
    insta::assert_snapshot!(steady(&told, &shop), @"");
    assert!(shop.page().starts_with("code-001\n"));
    assert_eq!(shop.tree.there("refs/heads/main"), shop.tree.head());
    let releases = shop.up.releases("shop");
    let description = releases[2]["description"].as_str().expect("text");
    assert_eq!(description, format!("Deploy {}", &shop.tree.head()[..8]));
    Ok(())
}
