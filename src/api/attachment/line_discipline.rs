use crate::dyno::Look;

/// The most bytes of a line that is being typed, as on Linux.
const LONGEST_LINE: usize = 4096;

const INTERRUPT: u8 = 0x03;
const END: u8 = 0x04;
const BELL: u8 = 0x07;
const BACKSPACE: u8 = 0x08;
const KILL: u8 = 0x15;
const DELETE: u8 = 0x7f;

/// What bytes of a client of the official command line mean.
///
/// For a terminal it is what a pseudo-terminal's line discipline does: lines are edited and echoed here, and a dyno gets
/// them whole. Otherwise bytes go through as they are, and only the last one may be the end of the input.
#[derive(Debug)]
pub(super) struct LineDiscipline {
    look: Look,
    line: Vec<u8>,
    /// An end that may still turn out to be a byte like others.
    held: bool,
}

/// What came of some bytes, in this order: input, then its end.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Typed {
    /// For the dyno.
    pub(super) input: Vec<u8>,
    /// For the client: what it typed, as a terminal shows it.
    pub(super) echo: Vec<u8>,
    /// The input is at its end.
    pub(super) ends: bool,
    /// The dyno is to be interrupted.
    pub(super) interrupts: bool,
}

impl LineDiscipline {
    pub(super) fn new(look: Look) -> Self {
        Self { look, line: Vec::new(), held: false }
    }

    /// Whether the last byte was an end of input, unless more comes.
    pub(super) fn holds_an_end(&self) -> bool {
        self.held
    }

    /// Reads the next bytes.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Typed {
        let mut typed = Typed::default();
        match self.look {
            Look::Terminal => bytes.iter().for_each(|byte| self.key(*byte, &mut typed)),
            Look::Pipe => self.pass(bytes, &mut typed),
        }
        typed
    }

    /// What the dyno writes, as it is sent.
    pub(super) fn shown(&self, output: &[u8]) -> Vec<u8> {
        match self.look {
            Look::Pipe => output.to_vec(),
            Look::Terminal => {
                let mut shown = Vec::with_capacity(output.len() + 16);
                for byte in output {
                    if *byte == b'\n' {
                        shown.push(b'\r');
                    }
                    shown.push(*byte);
                }
                shown
            }
        }
    }

    fn pass(&mut self, bytes: &[u8], typed: &mut Typed) {
        if bytes.is_empty() {
            return;
        }
        if std::mem::take(&mut self.held) {
            typed.input.push(END);
        }
        let (last, before) = bytes.split_last().map_or((0, bytes), |(last, before)| (*last, before));
        self.held = last == END;
        typed.input.extend_from_slice(if self.held { before } else { bytes });
    }

    fn key(&mut self, byte: u8, typed: &mut Typed) {
        match byte {
            b'\r' | b'\n' => {
                self.line.push(b'\n');
                typed.input.append(&mut self.line);
                typed.echo.extend_from_slice(b"\r\n");
            }
            BACKSPACE | DELETE => self.erase(typed),
            KILL => {
                while !self.line.is_empty() {
                    self.erase(typed);
                }
            }
            INTERRUPT => {
                self.line.clear();
                typed.echo.extend_from_slice(b"^C\r\n");
                typed.interrupts = true;
            }
            END => {
                typed.input.append(&mut self.line);
                typed.ends = true;
            }
            _ if self.line.len() >= LONGEST_LINE => typed.echo.push(BELL),
            _ => {
                self.line.push(byte);
                if byte < 0x20 && byte != b'\t' {
                    typed.echo.extend_from_slice(&[b'^', byte + 0x40]);
                } else {
                    typed.echo.push(byte);
                }
            }
        }
    }

    /// Takes the last character back, which may have several bytes.
    fn erase(&mut self, typed: &mut Typed) {
        let follows = |byte: u8| byte & 0b1100_0000 == 0b1000_0000;
        let Some(mut last) = self.line.pop() else { return };
        while follows(last) {
            let Some(before) = self.line.pop() else { break };
            last = before;
        }
        let columns = if last < 0x20 && last != b'\t' { 2 } else { 1 };
        for _ in 0..columns {
            typed.echo.extend_from_slice(b"\x08 \x08");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn typed(keys: &str) -> String {
        let typed = LineDiscipline::new(Look::Terminal).take(keys.as_bytes());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).escape_debug().to_string();
        let ends = if typed.ends { " end" } else { "" };
        let interrupts = if typed.interrupts { " interrupt" } else { "" };
        format!("{} | {}{ends}{interrupts}", text(&typed.input), text(&typed.echo))
    }

    #[test]
    fn lines_are_edited_and_echoed() {
        let keys = [
            "ls\r",
            "not whole",
            "lx\u{7f}s\r",
            "é\u{7f}e\r",
            "gone\u{15}here\r",
            "\u{7f}",
            "a\u{4}",
            "\u{4}",
            "half\u{3}",
            "\u{1b}[A\r",
        ];
        insta::assert_snapshot!(keys.map(typed).join("\n"), @r"
        ls\n | ls\r\n
         | not whole
        ls\n | lx\u{8} \u{8}s\r\n
        e\n | é\u{8} \u{8}e\r\n
        here\n | gone\u{8} \u{8}\u{8} \u{8}\u{8} \u{8}\u{8} \u{8}here\r\n
         | 
        a | a end
         |  end
         | half^C\r\n interrupt
        \u{1b}[A\n | ^[[A\r\n
        ");
    }

    #[test]
    fn a_line_has_an_end() {
        let mut terminal = LineDiscipline::new(Look::Terminal);
        terminal.take(&vec![b'x'; 10 * LONGEST_LINE]);
        assert_eq!(terminal.take(b"\r").input.len(), LONGEST_LINE + 1);
        assert_eq!(terminal.shown(b"a\nb"), b"a\r\nb");
    }

    proptest! {
        #[test]
        fn without_a_terminal_bytes_go_through_and_only_the_last_may_be_an_end(
            pieces in prop::collection::vec(prop::collection::vec(0_u8..6, 0..6), 0..6),
        ) {
            let mut plain = LineDiscipline::new(Look::Pipe);
            let mut passed = Vec::new();
            for piece in &pieces {
                let typed = plain.take(piece);
                prop_assert!(!typed.ends && !typed.interrupts && typed.echo.is_empty());
                passed.extend(typed.input);
            }
            let mut whole = pieces.concat();
            prop_assert_eq!(plain.holds_an_end(), whole.last() == Some(&END));
            if plain.holds_an_end() {
                whole.pop();
            }
            prop_assert_eq!(passed, whole);
        }
    }
}
