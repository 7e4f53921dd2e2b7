use crate::dyno::Body;
use crate::router::Door;
use axum::body::Body as AxumBody;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tower_service::Service as _;

/// The control API as a door of the router.
pub(super) struct Control(axum::Router);

impl Control {
    pub(super) fn new(api: axum::Router) -> Self {
        Self(api)
    }
}

impl Door for Control {
    fn name(&self) -> &'static str {
        "control API"
    }

    fn answer(&self, request: Request<Body>) -> BoxFuture<'static, Response<Body>> {
        let answering = self.0.clone().call(request.map(AxumBody::new));
        Box::pin(async move {
            let answer: Result<Response<AxumBody>, std::convert::Infallible> = answering.await;
            match answer {
                Ok(response) => response.map(|body| body.map_err(Into::into).boxed_unsync()),
                Err(never) => match never {},
            }
        })
    }
}
