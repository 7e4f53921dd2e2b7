/// The command line that `words` of a shell stand for: a single word is taken as a whole command line, as `heroku run
/// "python worker.py"` has it; several are quoted so that they stay the words they are.
pub(super) fn command_line(words: &[String]) -> String {
    match words {
        [line] => line.clone(),
        words => crate::slug::CommandLine::quote(words),
    }
}
