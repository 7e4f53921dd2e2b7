use super::config::{Config, SECTIONS};
use std::{
    collections::HashMap,
    ffi::OsString,
    path::{Path, PathBuf},
};
use toml::{Table, Value};

/// Where the configuration comes from: the defaults, then a file, then variables of the environment, then flags.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    table: Table,
}

/// Why the configuration cannot be used: the operator's fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read {}: {cause}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's words.
        #[source]
        cause: std::io::Error,
    },
    /// The file is not TOML, or sets what cannot be set.
    #[error("{}: {reason}\n`hokku up --print-config` shows every key", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Where, and what is wrong.
        reason: String,
    },
    /// A variable's value cannot be.
    #[error("{variable}: {reason}")]
    Variable {
        /// The variable's name.
        variable: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A flag's value cannot be.
    #[error("{flag}: {reason}")]
    Flag {
        /// The flag.
        flag: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Settings {
    /// What `file` sets.
    ///
    /// # Errors
    /// [`SettingsError`] names the file and the line; unknown keys are errors.
    pub fn of_file(file: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(file)
            .map_err(|cause| SettingsError::Read { file: file.to_owned(), cause })?;
        let wrong = |reason: String| SettingsError::File { file: file.to_owned(), reason };
        toml::from_str::<Config>(&text).map_err(|error| wrong(told(&error.to_string())))?;
        let table = text.parse().map_err(|error: toml::de::Error| wrong(told(&error.to_string())))?;
        let settings = Self { table };
        settings.read().map_err(wrong)?;
        Ok(settings)
    }

    /// Sets what the variables of the environment say: `HOKKU_LISTEN`, `HOKKU_ROUTER_IDLE`, one for each key. Empty ones
    /// count as unset.
    ///
    /// # Errors
    /// [`SettingsError::Variable`], also for a variable that is named for a section and no key of it.
    pub fn environment(
        &mut self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<(), SettingsError> {
        let known: HashMap<_, _> =
            keys().into_iter().map(|(section, key)| (variable(section, &key), (section, key))).collect();
        for (name, value) in variables {
            let Ok(variable) = name.into_string() else { continue };
            let Some((section, key)) = known.get(&variable) else {
                if is_of_a_section(&variable) {
                    let reason = "there is no such key; `hokku up --print-config` shows every one".to_owned();
                    return Err(SettingsError::Variable { variable, reason });
                }
                continue;
            };
            if value.is_empty() {
                continue;
            }
            let wrong = |reason: String| SettingsError::Variable { variable: variable.clone(), reason };
            let value = value.into_string().map_err(|_| wrong("it is not UTF-8".to_owned()))?;
            self.put(section, key, &value).map_err(wrong)?;
        }
        Ok(())
    }

    /// Sets one key above all sections, as the flag `--KEY` does.
    ///
    /// # Errors
    /// [`SettingsError::Flag`].
    pub fn flag(&mut self, key: &str, value: &str) -> Result<(), SettingsError> {
        self.put("", key, value).map_err(|reason| SettingsError::Flag { flag: format!("--{key}"), reason })
    }

    /// The configuration.
    ///
    /// # Errors
    /// None in practice: every value was checked when it was set.
    pub fn config(&self) -> Result<Config, SettingsError> {
        self.read().map_err(|reason| SettingsError::File { file: "hokku.toml".into(), reason })
    }

    fn read(&self) -> Result<Config, String> {
        let config: Config =
            self.table.clone().try_into().map_err(|error: toml::de::Error| told(&error.to_string()))?;
        let values = values(&config);
        let zero = |(section, key): &&(&str, String)| {
            table_of(&values, section).and_then(|table| table.get(key)).and_then(Value::as_integer) == Some(0)
        };
        match keys().iter().find(zero) {
            Some(("", key)) => Err(format!("{key} must be at least 1")),
            Some((section, key)) => Err(format!("{key} of [{section}] must be at least 1")),
            None => Ok(config),
        }
    }

    /// Sets a key to `text`: as TOML if it is TOML of the right kind, else as a string.
    fn put(&mut self, section: &str, key: &str, text: &str) -> Result<(), String> {
        let as_toml = text.parse::<Value>().ok();
        let mut refused = String::new();
        for value in as_toml.into_iter().chain([Value::from(text)]) {
            let mut attempt = self.clone();
            let section = match section {
                "" => &mut attempt.table,
                section => attempt
                    .table
                    .entry(section)
                    .or_insert_with(|| Table::new().into())
                    .as_table_mut()
                    .ok_or_else(|| format!("`{section}` is not a section"))?,
            };
            section.insert(key.to_owned(), value);
            match attempt.read() {
                Ok(_) => {
                    *self = attempt;
                    return Ok(());
                }
                // What it is as a string is wrong, too; the first reason is about what was meant.
                Err(reason) if refused.is_empty() => refused = reason,
                Err(_) => {}
            }
        }
        // The caller names the variable or flag that it came from.
        let meant = refused.rfind(" in `").filter(|_| refused.ends_with('`'));
        Err(refused[..meant.unwrap_or(refused.len())].to_owned())
    }
}

/// What the parser says, without its drawing of the line.
fn told(error: &str) -> String {
    let mut lines = error.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    match lines.next_back() {
        Some(last) if first.starts_with("TOML parse error") => {
            format!("{}: {last}", first.trim_start_matches("TOML parse error at "))
        }
        _ => error.trim().replace('\n', " "),
    }
}

/// Whether a variable's name begins as those of a section do. The client's token is no key.
fn is_of_a_section(variable: &str) -> bool {
    let begins = |section: &str| {
        let rest =
            variable.strip_prefix("HOKKU_").and_then(|rest| rest.strip_prefix(&section.to_uppercase()));
        rest.is_some_and(|rest| rest.starts_with('_'))
    };
    let mut sections = SECTIONS.iter().map(|(section, _, _)| section).filter(|section| !section.is_empty());
    variable != "HOKKU_API_KEY" && sections.any(|section| begins(section))
}

/// Every key that can be set, by section.
fn keys() -> Vec<(&'static str, String)> {
    let all = values(&Config::default());
    let settable = |section: &str, key: &String| {
        table_of(&all, section).and_then(|table| table.get(key)).is_some_and(|value| !value.is_table())
    };
    SECTIONS
        .into_iter()
        .flat_map(|(section, names, _)| names.iter().map(move |name| (section, key(name))))
        .filter(|(section, key)| settable(section, key))
        .collect()
}

fn key(field: &str) -> String {
    field.replace('_', "-")
}

/// The variable that sets a key: `HOKKU_ROUTER_FIRST_BYTE`.
fn variable(section: &str, key: &str) -> String {
    let parts = ["HOKKU", section, key].into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("_").replace('-', "_").to_uppercase()
}

fn table_of<'a>(table: &'a Table, section: &str) -> Option<&'a Table> {
    if section.is_empty() { Some(table) } else { table.get(section)?.as_table() }
}

/// A configuration as the file has it.
fn values(config: &Config) -> Table {
    Table::try_from(config).unwrap_or_default()
}

impl Config {
    /// The whole file with these values, each key with what it means and the variable that sets it.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let values = values(self);
        let head = "# The configuration of a Hokku platform, as it would run now. Keep it as hokku.toml in the data directory, or\n\
                    # name it: hokku up --config FILE. Flags go before variables, variables before the file.";
        let mut blocks = vec![head.to_owned()];
        for (section, names, docs) in SECTIONS {
            let Some(table) = table_of(&values, section) else { continue };
            if !section.is_empty() {
                blocks.push(format!("# {}\n[{section}]", Self::about(section)));
            }
            for (name, doc) in names.iter().zip(docs) {
                let key = key(name);
                let Some(value) = table.get(&key).filter(|value| !value.is_table()) else { continue };
                let variable = variable(section, &key);
                blocks.push(format!("{}\n# {variable}\n{key} = {value}", comment(doc)));
            }
        }
        blocks.join("\n\n") + "\n"
    }

    fn about(section: &str) -> &'static str {
        let (_, names, docs) = SECTIONS[0];
        let index = names.iter().position(|name| *name == section);
        index.and_then(|index| docs.get(index)).copied().unwrap_or_default()
    }
}

/// `doc` as lines of comment.
fn comment(doc: &str) -> String {
    doc.lines().map(|line| format!("# {}", line.trim().replace('`', ""))).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(file: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("hokku.toml");
        std::fs::write(&path, file).expect("written");
        let shown =
            |error: SettingsError| error.to_string().replace(&dir.path().display().to_string(), "DIR");
        Settings::of_file(&path).map_err(shown)?.config().map_err(shown)
    }

    #[test]
    fn the_whole_file_can_be_printed_and_read_back() {
        let mut config = Config::default();
        // The default is taken from the machine.
        config.formation.starts_at_once = 4;
        let text = config.to_toml();
        let config = settings(&text).expect("its own words");
        assert_eq!(config.to_toml(), text);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn every_key_has_a_comment_that_a_person_can_read() {
        for (section, names, docs) in SECTIONS {
            for (name, doc) in names.iter().zip(docs) {
                assert!(!doc.is_empty() && !doc.contains("[`"), "{section}.{name}: {doc}");
            }
        }
    }

    #[test]
    fn wrong_files_are_told_by_line_and_key() {
        let error = |text| settings(text).map(drop).expect_err("refused");
        insta::assert_snapshot!(error("[router]\nidel = \"5s\"\n"), @r#"
        DIR/hokku.toml: line 2, column 1: unknown field `idel`, expected one of `first-byte`, `idle`, `boot`, `max-connections`, `max-line`, `max-headers`, `max-head`, `max-streams`
        `hokku up --print-config` shows every key
        "#);
        insta::assert_snapshot!(error("[router]\nidle = 5\n"), @r#"
        DIR/hokku.toml: line 2, column 8: invalid type: integer `5`, expected a string
        `hokku up --print-config` shows every key
        "#);
        insta::assert_snapshot!(error("listen = \"nowhere\"\n"), @r#"
        DIR/hokku.toml: line 1, column 10: `nowhere` is not an address to listen on: write localhost:8080, 0.0.0.0:80 or [::]:80
        `hokku up --print-config` shows every key
        "#);
        insta::assert_snapshot!(error("listen\n"), @r#"
        DIR/hokku.toml: line 1, column 7: key with no value, expected `=`
        `hokku up --print-config` shows every key
        "#);
        insta::assert_snapshot!(error("[nosuch]\n"), @r#"
        DIR/hokku.toml: line 1, column 2: unknown field `nosuch`, expected one of `data-dir`, `cache-dir`, `listen`, `domain`, `owner`, `grace`, `log`, `router`, `tls`, `dyno`, `formation`, `builds`, `releases`, `logplex`, `api`, `git`
        `hokku up --print-config` shows every key
        "#);
    }

    #[test]
    fn variables_go_before_the_file_and_flags_before_variables() {
        let mut settings = Settings::default();
        let environment = [
            ("HOKKU_LISTEN", "0.0.0.0:80"),
            ("HOKKU_DOMAIN", "Paas.Example.com"),
            ("HOKKU_ROUTER_FIRST_BYTE", "10s"),
            ("HOKKU_ROUTER_MAX_HEADERS", "50"),
            ("HOKKU_LOG_FORMAT", "json"),
            ("HOKKU_OWNER", "1"),
            ("HOKKU_APP", "shop"),
        ];
        let environment = environment.map(|(name, value)| (name.into(), value.into()));
        settings.environment(environment).expect("legal");
        settings.flag("listen", "localhost:9000").expect("legal");
        let config = settings.config().expect("legal");
        assert_eq!(config.listen.to_string(), "localhost:9000");
        assert_eq!(config.domain.as_ref(), "paas.example.com");
        assert_eq!((config.router.first_byte.as_secs(), config.router.max_headers), (10, 50));
        assert_eq!(config.log.format, super::super::LogFormat::Json);
        assert_eq!(config.owner, "1");
    }

    #[test]
    fn a_wrong_variable_or_flag_is_named() {
        let mut settings = Settings::default();
        let mut refused = |name: &str, value: &str| {
            settings.environment([(name.into(), value.into())]).expect_err("refused").to_string()
        };
        insta::assert_snapshot!(refused("HOKKU_ROUTER_IDEL", "5s"), @"HOKKU_ROUTER_IDEL: there is no such key; `hokku up --print-config` shows every one");
        insta::assert_snapshot!(refused("HOKKU_ROUTER_MAX_CONNECTIONS", "0"), @"HOKKU_ROUTER_MAX_CONNECTIONS: max-connections of [router] must be at least 1");
        insta::assert_snapshot!(refused("HOKKU_ROUTER_IDLE", "soon"), @"HOKKU_ROUTER_IDLE: `soon` is not a duration: write it as 30s, 5m or 24h");
        insta::assert_snapshot!(settings.flag("listen", "x").expect_err("refused"), @"--listen: `x` is not an address to listen on: write localhost:8080, 0.0.0.0:80 or [::]:80");
    }
}
