use serde::Serialize;
use std::fmt;

/// One finding.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    /// What was looked at.
    pub(super) name: &'static str,
    pub(super) verdict: Verdict,
    /// What was found.
    pub(super) found: String,
    /// What it is for.
    pub(super) purpose: &'static str,
    /// What to do; nothing when all is well.
    pub(super) remedy: Option<String>,
}

/// Whether what was found will do.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Ok,
    /// The platform does without, or something is to come.
    Warning,
    /// The platform needs it.
    Missing,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Missing => "missing",
        })
    }
}

impl Check {
    pub(super) fn ok(name: &'static str, found: impl Into<String>, purpose: &'static str) -> Self {
        Self { name, verdict: Verdict::Ok, found: found.into(), purpose, remedy: None }
    }

    /// The same thing, but it will not do, or not for long.
    pub(super) fn but(self, verdict: Verdict, remedy: impl Into<String>) -> Self {
        Self { verdict, remedy: Some(remedy.into()), ..self }
    }
}
