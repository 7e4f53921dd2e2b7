//! What an entry says, in a line for people and without secrets.

use super::{Event, secret::SealedEvent};
use std::net::IpAddr;

/// The line for an entry as it is written. One that cannot be read is told by its kind.
pub(super) fn of(kind: &str, payload: &serde_json::Value) -> String {
    let tagged = serde_json::json!({ "kind": kind, "payload": payload });
    let line = match kind {
        "config-set" | "drain-added" | "password-set" => {
            serde_json::from_value(tagged).ok().map(|sealed| sealed_line(&sealed))
        }
        _ => serde_json::from_value(tagged).ok().and_then(|event| event_line(&event)),
    };
    // Descriptions and reasons are other people's words: they are not to move the cursor.
    let line = line.unwrap_or_else(|| kind.to_owned());
    line.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn sealed_line(sealed: &SealedEvent) -> String {
    match sealed {
        SealedEvent::ConfigSet { changes } => {
            let named = |set: bool| {
                let keys = changes.iter().filter(move |(_, value)| value.is_some() == set);
                keys.map(|(key, _)| key.as_str()).collect::<Vec<_>>().join(", ")
            };
            match (named(true), named(false)) {
                (set, unset) if unset.is_empty() => format!("Set {set}"),
                (set, unset) if set.is_empty() => format!("Unset {unset}"),
                (set, unset) => format!("Set {set}; unset {unset}"),
            }
        }
        SealedEvent::DrainAdded { drain, .. } => format!("Drain {drain} added"),
        SealedEvent::PasswordSet { account, .. } => format!("Password of account {account} set"),
    }
}

fn event_line(event: &Event) -> Option<String> {
    platform_line(event).or_else(|| code_line(event)).or_else(|| setting_line(event))
}

fn platform_line(event: &Event) -> Option<String> {
    Some(match event {
        Event::PlatformCreated { platform } => format!("Platform {platform} created"),
        Event::AccountCreated { email, .. } => format!("Account {email} created"),
        Event::AuthorizationCreated { authorization, description, .. } => {
            format!("Token {authorization} created: {description}")
        }
        Event::AuthorizationRevoked { authorization } => format!("Token {authorization} revoked"),
        Event::AccountRemoved { account } => format!("Account {account} removed"),
        Event::AccessRefused { who, address, action, more } => {
            refusal(who.as_deref(), *address, action, *more)
        }
        Event::AppCreated { name, .. } => format!("App {name} created"),
        Event::AppRenamed { app, name } => format!("App {app} renamed to {name}"),
        Event::AppTransferred { app, owner } => format!("App {app} transferred to account {owner}"),
        Event::AppDestroyed { app } => format!("App {app} destroyed"),
        _ => return None,
    })
}

fn refusal(who: Option<&str>, address: Option<IpAddr>, action: &str, more: u32) -> String {
    let who = who.unwrap_or("somebody");
    let from = address.map(|address| format!(" from {address}")).unwrap_or_default();
    let more = if more == 0 { String::new() } else { format!(" ({more} more like it before)") };
    format!("Refused {who}{from}: {action}{more}")
}

fn code_line(event: &Event) -> Option<String> {
    Some(match event {
        Event::BuildCreated { build, source, .. } => match &source.version {
            Some(version) => format!("Build {build} of {version} started"),
            None => format!("Build {build} started"),
        },
        Event::BuildSucceeded { build, .. } => format!("Build {build} succeeded"),
        Event::BuildFailed { build, reason } => format!("Build {build} failed: {reason}"),
        Event::SlugCreated { slug } => format!("Slug {} stored", slug.id),
        Event::ReleaseCreated { version, description, pending: false, .. } => {
            format!("{version} {description}")
        }
        Event::ReleaseCreated { version, description, .. } => {
            format!("{version} {description} (release phase follows)")
        }
        Event::ReleaseSucceeded { version } => format!("{version} succeeded"),
        Event::ReleaseFailed { version, reason } => format!("{version} failed: {reason}"),
        _ => return None,
    })
}

fn setting_line(event: &Event) -> Option<String> {
    let on = |enabled: &bool| if *enabled { "on" } else { "off" };
    Some(match event {
        Event::FormationChanged { process_type, quantity, size } => {
            format!("{process_type}={quantity} ({size})")
        }
        Event::DomainAdded { hostname, .. } => format!("Domain {hostname} added"),
        Event::DomainRemoved { domain } => format!("Domain {domain} removed"),
        Event::CollaboratorAdded { account, .. } => format!("Collaborator {account} added"),
        Event::CollaboratorRemoved { collaborator } => format!("Collaborator {collaborator} removed"),
        Event::MaintenanceSet { enabled } => format!("Maintenance mode {}", on(enabled)),
        Event::FeatureSet { feature, enabled } => format!("Feature {feature} {}", on(enabled)),
        Event::BuildpacksSet { buildpacks } if buildpacks.is_empty() => "Buildpacks are detected".to_owned(),
        Event::BuildpacksSet { buildpacks } => format!("Buildpacks {}", buildpacks.join(", ")),
        Event::DrainRemoved { drain } => format!("Drain {drain} removed"),
        Event::AddonCreated { name, plan, .. } => format!("Add-on {name} ({plan}) created"),
        Event::AddonDestroyed { addon } => format!("Add-on {addon} destroyed"),
        Event::AttachmentCreated { addon, name, .. } => format!("Add-on {addon} attached as {name}"),
        Event::AttachmentDestroyed { attachment } => format!("Attachment {attachment} removed"),
        _ => return None,
    })
}
