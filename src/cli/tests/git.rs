//! Repositories on the user's machine, and the apps that they belong to.

use super::{
    objects::{app, formation},
    stage::Stage,
};
use crate::cli::client::canned::Canned;
use serde_json::json;

/// A stage in a repository, whose platform knows the apps by name.
async fn repository(answers: impl IntoIterator<Item = Canned>) -> Stage {
    let stage = Stage::with(answers).await;
    stage.git(&["init", "--quiet"]);
    stage
}

fn add(stage: &Stage, name: &str, app: &str) {
    let address = format!("http://{}/{app}.git", stage.platform.machine());
    stage.git(&["remote", "add", name, &address]);
}

fn remotes(stage: &Stage) -> String {
    stage.git(&["config", "--local", "--get-regexp", "^remote.*url"])
}

fn created() -> Canned {
    Canned::json("POST /apps", &app("shop")).with_status(201)
}

#[tokio::test]
async fn a_new_app_gets_a_remote() {
    let stage = repository([created()]).await;
    insta::assert_snapshot!(stage.typed("create shop").await, @r"
    exit 0
    --- out
    http://shop.localhost:8080/
    --- err
    Creating ⬢ shop... done
    Git remote hokku added.
    ");
    insta::assert_snapshot!(remotes(&stage), @"remote.hokku.url http://ADDRESS/shop.git");
    insta::assert_snapshot!(stage.git(&["config", "--global", "--list"]), @r"
    credential.http://ADDRESS.helper=
    credential.http://ADDRESS.helper=!hokku git:credentials
    ");
}

#[tokio::test]
async fn a_remote_that_is_there_stays() {
    let stage = repository([created(), created(), created()]).await;
    add(&stage, "hokku", "blog");
    insta::assert_snapshot!(stage.typed("create shop").await, @r"
    exit 0
    --- out
    http://shop.localhost:8080/
    --- err
    Creating ⬢ shop... done
    Git remote hokku leads elsewhere and stays: add another with `hokku git:remote -a shop -r NAME`.
    ");
    stage.typed("create shop --no-remote").await;
    stage.typed("create shop -r staging").await;
    insta::assert_snapshot!(remotes(&stage), @r"
    remote.hokku.url http://ADDRESS/blog.git
    remote.staging.url http://ADDRESS/shop.git
    ");
}

#[tokio::test]
async fn git_remote_turns_what_leads_to_this_platform_only() {
    let known = || Canned::json("GET /apps/shop", &app("shop"));
    let stage = repository([known(), known(), known(), known()]).await;
    add(&stage, "hokku", "blog");
    stage.git(&["remote", "add", "origin", "https://me:secret@example.com/shop.git"]);
    insta::assert_snapshot!(stage.typed("git:remote -a shop").await, @r"
    exit 0
    --- out
    --- err
    Git remote hokku leads to shop now.
    ");
    insta::assert_snapshot!(stage.typed("git:remote -a shop").await, @r"
    exit 0
    --- out
    --- err
    Git remote hokku leads to shop already.
    ");
    insta::assert_snapshot!(stage.typed("git:remote -a shop -r origin").await, @r"
    exit 1
    --- out
    --- err
     !     the git remote `origin` leads to no app at http://ADDRESS: choose another name with -r NAME
    ");
    insta::assert_snapshot!(stage.typed("git:remote -a shop -r prod").await, @r"
    exit 0
    --- out
    --- err
    Git remote prod added: it leads to shop.
    ");
    let outside = Stage::with([known()]).await;
    insta::assert_snapshot!(outside.typed("git:remote -a shop").await, @r"
    exit 1
    --- out
    --- err
     !     this directory is in no git repository: `git init` makes one
    ");
    insta::assert_snapshot!(outside.typed("git:remote -a shop --remote=--upload-pack=x").await, @r"
    exit 2
    error: invalid value '--upload-pack=x' for '--remote <NAME>': `--upload-pack=x` is no name for a git remote: use letters, digits, - and _

    For more information, try '--help'.
    ");
}

#[tokio::test]
async fn the_app_of_the_directory_is_found() {
    let formation = || Canned::json("GET /apps/shop/formation", &json!([formation("web", 1, "Basic")]));
    let stage = repository([formation(), formation(), formation()]).await;
    stage.git(&["remote", "add", "origin", "https://example.com/code.git"]);
    add(&stage, "hokku", "shop");
    let scale = "exit 0\n--- out\nweb=1:Basic";
    assert!(stage.typed("scale").await.starts_with(scale), "{}", stage.typed("scale").await);
    add(&stage, "again", "shop");
    assert!(stage.typed("scale").await.starts_with(scale));
    assert!(stage.asked().starts_with("GET /apps/shop/formation"));
}

#[tokio::test]
async fn of_several_apps_one_is_chosen() {
    let formation = || Canned::json("GET /apps/blog/formation", &json!([formation("web", 1, "Basic")]));
    let stage = repository([formation(), formation()]).await;
    add(&stage, "hokku", "shop");
    add(&stage, "staging", "blog");
    insta::assert_snapshot!(stage.typed("scale").await, @r"
    exit 1
    --- out
    --- err
     !     the git remotes of this directory lead to several apps: shop (remote hokku), blog (remote staging). Choose one with -a APP or --remote NAME; `git config hokku.remote NAME` remembers it
    ");
    assert!(stage.typed("scale --remote staging").await.starts_with("exit 0"));
    stage.git(&["config", "hokku.remote", "staging"]);
    assert!(stage.typed("scale").await.starts_with("exit 0"));
    insta::assert_snapshot!(stage.typed("scale -r nosuch").await, @r"
    exit 1
    --- out
    --- err
     !     this directory has no git remote `nosuch`: `git remote -v` lists those it has
    ");
    insta::assert_snapshot!(stage.typed("scale -r staging -a shop").await, @r"
    exit 1
    --- out
    --- err
     !     -a or HOKKU_APP means shop, but the git remote `staging` leads to blog: give one of them
    ");
}

#[tokio::test]
async fn what_is_destroyed_is_named_and_not_found() {
    let stage = repository([Canned::json("GET /apps/shop", &app("shop"))]).await;
    add(&stage, "hokku", "shop");
    insta::assert_snapshot!(stage.typed("destroy").await, @r"
    exit 1
    --- out
    --- err
     !     which app? Name it with -a APP, or set HOKKU_APP
    ");
    insta::assert_snapshot!(stage.typed("destroy -r hokku").await, @r"
    exit 1
    --- out
    --- err
     !     this destroys shop for good; to do so add --confirm shop
    ");
}
