use super::{Client, ClientError, api::accepted};
use bytes::Bytes;
use eventsource_stream::{Event, EventStreamError, Eventsource as _};
use futures_util::{Stream, StreamExt as _};
use reqwest::{
    Body, Response,
    header::{ACCEPT, CONTENT_LENGTH},
};
use std::io;

/// The most of one line of output that is held back until its end comes.
const LINE_LIMIT: usize = 64 * 1024;

/// What the platform gives and takes at addresses of its own choice. They hold a secret and get no token. Each is asked
/// at the host that this client speaks to, whatever name and port it has.
impl Client {
    /// The lines of a build's or release's output, as they come.
    pub(in crate::cli) async fn output(&self, address: &str) -> Result<OutputLines, ClientError> {
        let answer = self.open(self.http.get(self.host.serving(address)?)).await?;
        Ok(OutputLines { answer, host: self.host.to_string(), held: Vec::new(), ended: false })
    }

    /// The events of a log session after the one called `last`.
    pub(in crate::cli) async fn log_lines(
        &self,
        address: &str,
        last: Option<&str>,
    ) -> Result<impl Stream<Item = Result<Event, ClientError>> + Unpin + use<>, ClientError> {
        let mut request = self.http.get(self.host.serving(address)?).header(ACCEPT, "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let host = self.host.to_string();
        let events = self.open(request).await?.bytes_stream().eventsource();
        Ok(events.map(move |event| {
            event.map_err(|error| match error {
                EventStreamError::Transport(error) => ClientError::of_transport(host.clone(), error),
                malformed => ClientError::Lost { host: host.clone(), why: malformed.to_string() },
            })
        }))
    }

    /// Uploads `size` bytes.
    pub(in crate::cli) async fn put(
        &self,
        address: &str,
        size: u64,
        bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<(), ClientError> {
        let request = self.http.put(self.host.serving(address)?).header(CONTENT_LENGTH, size);
        match self.open(request.body(Body::wrap_stream(bytes))).await {
            // A platform that wants no more of it answers and closes, and the next write breaks.
            Err(ClientError::Lost { host, why }) => Err(ClientError::UploadClosed { host, why }),
            sent => sent.map(drop),
        }
    }

    async fn open(&self, request: reqwest::RequestBuilder) -> Result<Response, ClientError> {
        let host = self.host.to_string();
        let answer = request.send().await.map_err(|error| ClientError::of_transport(host.clone(), error))?;
        accepted(answer, &host).await
    }
}

/// Text of the platform, line by line.
pub(in crate::cli) struct OutputLines {
    answer: Response,
    host: String,
    held: Vec<u8>,
    ended: bool,
}

impl OutputLines {
    /// The next line without its end; `None` after the last.
    pub(in crate::cli) async fn next(&mut self) -> Result<Option<String>, ClientError> {
        loop {
            let whole = self.held.iter().position(|byte| *byte == b'\n');
            if let Some(end) = whole.or((self.held.len() > LINE_LIMIT).then_some(LINE_LIMIT)) {
                let rest = self.held.split_off(end + usize::from(whole.is_some()));
                return Ok(Some(text(&std::mem::replace(&mut self.held, rest))));
            }
            if self.ended {
                let last = std::mem::take(&mut self.held);
                return Ok((!last.is_empty()).then(|| text(&last)));
            }
            let chunk = self.answer.chunk().await;
            match chunk.map_err(|error| ClientError::of_transport(self.host.clone(), error))? {
                Some(chunk) => self.held.extend_from_slice(&chunk),
                None => self.ended = true,
            }
        }
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end_matches(['\n', '\r']).to_owned()
}
