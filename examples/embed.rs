//! The crate as a library: a slug, a dyno and two requests, without a command line, a build or a socket.
//!
//! ```text
//! cargo run --example embed --no-default-features
//! ```

use hokku::{
    Body, Dyno, DynoSpec, Engine, EngineConfig, Slug,
    dyno::BodyError,
    slug::{PackPlan, ProcessPlan, SlugStore},
};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use std::io::{self, Write as _};

/// A component that answers every request with "Hello, World".
const APP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/hello-wat");

#[tokio::main]
async fn main() -> Result<(), BodyError> {
    let slug = pack(APP).await?;
    say(&format!("packed {}", slug.digest()))?;

    // One engine per process. The default compiles in this process and keeps the code in a temporary directory.
    let engine = Engine::new(EngineConfig::default())?;
    // `web.1`. Config vars, limits and where its output goes are fields of the spec.
    let dyno = Dyno::start(&engine, &slug, DynoSpec::web()).await?;
    say(&format!("started {} with `{}`", dyno.name(), dyno.command()))?;

    for path in ["/", "/again"] {
        let request = Request::get(path).body(Body::default())?;
        let (status, text) = read(dyno.handle(request).await?).await?;
        say(&format!("GET {path}: {status}, {text:?}"))?;
    }

    // The second request met the instance of the first.
    if let Some(counts) = dyno.instances() {
        say(&format!("{} instance made, {} requests answered", counts.made, counts.requests))?;
    }
    Ok(())
}

/// Makes a slug of a directory that is ready to run. `hokku build` makes slugs from source; `Slug::import` reads them.
async fn pack(dir: &str) -> Result<Slug, BodyError> {
    let tree = cap_std::fs::Dir::open_ambient_dir(dir, cap_std::ambient_authority())?;
    // `hello` is looked up in `bin` and in the app's root, where `hello.wat` is.
    let web = ProcessPlan { command: "hello".to_owned(), serves: None };
    let plan = PackPlan { processes: [("web".parse()?, web)].into(), ..PackPlan::default() };
    Ok(Slug::pack(&SlugStore::in_memory(), tree, plan).await?)
}

/// The status and the whole body of an answer.
async fn read(response: Response<Body>) -> Result<(http::StatusCode, String), BodyError> {
    let status = response.status();
    let body = response.into_body().collect().await?;
    Ok((status, String::from_utf8(body.to_bytes().into())?))
}

fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}
