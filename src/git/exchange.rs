use super::{
    GitDoor,
    admission::{Admitted, admit},
    child::{self, Child},
    door::{Inner, repository_name},
    hook,
    inflow::Inflow,
    outflow::{self, Outflow, WithoutClient},
    permits::Permit,
    pushes::{Push, Ticket},
    refusal::Refusal,
    service::Service,
    upkeep,
};
use axum::{
    extract::{Path, Request, State as Handle},
    http::{HeaderMap, header},
    response::Response,
};
use futures_util::FutureExt as _;
use std::{path::PathBuf, process::Stdio, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// The most bytes that a fetch sends: which commits it wants and which it has.
const MOST_WANTED: u64 = 64 << 20;
/// The most bytes of a push besides its pack: what it wants to move.
const MOST_COMMANDS: u64 = 16 << 20;
/// How long git has to end, after it has said all, and after the platform was asked to stop.
const END_GRACE: Duration = Duration::from_secs(10);
const STOP_GRACE: Duration = Duration::from_secs(20);
/// How long the rest of a request is read after git has said all, so that its client comes to read the answer.
const REST_LIMIT: Duration = Duration::from_mins(2);

/// `POST /APP.git/git-receive-pack`: a push.
pub(super) async fn receive(
    Handle(door): Handle<GitDoor>,
    Path(repository): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    serve(door, &repository, request, Service::ReceivePack).await
}

/// `POST /APP.git/git-upload-pack`: a fetch.
pub(super) async fn upload(
    Handle(door): Handle<GitDoor>,
    Path(repository): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    serve(door, &repository, request, Service::UploadPack).await
}

async fn serve(
    door: GitDoor,
    repository: &str,
    request: Request,
    service: Service,
) -> Result<Response, Refusal> {
    let inner = door.inner();
    let (parts, body) = request.into_parts();
    let admitted = admit(&inner.rooms, &parts, repository_name(repository), service)?;
    if parts.headers.get(header::CONTENT_TYPE) != Some(&service.request_type()) {
        return Err(Refusal::Malformed("Only git asks here: the content type is not git's."));
    }
    let most = match service {
        Service::ReceivePack => inner.config.max_pack.saturating_add(MOST_COMMANDS),
        Service::UploadPack => MOST_WANTED,
    };
    let inflow = Inflow::new(&parts.headers, body, most, inner.rooms.stop.clone())?;
    let permit = inner.permit(service, admitted.account).await?;
    let git = inner.git()?;
    let dir = inner.repository(&admitted.app, git).await?;
    let deadline = Instant::now() + inner.config.time_limit;
    let mut command = git.command(&dir);
    command.args([service.command(), "--stateless-rpc", "."]).stdin(Stdio::piped());
    if let Some(version) = protocol(&parts.headers, service) {
        command.env("GIT_PROTOCOL", version);
    }
    let ticket = match service {
        Service::ReceivePack => Some(begin_push(inner, admitted, dir, deadline)?),
        Service::UploadPack => None,
    };
    if let Some(ticket) = &ticket {
        command.env(hook::SECRET, &ticket.secret);
    }
    let git = Child::start(&mut command).map_err(|cause| Refusal::host("start git", &cause))?;
    let (out, answer) = outflow::channel();
    let exchange = Exchange { git, ticket, deadline, _permit: permit };
    inner.tasks.spawn(exchange.run(Arc::clone(inner), Some(inflow), out));
    Ok(answer.begun(service.result_type()).await)
}

fn begin_push(
    inner: &Inner,
    admitted: Admitted,
    repository: PathBuf,
    deadline: Instant,
) -> Result<Ticket, Refusal> {
    let Admitted { actor, credentials, app, .. } = admitted;
    let push = Push::new((actor, credentials), app.id, app.name.clone(), repository, deadline);
    inner.pushes.begin(push).map_err(|cause| Refusal::host("make a secret", &cause))
}

/// Which protocol the client speaks, if it says so as git does. Pushes have only the first.
pub(super) fn protocol(headers: &HeaderMap, service: Service) -> Option<&'static str> {
    let said = headers.get("git-protocol")?.to_str().ok()?;
    let known = ["version=0", "version=1", "version=2"].into_iter().find(|known| *known == said)?;
    (service == Service::UploadPack || known != "version=2").then_some(known)
}

/// A git between a request and its answer. It goes on when a pusher goes away, and ends when a fetcher does.
pub(super) struct Exchange {
    pub(super) git: Child,
    /// Of a push.
    pub(super) ticket: Option<Ticket>,
    pub(super) deadline: Instant,
    pub(super) _permit: Permit,
}

impl Exchange {
    pub(super) async fn run(mut self, inner: Arc<Inner>, inflow: Option<Inflow>, out: Outflow) {
        let (stdin, stdout, stderr) = (self.git.stdin(), self.git.stdout(), self.git.stderr());
        let is_push = self.ticket.is_some();
        let without_client = if is_push { WithoutClient::GoesOn } else { WithoutClient::Ends };
        let sending = async {
            if let (Some(inflow), Some(stdin)) = (inflow, stdin) {
                inflow.pump(stdin).await;
            }
        };
        let said_all = CancellationToken::new();
        let answering = async {
            let answer = match stdout {
                Some(stdout) => out.pump(stdout, without_client).await,
                None => None,
            };
            said_all.cancel();
            answer
        };
        let sending = async {
            tokio::select! {
                () = sending => {}
                () = said_all.cancelled().then(|()| sleep(REST_LIMIT)) => {}
            }
        };
        let others = async {
            tokio::join!(sending, child::log(stderr));
        };
        let all = async {
            if is_push {
                // The answer ends after the request: over HTTP/2 a client that was answered before it had sent all stalls.
                let (answer, ()) = tokio::join!(answering, others);
                drop(answer);
            } else {
                let endless = others.then(|()| std::future::pending::<()>());
                tokio::select! {
                    _ = answering => {}
                    () = endless => {}
                }
            }
        };
        tokio::select! {
            () = all => {}
            () = self.given_up(&inner) => {}
        }
        let ended = self.git.end(END_GRACE).await;
        let moved = ended.is_ok_and(|status| status.success());
        if let Some(ticket) = self.ticket
            && moved
            && ticket.push.is_heard()
        {
            inner.tasks.spawn(upkeep::tidy(Arc::clone(&inner), ticket.push.repository.clone()));
        }
    }

    /// Comes back when it has taken too long: what the platform decides over has a limit of its own.
    async fn given_up(&self, inner: &Inner) {
        let late = async {
            sleep_until(self.deadline).await;
            if self.ticket.as_ref().is_some_and(|ticket| ticket.push.is_heard()) {
                std::future::pending::<()>().await;
            }
        };
        let stopped = async {
            inner.rooms.stop.cancelled().await;
            sleep(STOP_GRACE).await;
        };
        tokio::select! {
            () = late => {}
            () = stopped => {}
        }
    }
}
