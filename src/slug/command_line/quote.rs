/// Writes each word so that it is read back as it is.
pub(super) fn quote<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> String {
    let quoted: Vec<_> = words.into_iter().map(|word| quote_word(word.as_ref())).collect();
    quoted.join(" ")
}

fn quote_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%,+".contains(c);
    // `=` may stay in an option; before the program it would be an assignment.
    let safe = |c: char| plain(c) || (c == '=' && word.starts_with('-'));
    let special = matches!(word, "" | "exec" | "env");
    if !special && word.chars().all(safe) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
