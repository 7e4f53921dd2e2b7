use super::machine::{Answer, Data, Disk, Machine, Port, System};
use super::programs::Programs;
use crate::cli::{
    client::{Access, ClientError, Email},
    serve::own_compiler,
};
use crate::dyno::{Dyno, DynoSpec, Engine, EngineConfig};
use crate::platform::{DataDir, Holder};
use crate::slug::{PackPlan, Slug, SlugStore};
use anyhow::{bail, ensure};
use rustix::process::{Resource, getrlimit};
use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Where a platform listens unless told otherwise.
const USUAL_PORT: u16 = 8080;
/// How long the platform may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A program that ends at once.
const PROGRAM: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;

impl Machine {
    /// Looks at this machine, for a platform on `data_dir` and a cache in `cache_dir`.
    pub(super) async fn look(data_dir: PathBuf, cache_dir: PathBuf) -> Self {
        let (programs, engine, platform) = tokio::join!(Programs::look(), engine(), platform(&data_dir));
        let Programs { git, python, pip, node, go } = programs;
        let data = data(&data_dir);
        let port = port(&data);
        Self {
            system: System::here(),
            git,
            python,
            pip,
            node,
            go,
            engine: engine.map_err(|error| format!("{error:#}")),
            data,
            disks: vec![
                disk("data disk", "slugs, sources and outputs", &data_dir),
                disk("cache disk", "toolchains and builds", &cache_dir),
            ],
            open_files: getrlimit(Resource::Nofile).maximum,
            port,
            platform,
            authority: authority(&data_dir.join("tls/ca.pem")),
        }
    }
}

/// Runs a small program as a dyno, with the machinery as a platform has it.
async fn engine() -> anyhow::Result<Duration> {
    let began = Instant::now();
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("probe.wat"), PROGRAM)?;
    let tree = cap_std::fs::Dir::open_ambient_dir(dir.path(), cap_std::ambient_authority())?;
    let slug = Slug::pack(&SlugStore::in_memory(), tree, PackPlan::default()).await?;
    let engine = Engine::new(EngineConfig { compiler: own_compiler()?, ..EngineConfig::default() })?;
    let dyno = Dyno::start(&engine, &slug, DynoSpec::one_off("probe")).await?;
    let exit = dyno.exited().await;
    ensure!(exit.is_success(), "a program that does nothing ended with status {}", exit.code());
    engine.drained().await;
    Ok(began.elapsed())
}

async fn platform(data_dir: &Path) -> Answer {
    let client = match Access::of_environment(Some(data_dir.to_owned())).client() {
        Ok(client) => client,
        Err(error) => return Answer::Unclear(format!("{error:#}")),
    };
    let host = client.host();
    let asked = client.get::<Email>(&["account"]);
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(account)) => Answer::Known { host, email: account.email },
        Err(_) | Ok(Err(ClientError::Unreachable { .. })) => Answer::Silent { host },
        Ok(Err(error)) => Answer::Refused(error.to_string()),
    }
}

fn data(dir: &Path) -> Data {
    match DataDir::holder(dir) {
        Ok(None) => Data::NotThere(dir.to_owned()),
        Ok(Some(holder)) => match may_write(dir) {
            Ok(()) => Data::Held(dir.to_owned(), holder),
            Err(error) => Data::Unusable(format!("{}: {error}", dir.display())),
        },
        Err(error) => Data::Unusable(error.to_string()),
    }
}

fn may_write(dir: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(dir, rustix::fs::Access::WRITE_OK)?)
}

/// What is free where `dir` is or will be.
fn disk(name: &'static str, purpose: &'static str, dir: &Path) -> Disk {
    let there = dir.ancestors().find(|above| above.exists()).unwrap_or(dir);
    let free = may_write(there).and_then(|()| Ok(rustix::fs::statvfs(there)?));
    let free = free.map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    Disk { name, purpose, dir: dir.to_owned(), free: free.map_err(|error| error.to_string()) }
}

/// The port at which the running platform of `data` is, or the usual one.
fn port(data: &Data) -> Port {
    if let Data::Held(dir, Holder::Process(_)) = data
        && let Some(port) = port_in(&dir.join("url"))
    {
        return Port::Ours(port);
    }
    match TcpListener::bind((Ipv4Addr::LOCALHOST, USUAL_PORT)) {
        Ok(_) => Port::Free(USUAL_PORT),
        Err(_) => Port::Taken(USUAL_PORT),
    }
}

fn port_in(file: &Path) -> Option<u16> {
    let url = std::fs::read_to_string(file).ok()?;
    let (scheme, rest) = url.lines().next()?.trim().split_once("://")?;
    let usual = if scheme == "https" { 443 } else { 80 };
    rest.rsplit_once(':').map_or(Some(usual), |(_, port)| port.parse().ok())
}

fn authority(file: &Path) -> Option<Result<PathBuf, String>> {
    let read = || -> anyhow::Result<()> {
        let text = std::fs::read_to_string(file)?;
        if !text.contains("-----BEGIN CERTIFICATE-----") {
            bail!("it holds no certificate");
        }
        Ok(())
    };
    let shown = |error: anyhow::Error| format!("{}: {error}", file.display());
    file.exists().then(|| read().map(|()| file.to_owned()).map_err(shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_from_where_a_platform_says_that_it_is() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("url");
        for (url, port) in [
            ("http://localhost:8080\n", Some(8080)),
            ("http://localhost\n", Some(80)),
            ("https://localhost", Some(443)),
            ("nothing", None),
        ] {
            std::fs::write(&file, url).expect("written");
            assert_eq!(port_in(&file), port, "{url}");
        }
    }

    #[test]
    fn a_directory_that_is_not_there_is_on_the_disk_above() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(disk("disk", "", &dir.path().join("not/there")).free.is_ok_and(|free| free > 0));
        assert!(matches!(data(&dir.path().join("not")), Data::NotThere(_)));
        std::fs::write(dir.path().join("thesis.doc"), "x").expect("written");
        assert!(matches!(data(dir.path()), Data::Unusable(_)));
    }

    #[test]
    fn an_authority_is_a_certificate() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("ca.pem");
        assert_eq!(authority(&file), None);
        std::fs::write(&file, "torn").expect("written");
        assert!(authority(&file).is_some_and(|read| read.is_err()));
        std::fs::write(&file, "-----BEGIN CERTIFICATE-----\n").expect("written");
        assert_eq!(authority(&file), Some(Ok(file)));
    }
}
