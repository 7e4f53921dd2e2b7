use super::{
    GitDoor,
    admission::admit,
    child::Child,
    door::repository_name,
    exchange::{Exchange, protocol},
    outflow,
    refusal::Refusal,
    service::Service,
};
use axum::{
    extract::{Path, Request, State as Handle},
    response::Response,
};
use std::sync::Arc;
use tokio::time::Instant;

/// `GET /APP.git/info/refs?service=…`: what there is.
pub(super) async fn advertise(
    Handle(door): Handle<GitDoor>,
    Path(repository): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let inner = door.inner();
    let (parts, _) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let asked = query.split('&').find_map(|part| part.strip_prefix("service="));
    let service = asked.and_then(Service::of_name).ok_or(Refusal::NotSmart)?;
    let admitted = admit(&inner.rooms, &parts, repository_name(&repository), service)?;
    let permit = inner.permit(service, admitted.account).await?;
    let git = inner.git()?;
    let dir = inner.repository(&admitted.app, git).await?;
    let mut command = git.command(&dir);
    command.args([service.command(), "--stateless-rpc", "--advertise-refs", "."]);
    let version = protocol(&parts.headers, service);
    if let Some(version) = version {
        command.env("GIT_PROTOCOL", version);
    }
    let git = Child::start(&mut command).map_err(|cause| Refusal::host("start git", &cause))?;
    let (out, answer) = outflow::channel();
    if version != Some("version=2") {
        // There is room: nothing was said yet.
        out.0.try_send(service.announcement().into()).ok();
    }
    let deadline = Instant::now() + inner.config.time_limit;
    let exchange = Exchange { git, ticket: None, deadline, _permit: permit };
    inner.tasks.spawn(exchange.run(Arc::clone(inner), None, out));
    Ok(answer.begun(service.advertisement_type()).await)
}
