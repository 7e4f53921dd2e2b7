//! Every route of the API, as the sources of this room write it down: so that a new one cannot be forgotten where all of
//! them are gone through.

use crate::api::absent;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// What stands between the parenthesis that is open and the one that closes it.
fn within(text: &str) -> &str {
    let mut open = 1;
    let end = text.find(|c: char| {
        open += i32::from(c == '(') - i32::from(c == ')');
        open == 0
    });
    &text[..end.expect("a closed call")]
}

/// The methods that `handlers` has: `get(list).post(create)`.
fn methods(handlers: &str) -> Vec<String> {
    let names = |method: &&&str| {
        handlers.match_indices(&format!("{method}(")).any(|(at, _)| {
            let before = handlers[..at].chars().next_back();
            before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
        })
    };
    METHODS.iter().filter(names).map(|method| method.to_uppercase()).collect()
}

/// The routes of one file, and how many of its calls have no path that can be read.
fn of_file(text: &str) -> (Vec<String>, usize) {
    let (mut routes, mut unread) = (Vec::new(), 0);
    for call in text.split(".route(").skip(1).map(within) {
        let path = call.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
        match path {
            Some((path, handlers)) => {
                routes.extend(methods(handlers).iter().map(|method| format!("{method} {path}")));
            }
            None => unread += 1,
        }
    }
    (routes, unread)
}

/// The files of the room, without its tests.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(dir).expect("the room").map(|file| file.expect("a file").path());
    files
        .filter(|path| !path.ends_with("tests"))
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// `GET /apps/{app}` and so on.
pub(super) fn all() -> BTreeSet<String> {
    let (mut routes, mut unread) = (BTreeSet::new(), 0);
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api")) {
        let (found, others) = of_file(&std::fs::read_to_string(path).expect("text"));
        routes.extend(found);
        unread += others;
    }
    assert_eq!(unread, 2, "only the lists of what is absent have paths that are made, which are here:");
    routes.extend(absent::GLOBAL.iter().map(|path| format!("GET {path}")));
    routes.extend(absent::OF_APP.iter().map(|list| format!("GET /apps/{{app}}/{list}")));
    routes
}

#[test]
fn routes_are_read_from_sources() {
    let text = r#"
        Router::new()
            .route("/apps/{app}", get(info).patch(update))
            .route(
                "/apps",
                post(create),
            )
            .route(&made, get(forget(1)))
    "#;
    let routes = ["GET /apps/{app}", "PATCH /apps/{app}", "POST /apps"].map(str::to_owned).to_vec();
    assert_eq!(of_file(text), (routes, 1));
}
