/// The text is not a command line that can be run without a shell: the app's fault.
///
/// Values of variables are never shown.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no word to run.
    #[error("the command is empty: write a program and its arguments, as `gunicorn app:app`")]
    Empty,
    /// The text is too long.
    #[error(
        "the command has {size} bytes; the limit is {}: write a script in your app's language",
        super::CommandLine::BYTES_LIMIT
    )]
    TooLong {
        /// Bytes of the text.
        size: usize,
    },
    /// With its variables in place, the command is too long.
    #[error(
        "the command has more than {} bytes with its variables: read large values from the environment instead",
        super::CommandLine::EXPANDED_LIMIT
    )]
    ExpandsTooFar,
    /// The text holds a NUL byte.
    #[error("the command holds a NUL byte: remove it")]
    Nul,
    /// A quote is not closed.
    #[error("the quote {0} is not closed: close it, or write \\{0} for the character itself")]
    OpenQuote(char),
    /// The last character is a backslash.
    #[error("the command ends with a backslash: write \\\\ for the character itself")]
    TrailingBackslash,
    /// A `${` is not closed.
    #[error("`${{` is not closed: write ${{NAME}} or ${{NAME:-default}}")]
    OpenBrace,
    /// Only two forms of `${…}` exist.
    #[error("`${{{0}` is a shell expansion that does not exist here: write ${{NAME}} or ${{NAME:-default}}")]
    Expansion(String),
    /// A parameter of a shell, which has no meaning here.
    #[error(
        "`${0}` is a parameter of a shell, and there is no shell in a dyno: use a config var, or quote it as '${0}'"
    )]
    Parameter(char),
    /// Defaults are nested too deeply.
    #[error("defaults are nested more than {} deep: set the config var instead", super::parse::NESTING)]
    TooDeep,
    /// An operator of a shell.
    #[error("{operator} is shell syntax; there is no shell in a dyno: {instead}")]
    Operator {
        /// The operator, as shown.
        operator: &'static str,
        /// What to write instead.
        instead: &'static str,
    },
    /// `env` with options.
    #[error("`env {0}` is not understood: write NAME=value before the program, or set a config var")]
    EnvOption(String),
}
