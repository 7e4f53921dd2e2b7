/// `text` as it may go to a terminal: without escape sequences and other control characters, so that neither an app nor
/// a slug can move the cursor, set the title or fill the clipboard. Tabs stay, and line breaks.
pub(super) fn plain(text: &str) -> String {
    let stripped = anstream::adapter::strip_str(text).to_string();
    stripped.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_go_and_text_stays() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m \ttab"), "red \ttab");
        assert_eq!(plain("\u{1b}]52;c;aGk=\u{7}x\u{9b}2J\u{8}"), "x2J");
        assert_eq!(plain("J\u{fc}rgen\nzwei"), "J\u{fc}rgen\nzwei");
    }
}
