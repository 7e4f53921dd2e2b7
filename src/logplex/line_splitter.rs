use super::line::LINE_LIMIT;
use std::mem;

/// Bytes in, in whatever chunks they come; the text of lines out.
///
/// A line ends at `\n` or `\r\n`; one of more than [`LINE_LIMIT`](super::LINE_LIMIT) bytes is split between
/// characters, and bytes that are no UTF-8 become U+FFFD. Holds at most one unfinished line.
#[derive(Debug, Default)]
pub struct LineSplitter {
    partial: Vec<u8>,
}

impl LineSplitter {
    /// Takes the next bytes and gives `emit` every line that they end.
    pub fn write(&mut self, bytes: &[u8], emit: &mut impl FnMut(String)) {
        for segment in bytes.split_inclusive(|byte| *byte == b'\n') {
            match segment.strip_suffix(b"\n") {
                Some(line) if self.partial.is_empty() && line.len() <= LINE_LIMIT => end_line(line, emit),
                Some(rest) => {
                    self.gather(rest, emit);
                    end_line(&mem::take(&mut self.partial), emit);
                }
                None => self.gather(segment, emit),
            }
        }
    }

    /// Gives `emit` what is left without a line break, if anything is.
    pub fn finish(&mut self, emit: &mut impl FnMut(String)) {
        if !self.partial.is_empty() {
            end_line(&mem::take(&mut self.partial), emit);
        }
    }

    /// Adds bytes without a line break; cuts a full line off as soon as it is sure to be too long (one byte
    /// more than the limit may be the `\r` of a line break).
    fn gather(&mut self, mut bytes: &[u8], emit: &mut impl FnMut(String)) {
        while !bytes.is_empty() {
            let room = LINE_LIMIT + 2 - self.partial.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.partial.extend_from_slice(now);
            bytes = later;
            if self.partial.len() > LINE_LIMIT + 1 {
                let rest = self.partial.split_off(boundary(&self.partial));
                pieces(&mem::replace(&mut self.partial, rest), emit);
            }
        }
    }
}

fn end_line(line: &[u8], emit: &mut impl FnMut(String)) {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (head, rest) = line.split_at(if line.len() > LINE_LIMIT { boundary(line) } else { line.len() });
    pieces(head, emit);
    if !rest.is_empty() {
        pieces(rest, emit);
    }
}

/// Gives `emit` the bytes as text. U+FFFD takes three bytes for one, so the limit is kept here once more.
fn pieces(bytes: &[u8], emit: &mut impl FnMut(String)) {
    let text = String::from_utf8_lossy(bytes);
    super::line::pieces(&text).for_each(|piece| emit(piece.to_owned()));
}

/// The largest index up to the limit that does not tear a UTF-8 character of `bytes`.
fn boundary(bytes: &[u8]) -> usize {
    let continues = |index: &usize| bytes.get(*index).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000);
    (LINE_LIMIT - 3..=LINE_LIMIT).rev().find(|index| !continues(index)).unwrap_or(LINE_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The lines that `chunks` become.
    fn lines<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let (mut splitter, mut lines) = (LineSplitter::default(), Vec::new());
        for chunk in chunks {
            splitter.write(chunk, &mut |line| lines.push(line));
            assert!(splitter.partial.len() <= LINE_LIMIT + 1);
        }
        splitter.finish(&mut |line| lines.push(line));
        lines
    }

    #[test]
    fn bytes_become_lines() {
        let chunks: [&[u8]; 5] = [b"a\nb", b"c\r", b"\n\n", b"\xff\n", b"rest"];
        assert_eq!(lines(chunks), ["a", "bc", "", "\u{fffd}", "rest"]);
    }

    #[test]
    fn a_character_torn_between_chunks_is_whole_again() {
        let (first, second) = "zwölf\n".as_bytes().split_at(3);
        assert_eq!(lines([first, second]), ["zwölf"]);
    }

    #[test]
    fn a_line_of_just_the_limit_is_one_line() {
        for end in ["", "\n", "\r\n"] {
            let text = format!("{}{end}", "x".repeat(LINE_LIMIT));
            assert_eq!(lines([text.as_bytes()]).len(), 1, "{end:?}");
            assert_eq!(lines(text.as_bytes().chunks(1)).len(), 1, "{end:?} byte by byte");
        }
    }

    #[test]
    fn a_long_line_is_split_between_characters() {
        let text = format!("xy{}", "語".repeat(LINE_LIMIT));
        let lines = lines(text.as_bytes().chunks(4096));
        assert!(lines.iter().all(|line| line.len() <= LINE_LIMIT && !line.contains('\u{fffd}')));
        assert_eq!(lines.concat(), text);
    }

    #[test]
    fn garbage_is_kept_to_the_limit_too() {
        let garbage = vec![0xff; 3 * LINE_LIMIT];
        assert!(lines([garbage.as_slice()]).iter().all(|line| line.len() <= LINE_LIMIT));
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(text in "[a-zé語\\r\\n]{0,200}", size in 1_usize..20) {
            let whole = lines([text.as_bytes()]);
            prop_assert_eq!(&lines(text.as_bytes().chunks(size)), &whole);
            let expected: Vec<_> =
                text.split_terminator('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
            prop_assert_eq!(whole, expected);
        }
    }
}
