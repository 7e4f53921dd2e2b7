use std::io;

/// How the built-in program `static` was asked to serve.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StaticOptions {
    /// The directory in the slug. Default: the app's root.
    pub directory: String,
    /// `--single-page`: a path that is no file, and whose last part has no dot, gets `index.html`.
    pub single_page: bool,
    /// `--clean-urls`: `/about` gets `about.html`, and `/about.html` is sent to `/about`.
    pub clean_urls: bool,
}

/// The app's fault: `static` cannot serve what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StaticSiteError {
    /// A word that begins with `-` is no option.
    #[error("static has no option `{0}`; write static [DIR] [--single-page] [--clean-urls]")]
    UnknownOption(String),
    /// Two directories.
    #[error("static serves one directory, not `{0}` and `{1}`; put both into one")]
    SecondDirectory(String, String),
    /// The directory cannot be opened.
    #[error("static cannot open the directory `{directory}` of the slug: {cause}; does the build make it?")]
    Directory {
        /// As the command names it.
        directory: String,
        /// The system's words.
        #[source]
        cause: io::Error,
    },
}

impl Default for StaticOptions {
    fn default() -> Self {
        Self { directory: ".".to_owned(), single_page: false, clean_urls: false }
    }
}

impl StaticOptions {
    /// Reads the words after `static`.
    ///
    /// # Errors
    /// [`StaticSiteError`] for an unknown option and a second directory.
    pub fn parse(words: &[String]) -> Result<Self, StaticSiteError> {
        let mut options = Self::default();
        let mut directory = None;
        for word in words {
            match word.as_str() {
                "--single-page" => options.single_page = true,
                "--clean-urls" => options.clean_urls = true,
                option if option.starts_with('-') => {
                    return Err(StaticSiteError::UnknownOption(option.to_owned()));
                }
                second => {
                    if let Some(first) = directory.replace(second.to_owned()) {
                        return Err(StaticSiteError::SecondDirectory(first, second.to_owned()));
                    }
                }
            }
        }
        options.directory = directory.unwrap_or(options.directory);
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<StaticOptions, StaticSiteError> {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        StaticOptions::parse(&words)
    }

    #[test]
    fn words_become_options() {
        assert_eq!(parse("").expect("legal"), StaticOptions::default());
        let all = StaticOptions { directory: "dist".to_owned(), single_page: true, clean_urls: true };
        assert_eq!(parse("--clean-urls dist --single-page").expect("legal"), all);
    }

    #[test]
    fn errors_say_what_to_write() {
        let error = |line| parse(line).expect_err("illegal").to_string();
        insta::assert_snapshot!(error("dist --spa"), @"static has no option `--spa`; write static [DIR] [--single-page] [--clean-urls]");
        insta::assert_snapshot!(error("a b"), @"static serves one directory, not `a` and `b`; put both into one");
    }
}
