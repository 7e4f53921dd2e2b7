//! One-off dynos: ordering one.

use super::{
    Api,
    attachment::{Frame, Manner, RENDEZVOUS, Waiting},
    dyno,
    error::ApiError,
    fields::Fields,
    scope::Scope,
    secrets,
};
use crate::app::{ConfigKey, DynoSize};
use crate::dyno::Look;
use crate::formation::{Attachment, OneOff, Streams};
use crate::logplex::{Source, Stream};
use crate::name::ProcessType;
use crate::slug::CommandLine;
use axum::{Json, extract::State as Handle, http::StatusCode};
use serde_json::Value;
use std::time::Duration;

/// What the official command line appends to a command whose exit status it wants to know.
const STATUS_WANTED: &str = "; echo \"\u{ffff} heroku-command-exit-status: $?\"";

/// What a client asks for.
struct Order {
    one_off: OneOff,
    /// How it attaches; `None` when it does not.
    attaches: Option<Attaches>,
}

/// How a client attaches.
#[derive(Clone, Copy)]
enum Attaches {
    InFrames,
    AtRendezvous(Manner),
}

/// Orders a dyno. One that is attached waits for its client at the address that is answered.
pub(super) async fn create(
    Handle(api): Handle<Api>,
    scope: Scope,
    fields: Fields,
) -> Result<(StatusCode, Json<dyno::Shape>), ApiError> {
    let Order { one_off, attaches } = Order::of(&fields)?;
    let secret = secrets::random()?;
    let ordered = api.supervisor().run(scope.app.id, one_off).await?;
    tell(&api, &scope, &ordered.status.command);
    let mut shape = dyno::Shape::of(&ordered.status, &scope.app);
    if let (Some(attaches), Some(attachment)) = (attaches, ordered.attachment) {
        shape.attach_at(offer(&api, attaches, attachment, &secret));
    }
    Ok((StatusCode::CREATED, Json(shape)))
}

/// Has the dyno wait for whoever has `secret`. Gives the address.
fn offer(api: &Api, attaches: Attaches, attachment: Attachment, secret: &str) -> String {
    let config = api.config();
    let (address, manner) = match attaches {
        Attaches::InFrames => {
            (config.own(&format!("/attach/{secret}")), Manner { look: Look::Pipe, told_status: false })
        }
        Attaches::AtRendezvous(manner) => {
            let (host, port) = (&config.domain, config.port);
            (format!("rendezvous://{host}:{port}/{RENDEZVOUS}{secret}"), manner)
        }
    };
    api.attachments().offer(secret, Waiting { attachment, manner });
    address
}

/// The line of the app's log that says who ordered what.
fn tell(api: &Api, scope: &Scope, command: &str) {
    let text = format!("Starting process with command `{command}` by user {}", scope.caller.account.email);
    api.logplex().channel(&scope.app.name).write(Source::App, "api", Stream::System, text);
}

impl Order {
    fn of(fields: &Fields) -> Result<Self, ApiError> {
        let text = fields.text("command")?.ok_or_else(|| fields.needs("command"))?;
        let (command, told_status) = without_status(text);
        CommandLine::parse(command)?;
        let look = if fields.flag("force_no_tty")? == Some(true) { Look::Pipe } else { Look::Terminal };
        let attaches = attaches(fields, Manner { look, told_status })?;
        let one_off = OneOff {
            process_type: process_type(fields)?,
            command: command.to_owned(),
            environment: environment(fields)?,
            size: size(fields)?,
            time_to_live: fields.count("time_to_live")?.map(Duration::from_secs),
            streams: if attaches.is_some() { Streams::Client(look) } else { Streams::Log },
        };
        Ok(Self { one_off, attaches })
    }
}

/// The command itself, and whether its exit status is to be written after its output.
fn without_status(text: &str) -> (&str, bool) {
    match text.trim().strip_suffix(STATUS_WANTED) {
        Some(command) => (command.trim_end(), true),
        None => (text, false),
    }
}

fn attaches(fields: &Fields, manner: Manner) -> Result<Option<Attaches>, ApiError> {
    if fields.flag("attach")? != Some(true) {
        return Ok(None);
    }
    match fields.text("attach_protocol")? {
        None => Ok(Some(Attaches::AtRendezvous(manner))),
        Some(Frame::PROTOCOL) => Ok(Some(Attaches::InFrames)),
        Some(_) => Err(ApiError::invalid(format!(
            "`attach_protocol` must be {}, or left out for Heroku's rendezvous.",
            Frame::PROTOCOL
        ))),
    }
}

fn process_type(fields: &Fields) -> Result<ProcessType, ApiError> {
    let given = fields.text("type")?.filter(|given| !given.is_empty());
    given.map_or_else(
        || Ok(ProcessType::run()),
        |given| given.parse().map_err(|error| ApiError::invalid(format!("{error}."))),
    )
}

fn size(fields: &Fields) -> Result<DynoSize, ApiError> {
    let given = fields.identity("size")?.or(fields.identity("dyno_size")?);
    given.map_or_else(
        || Ok(DynoSize::default()),
        |given| given.parse().map_err(|error| ApiError::invalid(format!("{error}."))),
    )
}

/// The variables of `env`. Clients send numbers too: the size of their terminal.
fn environment(fields: &Fields) -> Result<Vec<(ConfigKey, String)>, ApiError> {
    let vars = fields.object("env")?.map(Fields::into_map).unwrap_or_default();
    let set = vars.into_iter().filter(|(_, value)| !value.is_null());
    set.map(|(key, value)| {
        let key: ConfigKey = key.parse().map_err(|error| ApiError::invalid(format!("{error}.")))?;
        match value {
            Value::String(text) => Ok((key, text)),
            Value::Number(number) => Ok((key, number.to_string())),
            _ => Err(ApiError::invalid(format!("`env.{key}` must be a string or a number."))),
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wish_for_an_exit_status_is_no_part_of_the_command() {
        let wish = " ; echo \"\u{ffff} heroku-command-exit-status: $?\"";
        assert_eq!(without_status(&format!("python x.py{wish}")), ("python x.py", true));
        assert_eq!(without_status("python x.py; echo $?"), ("python x.py; echo $?", false));
    }
}
