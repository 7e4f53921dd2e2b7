use super::{
    Api,
    error::ApiError,
    fields::Fields,
    hostname::hostname,
    pages::{Field, Key, Listed, Page, Pages},
    parts::{Moment, Named, Null, derived_id},
    scope::{Scope, Word},
};
use crate::ledger::{App, Domain, Event, State, Stream};
use crate::name::DomainId;
use axum::{Json, Router, extract::State as Handle, http::StatusCode, routing::get};
use serde::Serialize;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/apps/{app}/domains", get(list).post(create))
        .route("/apps/{app}/domains/{domain}", get(info).delete(remove))
}

/// A host at which an app answers.
#[derive(Debug, Serialize)]
struct Shape {
    acm_status: Null,
    acm_status_reason: Null,
    app: Named,
    cname: Option<String>,
    created_at: Moment,
    hostname: String,
    id: String,
    kind: &'static str,
    sni_endpoint: Null,
    status: &'static str,
    updated_at: Moment,
}

impl Listed for Shape {
    const FIELDS: &'static [Field<Self>] = &[
        Field { name: "id", key: |domain| Key::text(&domain.id), unique: true },
        Field { name: "hostname", key: |domain| Key::text(&domain.hostname), unique: true },
    ];

    fn id(&self) -> &str {
        &self.id
    }
}

impl Shape {
    /// Where the app always answers.
    fn own(app: &App, api: &Api) -> Self {
        Self {
            acm_status: (),
            acm_status_reason: (),
            app: Named::app(app),
            cname: None,
            created_at: Moment(app.created_at),
            hostname: api.config().app_host(&app.name),
            id: derived_id(&["domain", &app.id.to_string()]),
            kind: "heroku",
            sni_endpoint: (),
            status: "none",
            updated_at: Moment(app.created_at),
        }
    }

    /// A domain of its owner's, which is made to point at the app's own host.
    fn custom(domain: &Domain, app: &App, api: &Api) -> Self {
        Self {
            cname: Some(api.config().app_host(&app.name)),
            created_at: Moment(domain.created_at),
            hostname: domain.hostname.clone(),
            id: domain.id.to_string(),
            kind: "custom",
            status: "succeeded",
            updated_at: Moment(domain.created_at),
            ..Self::own(app, api)
        }
    }

    fn all(app: &App, api: &Api) -> Vec<Self> {
        let custom = app.domains.values().map(|domain| Self::custom(domain, app, api));
        custom.chain([Self::own(app, api)]).collect()
    }

    /// Whether `identity` names it: its id or its hostname.
    fn is(&self, identity: &str) -> bool {
        self.id == identity || self.hostname.eq_ignore_ascii_case(identity)
    }
}

async fn list(Handle(api): Handle<Api>, scope: Scope, pages: Pages) -> Result<Page<Shape>, ApiError> {
    pages.of(Shape::all(&scope.app, &api))
}

async fn info(Handle(api): Handle<Api>, scope: Scope, Word(named): Word) -> Result<Json<Shape>, ApiError> {
    let found = Shape::all(&scope.app, &api).into_iter().find(|domain| domain.is(&named));
    found.map(Json).ok_or_else(|| ApiError::missing("domain"))
}

async fn create(
    Handle(api): Handle<Api>,
    scope: Scope,
    fields: Fields,
) -> Result<(StatusCode, Json<Shape>), ApiError> {
    let wanted = fields.text("hostname")?.ok_or_else(|| fields.needs("hostname"))?;
    let refused = |error| ApiError::invalid(format!("{error}."));
    let hostname = hostname(wanted, &api.config().domain).map_err(refused)?;
    let (id, app) = (DomainId::random(), scope.app.id);
    let event = Event::DomainAdded { domain: id, hostname: hostname.clone() };
    let state = change(&api, &scope, |state| match state.domains.get(&hostname) {
        Some(holder) if *holder == app => Err(ApiError::invalid("Domain already added to this app.")),
        Some(_) => Err(ApiError::invalid(format!("{hostname} is currently in use by another app."))),
        None => Ok(event.clone()),
    })
    .await?;
    let app = state.apps.get(&app).ok_or_else(|| ApiError::missing("app"))?;
    let added = app.domains.get(&id).ok_or_else(|| ApiError::missing("domain"))?;
    Ok((StatusCode::CREATED, Json(Shape::custom(added, app, &api))))
}

async fn remove(Handle(api): Handle<Api>, scope: Scope, Word(named): Word) -> Result<Json<Shape>, ApiError> {
    let found = Shape::all(&scope.app, &api).into_iter().find(|domain| domain.is(&named));
    let found = found.ok_or_else(|| ApiError::missing("domain"))?;
    let domain = found.id.parse().ok().filter(|_| found.kind == "custom");
    let domain: DomainId = domain
        .ok_or_else(|| ApiError::invalid("An app always answers at its own host; it cannot be removed."))?;
    change(&api, &scope, |state| {
        let app = state.apps.get(&scope.app.id).ok_or_else(|| ApiError::missing("app"))?;
        let present = app.domains.contains_key(&domain);
        present.then_some(Event::DomainRemoved { domain }).ok_or_else(|| ApiError::missing("domain"))
    })
    .await?;
    Ok(Json(found))
}

async fn change(
    api: &Api,
    scope: &Scope,
    mut decide: impl FnMut(&State) -> Result<Event, ApiError> + Send,
) -> Result<std::sync::Arc<State>, ApiError> {
    let stream = Stream::App(scope.app.id);
    let decide = |state: &State| decide(state).map(|event| vec![(stream, event)]);
    Ok(api.ledger().change(&scope.caller.actor(), decide).await?)
}
