use super::{
    Api,
    error::ApiError,
    fields::Fields,
    pages::{Field, Key, Listed, Page, Pages},
    parts::{Moment, Named, derived_id},
    scope::{Scope, Word},
};
use crate::app::DynoSize;
use crate::ledger::{App, Event, Stream, WantedDynos};
use crate::logplex::{self, Source};
use crate::name::ProcessType;
use axum::{Json, Router, extract::State as Handle, routing::get};
use serde::Serialize;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/apps/{app}/formation", get(list).patch(update_all))
        .route("/apps/{app}/formation/{formation}", get(info).patch(update))
}

/// The most dynos of one process type.
const MOST: u32 = 100;

/// What is wanted of one process type.
#[derive(Debug, Serialize)]
struct Shape {
    app: Named,
    command: String,
    created_at: Moment,
    dyno_size: Named,
    id: String,
    quantity: u32,
    size: &'static str,
    r#type: String,
    updated_at: Moment,
}

impl Listed for Shape {
    const FIELDS: &'static [Field<Self>] = &[
        Field { name: "id", key: |formation| Key::text(&formation.id), unique: true },
        Field { name: "type", key: |formation| Key::text(&formation.r#type), unique: true },
    ];

    fn id(&self) -> &str {
        &self.id
    }
}

impl Shape {
    fn of(process_type: &ProcessType, wanted: WantedDynos, app: &App) -> Self {
        let slug = app.current_slug();
        let command = slug.and_then(|slug| slug.process_types.get(process_type).cloned());
        Self {
            app: Named::app(app),
            command: command.unwrap_or_default(),
            created_at: Moment(app.created_at),
            dyno_size: Named::fixed("dyno-size", wanted.size.name()),
            id: id_of(app, process_type),
            quantity: wanted.quantity,
            size: wanted.size.name(),
            r#type: ProcessType::to_string(process_type),
            updated_at: Moment(app.updated_at),
        }
    }
}

fn id_of(app: &App, process_type: &ProcessType) -> String {
    derived_id(&["formation", &app.id.to_string(), process_type.as_ref()])
}

/// The process type that `identity` names: its name, or the id of its formation.
pub(super) fn find(app: &App, identity: &str) -> Result<(ProcessType, WantedDynos), ApiError> {
    let named = |process_type: &ProcessType| {
        process_type.as_ref() == identity || id_of(app, process_type) == identity
    };
    let found = app.wanted().into_iter().find(|(process_type, _)| named(process_type));
    found.ok_or_else(|| ApiError::no_process_type(&identity.chars().take(64).collect::<String>()))
}

async fn list(scope: Scope, pages: Pages) -> Result<Page<Shape>, ApiError> {
    let wanted = scope.app.wanted();
    pages.of(wanted.iter().map(|(process_type, wanted)| Shape::of(process_type, *wanted, &scope.app)))
}

async fn info(scope: Scope, Word(named): Word) -> Result<Json<Shape>, ApiError> {
    let (process_type, wanted) = find(&scope.app, &named)?;
    Ok(Json(Shape::of(&process_type, wanted, &scope.app)))
}

async fn update(
    Handle(api): Handle<Api>,
    scope: Scope,
    Word(named): Word,
    fields: Fields,
) -> Result<Json<Shape>, ApiError> {
    let shapes = change(&api, &scope, vec![Update::of(named, &fields)?]).await?;
    shapes.into_iter().next().map(Json).ok_or_else(ApiError::internal)
}

/// Answers with the process types that were named.
async fn update_all(
    Handle(api): Handle<Api>,
    scope: Scope,
    fields: Fields,
) -> Result<Json<Vec<Shape>>, ApiError> {
    let updates = fields.objects("updates")?.ok_or_else(|| fields.needs("updates"))?;
    let update = |fields: &Fields| {
        let named = fields.identity("type")?.ok_or_else(|| fields.needs("type"))?;
        Update::of(named, fields)
    };
    let updates = updates.iter().map(update).collect::<Result<_, _>>()?;
    change(&api, &scope, updates).await.map(Json)
}

/// What is to be changed of one process type.
#[derive(Debug)]
struct Update {
    named: String,
    quantity: Option<Quantity>,
    size: Option<DynoSize>,
}

/// How many dynos: `2`, or `+1` and `-1` from what is wanted now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Quantity {
    Set(u32),
    More(u32),
    Less(u32),
}

impl Quantity {
    fn of(value: &Value) -> Option<Self> {
        let number =
            |digits: &str| digits.bytes().all(|c| c.is_ascii_digit()).then(|| digits.parse().ok())?;
        match value {
            Value::Number(number) => {
                number.as_u64().and_then(|number| u32::try_from(number).ok()).map(Self::Set)
            }
            Value::String(text) => match text.split_at_checked(1)? {
                ("+", more) => number(more).map(Self::More),
                ("-", less) => number(less).map(Self::Less),
                _ => number(text).map(Self::Set),
            },
            _ => None,
        }
    }

    fn from(self, now: u32) -> u32 {
        match self {
            Self::Set(quantity) => quantity,
            Self::More(more) => now.saturating_add(more),
            Self::Less(less) => now.saturating_sub(less),
        }
    }
}

impl Update {
    fn of(named: String, fields: &Fields) -> Result<Self, ApiError> {
        let illegal =
            || ApiError::invalid(format!("`quantity` must be a number from 0 to {MOST}, or +N or -N."));
        let quantity =
            fields.value("quantity").map(|value| Quantity::of(value).ok_or_else(illegal)).transpose()?;
        let size = fields.identity("size")?.or(fields.identity("dyno_size")?);
        let size = size.map(|size| super::dyno_size::find(&size)).transpose()?;
        Ok(Self { named, quantity, size })
    }

    fn applied(&self, process_type: &ProcessType, now: WantedDynos) -> Result<WantedDynos, ApiError> {
        let quantity = self.quantity.map_or(now.quantity, |quantity| quantity.from(now.quantity));
        if quantity > MOST {
            let message = format!(
                "Cannot scale {process_type} to {quantity} dynos: {MOST} of one process type are the most."
            );
            return Err(ApiError::invalid(message));
        }
        Ok(WantedDynos { quantity, size: self.size.unwrap_or(now.size) })
    }
}

/// Makes all updates or none, over what is wanted at that moment.
async fn change(api: &Api, scope: &Scope, updates: Vec<Update>) -> Result<Vec<Shape>, ApiError> {
    let id = scope.app.id;
    let missing = || ApiError::missing("app");
    let mut changed = BTreeMap::new();
    let state = api
        .ledger()
        .change(&scope.caller.actor(), |state| {
            changed = updated(state.apps.get(&id).ok_or_else(missing)?, &updates)?;
            let differing = changed.iter().filter(|(_, (before, after))| before != after);
            let event = |(process_type, (_, after)): (&ProcessType, &(_, WantedDynos))| {
                let (quantity, size) = (after.quantity, after.size);
                (
                    Stream::App(id),
                    Event::FormationChanged { process_type: process_type.clone(), quantity, size },
                )
            };
            Ok(differing.map(event).collect())
        })
        .await?;
    let app = state.apps.get(&id).ok_or_else(missing)?;
    tell(api, scope, app, &changed);
    Ok(changed.iter().map(|(process_type, (_, after))| Shape::of(process_type, *after, app)).collect())
}

type Changed = BTreeMap<ProcessType, (WantedDynos, WantedDynos)>;

/// Each named process type, with what was wanted of it and what is to be.
fn updated(app: &App, updates: &[Update]) -> Result<Changed, ApiError> {
    let mut changed = Changed::new();
    for update in updates {
        let (process_type, before) = find(app, &update.named)?;
        let (before, now) = changed.get(&process_type).copied().unwrap_or((before, before));
        let after = update.applied(&process_type, now)?;
        changed.insert(process_type, (before, after));
    }
    Ok(changed)
}

/// The line of the app's log that says so.
fn tell(api: &Api, scope: &Scope, app: &Arc<App>, changed: &Changed) {
    let scaled: Vec<_> = changed
        .iter()
        .filter(|(_, (before, after))| before != after)
        .map(|(process_type, (_, after))| format!("{process_type}@{}:{}", after.quantity, after.size))
        .collect();
    if !scaled.is_empty() {
        let text = format!("Scaled to {} by user {}", scaled.join(" "), scope.caller.account.email);
        api.logplex().channel(&app.name).write(Source::App, "api", logplex::Stream::System, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quantities_are_read_as_clients_send_them() {
        let quantity = |value: Value| Quantity::of(&value);
        assert_eq!(quantity(json!(2)), Some(Quantity::Set(2)));
        assert_eq!(quantity(json!("2")), Some(Quantity::Set(2)));
        assert_eq!(quantity(json!("+1")), Some(Quantity::More(1)));
        assert_eq!(quantity(json!("-1")), Some(Quantity::Less(1)));
        for value in
            [json!(-1), json!(1.5), json!(""), json!("+"), json!("++1"), json!("é"), json!("two"), json!([])]
        {
            assert_eq!(quantity(value.clone()), None, "{value}");
        }
    }

    #[test]
    fn less_than_none_is_none() {
        assert_eq!(Quantity::Less(3).from(1), 0);
        assert_eq!(Quantity::More(u32::MAX).from(1), u32::MAX);
    }
}
