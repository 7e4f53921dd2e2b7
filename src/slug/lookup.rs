use super::{Manifest, Program};

/// The program word that the host serves itself.
const STATIC: &str = "static";
/// How many names an error lists.
const LISTED: usize = 20;

/// What a command's first word turned out to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Executable<'a> {
    /// A wasm program of the slug.
    Program(&'a Program),
    /// The host's own server of files, where the slug has no program named `static`.
    Static,
}

/// A command's first word is no program of the slug: the app's fault.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// No directory of the path has such a program.
    #[error("nothing named `{}` on the PATH; {}{}", word.escape_debug(), here(programs, path), hint(word))]
    NotFound {
        /// The word looked up.
        word: String,
        /// The names that can be run, sorted.
        programs: Vec<String>,
        /// The directories looked in.
        path: Vec<String>,
    },
    /// A path from the app's root at which there is no program.
    #[error("there is no program at `{}`; {}", word.escape_debug(), here(programs, path))]
    NoSuchPath {
        /// The word looked up.
        word: String,
        /// The names that can be run, sorted.
        programs: Vec<String>,
        /// The directories that hold programs.
        path: Vec<String>,
    },
    /// A path that leaves the app.
    #[error("`{}` is outside of the app: a program's path starts at the app's root, as bin/server", word.escape_debug())]
    Outside {
        /// The word looked up.
        word: String,
    },
    /// The word names a shell.
    #[error("`{}` is a shell, and there is no shell in a dyno: name the program itself, as `python app.py`", word.escape_debug())]
    Shell {
        /// The word looked up.
        word: String,
    },
}

impl Manifest {
    /// Finds the program that `word`, the first of a command, names.
    ///
    /// A plain word is looked up in the directories of the path, in order, as `NAME`, `NAME.wasm` and
    /// `NAME.wat`. A word with a `/` is a path from the app's root; `./` and `/app/` before it are allowed.
    ///
    /// # Errors
    /// [`LookupError`] lists what can be run.
    pub fn lookup(&self, word: &str) -> Result<Executable<'_>, LookupError> {
        if word.contains('/') {
            return self.at_path(word);
        }
        let found = self.path.iter().find_map(|dir| match dir.as_str() {
            "." => self.program(word),
            dir => self.program(&format!("{dir}/{word}")),
        });
        match found {
            Some(program) => Ok(Executable::Program(program)),
            None if word == STATIC => Ok(Executable::Static),
            None if is_shell(word) => Err(LookupError::Shell { word: shorten(word) }),
            None => Err(LookupError::NotFound {
                word: shorten(word),
                programs: self.runnable(),
                path: self.path.clone(),
            }),
        }
    }

    fn at_path(&self, word: &str) -> Result<Executable<'_>, LookupError> {
        let outside = || LookupError::Outside { word: shorten(word) };
        let below = word.strip_prefix("/app/").unwrap_or(word);
        if below.starts_with('/') {
            return match word.rsplit('/').next() {
                Some(name) if is_shell(name) => Err(LookupError::Shell { word: shorten(word) }),
                _ => Err(outside()),
            };
        }
        let names: Vec<_> = below.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
        if names.contains(&"..") {
            return Err(outside());
        }
        self.program(&names.join("/")).map(Executable::Program).ok_or_else(|| LookupError::NoSuchPath {
            word: shorten(word),
            programs: self.runnable(),
            path: self.path.clone(),
        })
    }

    /// The program at `path`, with or without its extension.
    fn program(&self, path: &str) -> Option<&Program> {
        if path.is_empty() {
            return None;
        }
        ["", ".wasm", ".wat"].iter().find_map(|extension| {
            self.programs.iter().find(|p| p.path.strip_prefix(path) == Some(*extension))
        })
    }

    /// The names of all programs on the path, as a command would write them, sorted.
    #[must_use]
    pub fn runnable(&self) -> Vec<String> {
        let name = |program: &Program| {
            let name = program.path.rsplit('/').next().unwrap_or_default();
            let stem = name.strip_suffix(".wasm").or_else(|| name.strip_suffix(".wat"));
            stem.filter(|stem| !stem.is_empty()).unwrap_or(name).to_owned()
        };
        let mut names: Vec<_> = self.programs.iter().map(name).collect();
        names.sort();
        names.dedup();
        names
    }
}

fn is_shell(word: &str) -> bool {
    matches!(word, "sh" | "bash" | "dash" | "zsh" | "ash" | "fish" | "ksh")
}

fn shorten(word: &str) -> String {
    word.chars().take(200).collect()
}

/// What can be run, for an error.
fn here(programs: &[String], path: &[String]) -> String {
    if programs.is_empty() {
        return format!("the slug has no program: put a wasm file into {}", path.join(" or "));
    }
    let more = match programs.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let listed: Vec<_> = programs.iter().take(LISTED).map(|name| name.escape_debug().to_string()).collect();
    format!("programs here: {}{more}", listed.join(", "))
}

/// A script is an argument of its language's program.
fn hint(word: &str) -> String {
    let program = match word.rsplit_once('.') {
        Some((_, "py")) => "python",
        Some((_, "js" | "mjs" | "cjs")) => "node",
        Some((_, "rb")) => "ruby",
        Some((_, "php")) => "php",
        _ => return String::new(),
    };
    format!("; a script is run by its language, as `{program} {}`", word.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slug::manifest::tests::manifest;

    fn error(word: &str) -> String {
        manifest().lookup(word).expect_err("not found").to_string()
    }

    fn found(word: &str) -> String {
        match manifest().lookup(word).expect("found") {
            Executable::Program(program) => program.path.clone(),
            Executable::Static => "(static)".to_owned(),
        }
    }

    #[test]
    fn words_are_looked_up_in_the_order_of_the_path() {
        assert_eq!(found("gunicorn"), ".python/bin/gunicorn.wasm");
        assert_eq!(found("python.wasm"), ".python/bin/python.wasm");
        assert_eq!(found("server"), "bin/server.wat");
        assert_eq!(found("tool"), "tool");
        for word in ["bin/server", "./bin/server", "/app/bin/server.wat", "bin//./server"] {
            assert_eq!(found(word), "bin/server.wat", "{word}");
        }
        assert_eq!(found("./tool"), "tool");
    }

    #[test]
    fn static_is_the_hosts_unless_the_slug_has_one() {
        assert_eq!(found("static"), "(static)");
        let mut manifest = manifest();
        manifest.programs[0].path = "bin/static.wasm".to_owned();
        assert!(matches!(manifest.lookup("static"), Ok(Executable::Program(_))));
    }

    #[test]
    fn errors_list_what_can_be_run() {
        insta::assert_snapshot!(error("gunicron"), @"nothing named `gunicron` on the PATH; programs here: gunicorn, python, server, tool");
        insta::assert_snapshot!(error("worker.py"), @"nothing named `worker.py` on the PATH; programs here: gunicorn, python, server, tool; a script is run by its language, as `python worker.py`");
        insta::assert_snapshot!(error("lib/x"), @"there is no program at `lib/x`; programs here: gunicorn, python, server, tool");
        insta::assert_snapshot!(error("../x"), @"`../x` is outside of the app: a program's path starts at the app's root, as bin/server");
        insta::assert_snapshot!(error("/bin/bash"), @"`/bin/bash` is a shell, and there is no shell in a dyno: name the program itself, as `python app.py`");
        insta::assert_snapshot!(error("sh"), @"`sh` is a shell, and there is no shell in a dyno: name the program itself, as `python app.py`");
        let mut empty = manifest();
        empty.programs.clear();
        insta::assert_snapshot!(empty.lookup("x").expect_err("none"), @"nothing named `x` on the PATH; the slug has no program: put a wasm file into .python/bin or bin or .");
    }

    proptest::proptest! {
        #[test]
        fn any_word_is_looked_up_without_panic(word in ".*") {
            let _ = manifest().lookup(&word);
        }
    }
}
