use super::{Git, GitError};

impl Git {
    /// Lets git ask `helper`, a line of a shell, for the password of `origin` (scheme, name and port) and of no other
    /// host. Other helpers that are set for all hosts are not asked there: they would keep the token.
    pub(in crate::cli) fn let_help(&self, origin: &str, helper: &str) -> Result<(), GitError> {
        let key = format!("credential.{origin}.helper");
        // The empty one forgets those before it, the system's too.
        let wanted = ["", helper];
        if self.global(&["--get-all", &key])? == wanted {
            return Ok(());
        }
        for (nth, value) in wanted.iter().enumerate() {
            let how = if nth == 0 { "--replace-all" } else { "--add" };
            self.change(&["config", "--global", how, &key, value])?;
        }
        Ok(())
    }

    /// Lets git know `origin` by the authority in `file`.
    pub(in crate::cli) fn let_trust(&self, origin: &str, file: &str) -> Result<(), GitError> {
        let key = format!("http.{origin}/.sslCAInfo");
        if self.global(&["--get-all", &key])? == [file] {
            return Ok(());
        }
        self.change(&["config", "--global", "--replace-all", &key, file])
    }

    /// The values in the user's own settings.
    fn global(&self, words: &[&str]) -> Result<Vec<String>, GitError> {
        let words = [&["config", "--global", "-z"], words].concat();
        let values = self.read(&words)?.unwrap_or_default();
        let values = values.strip_suffix('\0').map(|values| values.split('\0').map(str::to_owned).collect());
        Ok(values.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(git: &Git) -> String {
        git.read(&["config", "--global", "--list"]).expect("read").unwrap_or_default()
    }

    #[test]
    fn one_host_gets_one_helper() {
        let dir = tempfile::tempdir().expect("a directory");
        let git = Git::of_test(dir.path().to_owned());
        for _ in 0..2 {
            git.let_help("http://localhost:8080", "!hokku git:credentials").expect("set");
            git.let_trust("https://localhost:8080", "/a b/ca.pem").expect("set");
        }
        insta::assert_snapshot!(settings(&git), @r"
        credential.http://localhost:8080.helper=
        credential.http://localhost:8080.helper=!hokku git:credentials
        http.https://localhost:8080/.sslcainfo=/a b/ca.pem
        ");
    }

    #[test]
    fn helpers_for_all_hosts_are_not_asked_for_this_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let git = Git::of_test(dir.path().to_owned());
        git.let_help("http://localhost:8080", "!old git:credentials").expect("set");
        git.change(&["config", "--global", "credential.helper", "store"]).expect("set");
        for _ in 0..2 {
            git.let_help("http://localhost:8080", "!hokku git:credentials").expect("set");
        }
        insta::assert_snapshot!(settings(&git), @r"
        credential.http://localhost:8080.helper=
        credential.http://localhost:8080.helper=!hokku git:credentials
        credential.helper=store
        ");
    }
}
