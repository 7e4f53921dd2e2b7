use super::{Client, ClientError, api::accepted};
use crate::api::Frame;
use reqwest::{
    StatusCode, Upgraded,
    header::{CONNECTION, UPGRADE},
};

/// The streams of a one-off dyno.
impl Client {
    /// Goes to the dyno that waits at `address`, which the platform gave out. It starts now, and ends with the connection.
    pub(in crate::cli) async fn attach(&self, address: &str) -> Result<Upgraded, ClientError> {
        let host = self.host.to_string();
        let request = self.http.get(self.host.serving(address)?);
        let request = request.header(CONNECTION, "upgrade").header(UPGRADE, Frame::PROTOCOL);
        let answer = request.send().await.map_err(|error| ClientError::of_transport(host.clone(), error))?;
        let status = answer.status();
        if status != StatusCode::SWITCHING_PROTOCOLS {
            accepted(answer, &host).await?;
            return Err(ClientError::Foreign { host, status });
        }
        answer.upgrade().await.map_err(|error| ClientError::of_transport(host, error))
    }
}
