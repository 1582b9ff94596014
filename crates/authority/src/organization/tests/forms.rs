//! Older tables, which a machine completes when it takes over.

use serde_json::json;
use symbolon::protocol::message::{Ask, OrganizationCall};

use super::world::World;
use crate::store::{Row, Sqlite, Store};

const FORM_1: &str = include_str!("form-1.sql");

fn texts(store: &Sqlite, sql: &str, column: usize) -> Vec<String> {
    store.execute(sql, &[]).unwrap().iter().map(|row: &Row| row.get(column).unwrap()).collect()
}

fn tables(store: &Sqlite) -> Vec<String> {
    texts(store, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY rowid", 0)
}

/// Every table with its columns, and every index: what two databases must agree in.
fn shape(store: &Sqlite) -> Vec<String> {
    let mut shape = texts(store, "SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY name", 0);
    let mut tables = tables(store);
    tables.sort();
    for table in tables {
        let columns = store.execute(&format!("PRAGMA table_info({table})"), &[]).unwrap();
        let mut columns: Vec<String> = columns
            .iter()
            .map(|row| {
                let facts =
                    (row.get::<String>(1), row.get::<String>(2), row.get::<u32>(3), row.get::<Option<String>>(4));
                format!("{table}: {facts:?}")
            })
            .collect();
        // A column that was added stands last.
        columns.sort();
        shape.extend(columns);
    }
    shape
}

/// The organisation of this world in tables of form 1.
fn older(world: &mut World) {
    let old: &'static Sqlite = Box::leak(Box::new(Sqlite::in_memory().unwrap()));
    for sql in FORM_1.split_inclusive(';').map(str::trim).filter(|sql| !sql.is_empty()) {
        old.execute(sql, &[]).unwrap();
    }
    for table in tables(old) {
        let newest = texts(world.store, &format!("PRAGMA table_info({table})"), 1);
        let mut columns = texts(old, &format!("PRAGMA table_info({table})"), 1);
        columns.retain(|column| newest.contains(column));
        let names = columns.join(", ");
        let literals: Vec<String> = columns.iter().map(|column| format!("quote({column})")).collect();
        for row in world.store.execute(&format!("SELECT {} FROM {table}", literals.join(", ")), &[]).unwrap() {
            let values: Vec<String> = (0..columns.len()).map(|index| row.get(index).unwrap()).collect();
            old.execute(&format!("INSERT INTO {table} ({names}) VALUES ({})", values.join(", ")), &[]).unwrap();
        }
    }
    old.execute("UPDATE organization SET schema = 1", &[]).unwrap();
    world.store = old;
    world.restart();
}

#[test]
fn a_database_from_before_the_console_is_completed_and_serves() {
    let (mut world, secret) = World::founded("symbolon");
    let (edited, _) = world.create(&secret, &json!({"kind": "key", "name": "ci", "scopes": ["read"]}));
    world.pass(120_000);
    let path = format!("/v1/tokens/{}", edited["id"].as_str().unwrap());
    assert_eq!(world.http(&secret, "PATCH", &path, &json!({"name": "build"})).0, 200);
    world.pass(120_000);
    let changes = |world: &World| texts(world.store, "SELECT id || updated_at FROM token ORDER BY id", 0);
    let changed = changes(&world);
    let newest = shape(world.store);
    older(&mut world);
    assert!(!tables(world.store).contains(&"passkey".to_owned()));

    let (status, tokens) = world.http(&secret, "GET", "/v1/tokens", &json!(null));
    assert_eq!((status, tokens["items"].as_array().unwrap().len()), (200, 2));
    assert_eq!(shape(world.store), newest);
    assert_eq!(changes(&world), changed, "when tokens were last changed is known from their rows and the log");
    assert_eq!(texts(world.store, "SELECT CAST(schema AS TEXT) FROM organization", 0), ["5"]);
    for (method, path, body, expected) in [
        ("POST", "/v1/passkeys/options", json!({}), 200),
        ("GET", "/v1/passkeys", json!(null), 200),
        ("GET", "/v1/identities", json!(null), 200),
        ("POST", "/v1/invitations", json!({"email": "bob@acme.example", "role": "viewer"}), 201),
        ("GET", "/v1/sign-in", json!(null), 200),
    ] {
        let (status, answer) = world.http(&secret, method, path, &body);
        assert_eq!(status, expected, "{path}: {answer}");
    }
    // The next machine finds nothing to do, and what was written meanwhile.
    world.restart();
    assert_eq!(world.http(&secret, "GET", "/v1/invitations", &json!(null)).1["items"].as_array().unwrap().len(), 1);
    world.pass(120_000);
    world.check_invariants();
}

#[test]
fn tables_of_a_newer_form_are_left_alone() {
    let (mut world, _) = World::founded("symbolon");
    world.store_execute("UPDATE organization SET schema = 99");
    let before = world.store_text();
    world.restart();
    world.begin(&OrganizationCall::Ask(Ask::default()));
    assert!(world.faults.iter().any(|fault| fault.contains("form 99")), "{:?}", world.faults);
    // But for the mark of the machine that took over.
    let unmarked =
        |text: &str| text.lines().filter(|line| !line.contains("Acme42")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(unmarked(&world.store_text()), unmarked(&before));
}
