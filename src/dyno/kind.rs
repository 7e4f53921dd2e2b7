use crate::slug::Serves;
use std::fmt;
use wasmparser::{Encoding, Parser, Payload};

/// What a wasm program is, told by its exports: how it can run follows from this, not from what a manifest says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProgramKind {
    /// A component that exports `wasi:http/incoming-handler@0.2`: answers requests.
    Http,
    /// A component that exports `wasi:cli/run@0.2`: runs once and exits.
    Command,
    /// A WASI preview 1 core module that exports `_start`: runs once and exits.
    CommandModule,
    /// Wasm of another kind: nothing here can run it.
    Other,
}

impl fmt::Display for ProgramKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "a component that exports wasi:http/incoming-handler@0.2",
            Self::Command => "a component that exports wasi:cli/run@0.2",
            Self::CommandModule => "a WASI preview 1 module",
            Self::Other => {
                "wasm that exports neither wasi:http/incoming-handler@0.2, wasi:cli/run@0.2 nor _start"
            }
        })
    }
}

impl ProgramKind {
    /// How a web process serves that runs `wasm`.
    ///
    /// # Errors
    /// What it is instead, and what to do.
    pub fn how_web_serves(wasm: &[u8]) -> Result<Serves, String> {
        match Self::of(wasm)? {
            Self::Http => Ok(Serves::Http),
            other => Err(other.why_not_web()),
        }
    }

    pub(super) fn why_not_web(self) -> String {
        let needed = Self::Http;
        format!(
            "it is {self}, and web needs {needed}; name it as a worker, or run it with `hokku run --local`"
        )
    }

    /// Reads the exports of `wasm`; nothing is compiled or run.
    ///
    /// # Errors
    /// The parser's words, when the bytes are not wasm.
    pub fn of(wasm: &[u8]) -> Result<Self, String> {
        let mut component = false;
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.map_err(|error| error.to_string())? {
                Payload::Version { encoding, .. } if depth == 0 => {
                    component = encoding == Encoding::Component;
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentExportSection(exports) if depth == 0 => {
                    for export in exports {
                        let export = export.map_err(|error| error.to_string())?;
                        if export.name.name.starts_with("wasi:http/incoming-handler@0.2.") {
                            return Ok(Self::Http);
                        }
                        if export.name.name.starts_with("wasi:cli/run@0.2.") {
                            return Ok(Self::Command);
                        }
                    }
                }
                Payload::ExportSection(exports) if depth == 0 && !component => {
                    for export in exports {
                        if export.map_err(|error| error.to_string())?.name == "_start" {
                            return Ok(Self::CommandModule);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(Self::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Result<ProgramKind, String> {
        ProgramKind::of(&wat::parse_str(text).expect("wat"))
    }

    #[test]
    fn exports_tell_the_kind() {
        assert_eq!(kind(r#"(module (func (export "_start")))"#), Ok(ProgramKind::CommandModule));
        assert_eq!(kind(r#"(module (func (export "add")))"#), Ok(ProgramKind::Other));
        let run = r#"(component
            (core module $m (func (export "run") (result i32) i32.const 0) (func (export "_start")))
            (core instance $i (instantiate $m))
            (func $run (result (result)) (canon lift (core func $i "run")))
            (instance $run (export "run" (func $run)))
            (export "wasi:cli/run@0.2.3" (instance $run)))"#;
        assert_eq!(kind(run), Ok(ProgramKind::Command));
        assert_eq!(kind("(component (core module (func (export \"_start\"))))"), Ok(ProgramKind::Other));
    }

    #[test]
    fn what_is_not_wasm_is_an_error() {
        assert!(ProgramKind::of(b"#!/bin/sh").is_err());
        assert!(ProgramKind::of(b"\0asm").is_err());
    }
}
