use std::{
    error::Error,
    io::{self, Read},
};
use tokio_util::sync::CancellationToken;

/// The archive's bytes, up to a limit: also what is passed over counts.
pub(super) struct Metered<'a> {
    pub(super) bytes: Box<dyn Read + 'a>,
    pub(super) left: u64,
    /// How many zeros were read last, in a row: an archive ends with two blocks of them.
    pub(super) zeros: u64,
    pub(super) stop: CancellationToken,
}

/// The archive has more bytes than all its entries may have.
#[derive(Debug, thiserror::Error)]
#[error("it unpacks to more than is allowed")]
struct Bomb;

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        let read = self.bytes.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| io::Error::other(Bomb))?;
        match buffer[..read].iter().rposition(|byte| *byte != 0) {
            Some(last) => self.zeros = (read - 1 - last) as u64,
            None => self.zeros += read as u64,
        }
        Ok(read)
    }
}

/// Whether the meter ended the reading, somewhere below `error`: the reader of archives wraps what it is told.
pub(super) fn is_bomb(error: &io::Error) -> bool {
    let mut link = error.get_ref().map(|inner| inner as &(dyn Error + 'static));
    while let Some(error) = link {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if error.is::<Bomb>() || inner.is_some_and(<dyn Error + Send + Sync>::is::<Bomb>) {
            return true;
        }
        link = error.source();
    }
    false
}
