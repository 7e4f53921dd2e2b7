/// The most bytes of a line that is looked at.
const LINE_LIMIT: usize = 400;

/// Finds out from a build's output what its buildpack called the app: `-----> Python app detected`.
#[derive(Default)]
pub(super) struct AppLanguage {
    line: Vec<u8>,
    found: Option<String>,
}

impl AppLanguage {
    /// The next bytes of the output.
    pub(super) fn watch(&mut self, bytes: &[u8]) {
        if self.found.is_some() {
            return;
        }
        for byte in bytes {
            if *byte == b'\n' {
                let line = String::from_utf8_lossy(&self.line);
                let name = line.strip_prefix("-----> ").and_then(|line| line.strip_suffix(" app detected"));
                self.found = self.found.take().or_else(|| name.map(str::to_owned));
                self.line.clear();
            } else if self.line.len() < LINE_LIMIT {
                self.line.push(*byte);
            }
        }
    }

    /// `Python app`, or `this app` where no buildpack knew it.
    pub(super) fn app(&self) -> String {
        self.found.as_ref().map_or_else(|| "this app".to_owned(), |name| format!("{name} app"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_however_the_output_comes() {
        let text =
            "-----> Building on the Hokku-1 stack\n-----> Python app detected\n-----> X app detected\n";
        let mut language = AppLanguage::default();
        assert_eq!(language.app(), "this app");
        text.bytes().for_each(|byte| language.watch(&[byte]));
        assert_eq!(language.app(), "Python app");
        let mut flooded = AppLanguage::default();
        flooded.watch(&vec![b'x'; 10_000]);
        assert_eq!((flooded.line.len(), flooded.app().as_str()), (LINE_LIMIT, "this app"));
    }
}
