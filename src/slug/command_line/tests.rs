use super::{CommandError, CommandLine};
use proptest::prelude::*;

fn variable(name: &str) -> Option<String> {
    let value = match name {
        "PORT" => "5000",
        "OPTS" => "--a  --b=1 ",
        "EMPTY" => "",
        "NAME" => "o'brien \"x\" $PORT *",
        _ => return None,
    };
    Some(value.to_owned())
}

fn words(text: &str) -> Vec<String> {
    CommandLine::parse(text).and_then(|line| line.expand(variable)).expect("legal").words
}

fn environment(text: &str) -> Vec<(String, String)> {
    CommandLine::parse(text).and_then(|line| line.expand(variable)).expect("legal").environment
}

fn error(text: &str) -> String {
    CommandLine::parse(text).expect_err("illegal").to_string()
}

#[test]
fn words_are_split_and_quoted_as_in_a_shell() {
    assert_eq!(words("  gunicorn\tapp:app  "), ["gunicorn", "app:app"]);
    assert_eq!(words(r#"a 'b c' "d e" f\ g"#), ["a", "b c", "d e", "f g"]);
    assert_eq!(words(r#"a '' "" b"#), ["a", "", "", "b"]);
    assert_eq!(words(r#"a 'x'"y"z"#), ["a", "xyz"]);
    assert_eq!(words(r#"a '\n$PORT&&' "\n\$\"\\""#), ["a", r"\n$PORT&&", r#"\n$"\"#]);
    assert_eq!(words("a \"b && c | d; *\" 'x > y'"), ["a", "b && c | d; *", "x > y"]);
    assert_eq!(
        words("a --glob=\\* b#c x~y {1,2} [z] !"),
        ["a", "--glob=*", "b#c", "x~y", "{1,2}", "[z]", "!"]
    );
    assert_eq!(words("a \\\n b"), ["a", "b"]);
    assert_eq!(words("a b\\ "), ["a", "b "]);
    assert_eq!(words("a b\r\n"), ["a", "b"]);
}

#[test]
fn variables_are_put_in_place_at_the_start() {
    assert_eq!(words("a --bind :$PORT 0.0.0.0:${PORT}x"), ["a", "--bind", ":5000", "0.0.0.0:5000x"]);
    assert_eq!(words("a ${WORKERS:-3} ${EMPTY:-4} ${PORT:-1}"), ["a", "3", "4", "5000"]);
    assert_eq!(words("a ${X:-${Y:-$PORT}} ${X:-'b c'} \"${X:-b c}\""), ["a", "5000", "b c", "b c"]);
    assert_eq!(words("a 5$ $ $. \"$\""), ["a", "5$", "$", "$.", "$"]);
}

#[test]
fn an_unquoted_value_is_split_and_a_quoted_one_is_not() {
    assert_eq!(words("java $OPTS x"), ["java", "--a", "--b=1", "x"]);
    assert_eq!(words("java \"$OPTS\" x"), ["java", "--a  --b=1 ", "x"]);
    assert_eq!(words("java x$OPTS\"y\""), ["java", "x--a", "--b=1", "y"]);
    assert_eq!(words("a $EMPTY $NONE b"), ["a", "b"]);
    assert_eq!(words("a \"$EMPTY\" ''$NONE"), ["a", "", ""]);
    assert_eq!(words("a ${X:---workers 2}"), ["a", "--workers", "2"]);
    assert_eq!(words("a \"$NAME\""), ["a", "o'brien \"x\" $PORT *"], "values are not read again");
}

#[test]
fn assignments_exec_and_env_stand_before_the_program() {
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    assert_eq!(
        environment("A=1 B='x y' C=$PORT D= exec run"),
        pairs(&[("A", "1"), ("B", "x y"), ("C", "5000"), ("D", "")])
    );
    assert_eq!(environment("A=$OPTS x"), pairs(&[("A", "--a  --b=1 ")]));
    assert_eq!(words("exec env A=1 python x A=2"), ["python", "x", "A=2"]);
    assert_eq!(words("'A=1' x"), ["A=1", "x"]);
    assert_eq!(words("'exec' x"), ["exec", "x"]);
    assert_eq!(words("1A=1 x"), ["1A=1", "x"]);
}

#[test]
fn the_program_is_known_where_no_variable_is_in_it() {
    let program = |text| CommandLine::parse(text).expect("legal").program();
    assert_eq!(program("A=1 exec 'guni'corn app").as_deref(), Some("gunicorn"));
    assert_eq!(program("$CMD app"), None);
}

#[test]
fn shell_syntax_is_refused_with_what_to_write_instead() {
    insta::assert_snapshot!(error("a migrate && gunicorn app"), @"`&&` is shell syntax; there is no shell in a dyno: put the first command into the release process type, or write a script in your app's language");
    insta::assert_snapshot!(error("a || b"), @"`||` is shell syntax; there is no shell in a dyno: put the first command into the release process type, or write a script in your app's language");
    insta::assert_snapshot!(error("a; b"), @"`;` is shell syntax; there is no shell in a dyno: give each command a process type of its own, or write a script in your app's language");
    insta::assert_snapshot!(error("a\nb"), @"a line break is shell syntax; there is no shell in a dyno: give each command a process type of its own, or write a script in your app's language");
    insta::assert_snapshot!(error("a | b"), @"`|` is shell syntax; there is no shell in a dyno: connect the programs in a script of your app's language");
    insta::assert_snapshot!(error("a > x"), @"`>` is shell syntax; there is no shell in a dyno: output goes to the app's log by itself; open files in the app");
    insta::assert_snapshot!(error("a 2>&1"), @"`>` is shell syntax; there is no shell in a dyno: output goes to the app's log by itself; open files in the app");
    insta::assert_snapshot!(error("a < x"), @"`<` is shell syntax; there is no shell in a dyno: output goes to the app's log by itself; open files in the app");
    insta::assert_snapshot!(error("a &"), @"`&` is shell syntax; there is no shell in a dyno: give each program a process type of its own");
    insta::assert_snapshot!(error("a $(date)"), @"`$(…)` is shell syntax; there is no shell in a dyno: use a config var, or compute the value in the app");
    insta::assert_snapshot!(error("a \"`date`\""), @"a backtick is shell syntax; there is no shell in a dyno: use a config var, or compute the value in the app");
    insta::assert_snapshot!(error("a *.py"), @"`*` is shell syntax; there is no shell in a dyno: name the files, or quote the character");
    insta::assert_snapshot!(error("a ~/x"), @"`~` is shell syntax; there is no shell in a dyno: write $HOME, or a path from the app's root");
    insta::assert_snapshot!(error("a # b"), @"`#` is shell syntax; there is no shell in a dyno: remove the comment, or quote the character");
    insta::assert_snapshot!(error("(a)"), @"`(` is shell syntax; there is no shell in a dyno: write one program and its arguments, or quote the character");
    insta::assert_snapshot!(error("a $'b'"), @"`$'…'` is shell syntax; there is no shell in a dyno: write the quote without $");
}

#[test]
fn what_cannot_be_read_is_refused() {
    insta::assert_snapshot!(error(" "), @"the command is empty: write a program and its arguments, as `gunicorn app:app`");
    insta::assert_snapshot!(error("A=1"), @"the command is empty: write a program and its arguments, as `gunicorn app:app`");
    insta::assert_snapshot!(error("a 'b"), @r#"the quote ' is not closed: close it, or write \' for the character itself"#);
    insta::assert_snapshot!(error("a \"b"), @r#"the quote " is not closed: close it, or write \" for the character itself"#);
    insta::assert_snapshot!(error("a \\"), @r#"the command ends with a backslash: write \\ for the character itself"#);
    insta::assert_snapshot!(error("a ${X"), @"`${` is not closed: write ${NAME} or ${NAME:-default}");
    insta::assert_snapshot!(error("a ${X%.py}"), @"`${X%.` is a shell expansion that does not exist here: write ${NAME} or ${NAME:-default}");
    insta::assert_snapshot!(error("a ${#X}"), @"`${#X` is a shell expansion that does not exist here: write ${NAME} or ${NAME:-default}");
    insta::assert_snapshot!(error("a $1"), @"`$1` is a parameter of a shell, and there is no shell in a dyno: use a config var, or quote it as '$1'");
    insta::assert_snapshot!(error("a $$"), @"`$$` is a parameter of a shell, and there is no shell in a dyno: use a config var, or quote it as '$$'");
    insta::assert_snapshot!(error("env -i a"), @"`env -i` is not understood: write NAME=value before the program, or set a config var");
    insta::assert_snapshot!(error("a\0b"), @"the command holds a NUL byte: remove it");
    insta::assert_snapshot!(error(&"a".repeat(8193)), @"the command has 8193 bytes; the limit is 8192: write a script in your app's language");
    insta::assert_snapshot!(error(&format!("a {}x{}", "${A:-".repeat(9), "}".repeat(9))), @"defaults are nested more than 8 deep: set the config var instead");
}

#[test]
fn expansion_is_bounded_and_must_leave_a_program() {
    let line = CommandLine::parse(&format!("a {}", "$BIG ".repeat(100))).expect("legal");
    let error = line.expand(|_| Some("x".repeat(2000))).expect_err("too far");
    insta::assert_snapshot!(error, @"the command has more than 131072 bytes with its variables: read large values from the environment instead");
    for text in ["$NONE", "\"$NONE\" a", "''"] {
        let line = CommandLine::parse(text).expect("legal");
        assert_eq!(line.expand(variable), Err(CommandError::Empty), "{text}");
    }
    let nul = CommandLine::parse("a $X").expect("legal").expand(|_| Some("\0".to_owned()));
    assert_eq!(nul, Err(CommandError::Nul));
}

#[test]
fn debug_shows_no_value() {
    let expanded = CommandLine::parse("TOKEN=$T a $T").expect("legal").expand(|_| Some("hunter2".into()));
    insta::assert_snapshot!(format!("{:?}", expanded.expect("legal")), @r#"Expanded { environment: ["TOKEN"], words: 2 }"#);
}

proptest! {
    #[test]
    fn quoted_words_are_read_back(words in prop::collection::vec("[^\0]{0,30}", 1..8)) {
        prop_assume!(!words[0].is_empty());
        let text = CommandLine::quote(&words);
        let expanded = CommandLine::parse(&text).and_then(|line| line.expand(variable));
        prop_assert_eq!(expanded.map(|expanded| (expanded.environment, expanded.words)), Ok((vec![], words)));
    }

    #[test]
    fn any_text_is_judged_without_panic(text in "(?s).{0,200}") {
        if let Ok(line) = CommandLine::parse(&text) {
            let _ = line.expand(variable);
        }
    }

    #[test]
    fn shell_like_text_is_judged_without_panic(text in r#"[a-z$\{\}:'"\\ =&|~#-]{0,60}"#) {
        if let Ok(line) = CommandLine::parse(&text) {
            let size: usize = line.expand(variable).map_or(0, |e| e.words.iter().map(String::len).sum());
            prop_assert!(size <= CommandLine::EXPANDED_LIMIT);
        }
    }
}
