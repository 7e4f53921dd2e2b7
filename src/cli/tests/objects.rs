//! Objects of the API in the shapes of its schema.

use serde_json::{Value, json};

const ID: &str = "01234567-89ab-cdef-0123-456789abcdef";

pub(super) fn app(name: &str) -> Value {
    json!({
        "acm": false, "archived_at": null, "buildpack_provided_description": "Python",
        "build_stack": { "id": ID, "name": "hokku-1" }, "created_at": "2026-11-22T21:00:00Z",
        "git_url": format!("https://localhost:8080/{name}.git"), "id": ID, "internal_routing": false,
        "maintenance": false, "name": name, "owner": { "email": "owner@localhost", "id": ID },
        "organization": null, "team": null, "region": { "id": ID, "name": "local" },
        "released_at": "2026-11-22T22:00:00Z", "repo_size": null, "slug_size": 34_500_000, "space": null,
        "stack": { "id": ID, "name": "hokku-1" }, "updated_at": "2026-11-22T22:00:00Z",
        "web_url": format!("http://{name}.localhost:8080/"),
    })
}

pub(super) fn release(version: u32, description: &str, status: &str) -> Value {
    json!({
        "addon_plan_names": [], "artifacts": [], "app": { "id": ID, "name": "shop" },
        "created_at": "2026-11-22T22:00:00Z", "description": description, "id": format!("release-{version}"),
        "updated_at": "2026-11-22T22:00:00Z", "oci_image": null, "slug": { "id": ID }, "status": status,
        "user": { "email": "owner@localhost", "id": ID }, "version": version, "current": version == 5,
        "eligible_for_rollback": version > 2 && status == "succeeded",
        "output_stream_url": if status == "pending" { json!(format!("ORIGIN/outputs/release-{version}")) } else { Value::Null },
    })
}

pub(super) fn build(status: &str) -> Value {
    let release = if status == "succeeded" { json!({ "id": "release-3" }) } else { Value::Null };
    json!({
        "app": { "id": ID }, "buildpacks": [], "created_at": "2026-11-22T22:00:00Z", "id": "build-1",
        "output_stream_url": "http://paas.example.com:9/outputs/build-1?secret=hush", "release": release, "slug": null,
        "source_blob": { "checksum": null, "url": "ORIGIN/sources/1", "version": null }, "stack": "hokku-1",
        "status": status, "updated_at": "2026-11-22T22:00:00Z", "user": { "email": "owner@localhost", "id": ID },
    })
}

pub(super) fn dyno(name: &str, command: &str, state: &str) -> Value {
    let (process_type, _) = name.split_once('.').expect("a dyno's name");
    json!({
        "attach_url": null, "command": command, "created_at": "2026-11-22T22:00:00Z", "id": ID, "name": name,
        "release": { "id": ID, "version": 3 }, "app": { "name": "shop", "id": ID }, "size": "Standard-1X",
        "state": state, "type": process_type, "updated_at": "2026-11-22T22:00:00Z",
    })
}

pub(super) fn formation(process_type: &str, quantity: u32, size: &str) -> Value {
    json!({
        "app": { "name": "shop", "id": ID }, "command": "gunicorn app:app", "created_at": "2026-11-22T22:00:00Z",
        "id": ID, "quantity": quantity, "size": size, "dyno_size": { "id": ID, "name": size },
        "type": process_type, "updated_at": "2026-11-22T22:00:00Z",
    })
}
