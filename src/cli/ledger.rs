use super::{
    console::{Console, columns},
    data_dir::DataDir,
};
use crate::ledger::{Actor, Archive, Chain, Head, LedgerError, Record, Report, Stream};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, VecDeque},
    io::{self, BufWriter},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Read and prove the ledger, in which every change of the platform is written
///
/// It is that of this machine's platform, which may run meanwhile. No key is needed: config values and other secrets stay sealed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hokku ledger log -a shop
  hokku ledger verify
  hokku ledger export -o ledger.jsonl")]
pub(super) struct Ledger {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Log(Log),
    Verify(Verify),
    Export(Export),
}

/// Show the changes, the newest last: when, in which stream, by whom, what
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hokku ledger log
  hokku ledger log -a shop -n 20
  hokku ledger log --json | jq -r '.[] | select(.kind == \"config-set\")'")]
struct Log {
    /// Only the stream of this app, which may be destroyed already; `platform` is the platform's own
    #[arg(long, short)]
    app: Option<String>,
    /// How many of the newest
    #[arg(long, short, default_value_t = 100, value_name = "COUNT")]
    num: usize,
    /// Print the entries as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: DataDir,
}

/// Prove that every entry is what was written, and print the heads of all streams
///
/// A head is the hash of the newest entry of a stream, and with it of all entries before. Keep heads on another machine:
/// given back with --head they prove that nothing up to them was changed, not even by somebody who wrote all hashes
/// anew. The exit status is 1 when an entry is not what it was; the first one is named.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hokku ledger verify
  hokku ledger verify | ssh backup 'cat > heads'
  hokku ledger verify $(ssh backup \"sed 's/ .*//; s/^/--head /' heads\")")]
struct Verify {
    /// A head that was kept elsewhere; may be given several times
    #[arg(long, value_name = "STREAM@SEQ:HEX")]
    head: Vec<Head>,
    /// Print the number of entries and the heads as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: DataDir,
}

/// Write all entries as lines of JSON, without any key
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hokku ledger export -o ledger.jsonl
  hokku ledger export | gzip > ledger.jsonl.gz")]
struct Export {
    /// Where they go [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    data_dir: DataDir,
}

impl Ledger {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        self.run_at(Console::standard()).await
    }

    /// Runs the command on a thread that may wait for the disk.
    pub(super) async fn run_at(self, mut console: Console) -> anyhow::Result<ExitCode> {
        let run = move || match self.action {
            Action::Log(log) => log.run(&mut console),
            Action::Verify(verify) => verify.run(&mut console),
            Action::Export(export) => export.run(&mut console),
        };
        tokio::task::spawn_blocking(run).await??;
        Ok(ExitCode::SUCCESS)
    }
}

fn archive(data_dir: &DataDir) -> anyhow::Result<Archive> {
    Ok(Archive::open(&data_dir.path()?.join("ledger"))?)
}

impl Log {
    fn run(self, console: &mut Console) -> anyhow::Result<()> {
        let archive = archive(&self.data_dir)?;
        let chains = archive.chains()?;
        let streams = self.app.as_deref().map(|app| streams_of(app, &chains)).transpose()?;
        let records = newest(&archive, streams.as_deref(), self.num)?;
        let names: HashMap<Stream, String> = chains
            .iter()
            .filter_map(|chain| Some((chain.head.stream, chain.app.as_ref()?.to_string())))
            .collect();
        let name = |stream: Stream| names.get(&stream).cloned().unwrap_or_else(|| stream.to_string());
        if self.json {
            let object = |record: &Record| object(record, names.get(&record.stream));
            return Ok(console.json(&records.iter().map(object).collect())?);
        }
        let rows: Vec<_> = records.iter().map(|record| row(record, name(record.stream))).collect();
        for line in columns(&rows) {
            console.line(line)?;
        }
        Ok(())
    }
}

/// The streams that `app` names: a name that several apps had one after the other means all of them.
fn streams_of(app: &str, chains: &[Chain]) -> anyhow::Result<Vec<Stream>> {
    let named = |chain: &&Chain| {
        chain.head.stream.to_string() == app || chain.app.as_ref().is_some_and(|name| name.as_ref() == app)
    };
    let streams: Vec<_> = chains.iter().filter(named).map(|chain| chain.head.stream).collect();
    if streams.is_empty() {
        bail!("the ledger knows no app `{app}`");
    }
    Ok(streams)
}

/// The newest entries of `streams`, at most `count`, the newest last.
fn newest(
    archive: &Archive,
    streams: Option<&[Stream]>,
    count: usize,
) -> Result<VecDeque<Record>, LedgerError> {
    let mut records = VecDeque::new();
    let only = match streams {
        Some([stream]) => Some(*stream),
        _ => None,
    };
    archive.each(only, |record| {
        if streams.is_none_or(|streams| streams.contains(&record.stream)) {
            records.push_back(record);
        }
        if records.len() > count {
            records.pop_front();
        }
        Ok::<_, LedgerError>(())
    })?;
    Ok(records)
}

fn row(record: &Record, stream: String) -> [String; 5] {
    let actor = match &record.actor {
        Actor::Platform => "platform".to_owned(),
        Actor::Account { email, .. } => email.clone(),
    };
    [record.at.in_seconds(), stream, record.seq.to_string(), actor, record.summary()]
}

fn object(record: &Record, app: Option<&String>) -> Value {
    json!({
        "position": record.position,
        "stream": record.stream,
        "app": app,
        "seq": record.seq,
        "at": record.at,
        "actor": record.actor,
        "kind": record.kind,
        "version": record.version,
        "payload": record.payload,
        "hash": record.hash,
    })
}

impl Verify {
    fn run(self, console: &mut Console) -> anyhow::Result<()> {
        let Report { entries, chains } = archive(&self.data_dir)?.verify(&self.head)?;
        if self.json {
            let head = |chain: &Chain| {
                let app = chain.app.as_ref().map(ToString::to_string);
                json!({ "app": app, "head": chain.head.to_string() })
            };
            let heads: Vec<_> = chains.iter().map(head).collect();
            return Ok(console.json(&json!({ "entries": entries, "heads": heads }))?);
        }
        let held = match self.head.len() {
            0 => "keep these heads on another machine, and prove later with --head that nothing changed"
                .to_owned(),
            1 => "the head is in its stream; the heads are now".to_owned(),
            heads => format!("the {heads} heads are in their streams; the heads are now"),
        };
        let streams = chains.len();
        console
            .note(format_args!("All {entries} entries of {streams} streams are what was written; {held}:"))?;
        for Chain { head, app } in &chains {
            let app = app.as_ref().map_or_else(String::new, |app| format!("  {app}"));
            console.line(format_args!("{head}{app}"))?;
        }
        Ok(())
    }
}

impl Export {
    fn run(self, console: &mut Console) -> anyhow::Result<()> {
        let archive = archive(&self.data_dir)?;
        let Some(file) = &self.output else {
            archive.export(BufWriter::new(console.output()))?;
            return Ok(());
        };
        let count = export_to(&archive, file).with_context(|| format!("cannot write {}", file.display()))?;
        console.note(format_args!("Wrote {count} entries to {}", file.display()))?;
        Ok(())
    }
}

/// Writes beside `file` first, then renames: it is whole or untouched.
fn export_to(archive: &Archive, file: &Path) -> anyhow::Result<u64> {
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = tempfile::NamedTempFile::new_in(dir)?;
    let count = archive.export(BufWriter::new(&mut beside))?;
    beside.as_file().sync_all()?;
    beside.persist(file).map_err(io::Error::from)?;
    Ok(count)
}
