//! `/oauth/…` and the poll of a client with a key of its own.

use serde_json::{Value, json};
use symbolon::protocol::login::{Begun, Collected, Collector, DeviceCode, LoginCall, LoginToken};
use symbolon::protocol::message::Manage;
use symbolon::protocol::{Owner, RecordState};
use symbolon::time::Timestamp;

use crate::testing::{MANAGEMENT, World, bearer, request, token, token_of};
use crate::{GateRequest, Outcome};

fn form(path: &str, body: &str, world: &mut World) -> GateRequest {
    world.body = body.as_bytes().to_vec();
    let mut request = request("POST", &format!("{MANAGEMENT}{path}"), &[]);
    with_form(&mut request);
    request
}

fn with_form(request: &mut GateRequest) {
    request.has_body = true;
    request.headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
}

fn device_code() -> DeviceCode {
    DeviceCode::new(0x5a, &[1; 32])
}

fn ask_for_token(world: &mut World, answer: &Collected) -> (u16, Value) {
    world.login_answer = json!(answer);
    let body = format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=cli&device_code={}",
        device_code().expose()
    );
    let call = form("/oauth/token", &body, world);
    world.respond(call)
}

#[test]
fn a_device_is_told_where_its_member_goes() {
    let mut world = World::new();
    world.login_answer = json!(Begun::Made {
        device_code: device_code(),
        user_code: "BCDFGHJK".parse().unwrap(),
        expires_in: 600,
        interval: 5,
    });
    let call = form("/oauth/device_authorization", "client_id=cli&scope=scan", &mut world);
    let (status, body) = world.respond(call);
    assert_eq!(
        (status, body),
        (
            200,
            json!({
                "device_code": device_code().expose(), "user_code": "BCDF-GHJK", "expires_in": 600, "interval": 5,
                "verification_uri": "https://tokens.example/device",
                "verification_uri_complete": "https://tokens.example/device?user_code=BCDF-GHJK",
            })
        )
    );
    let (asked, LoginCall::Begin { shard, client_id, scope, client }) = world.logins[0].clone() else { panic!() };
    assert_eq!((asked, client_id.as_str(), scope.as_deref()), (shard, "cli", Some("scan")));
    assert_eq!(client.address.as_deref(), Some("192.0.2.1"));

    world.login_answer = json!(Begun::RateLimited { retry_after: 9 });
    let call = form("/oauth/device_authorization", "client_id=cli", &mut world);
    let Outcome::Respond(response) = world.handle(call) else { panic!() };
    assert_eq!(response.status, 429);
    assert!(response.headers.contains(&("retry-after".to_owned(), "9".to_owned())));
}

#[test]
fn every_answer_to_a_device_has_its_code() {
    let mut world = World::new();
    for (answer, status, error) in [
        (Collected::Pending, 400, "authorization_pending"),
        (Collected::SlowDown { interval: 10 }, 400, "slow_down"),
        (Collected::Denied, 400, "access_denied"),
        (Collected::Unknown, 400, "expired_token"),
        (Collected::Unavailable, 503, "temporarily_unavailable"),
    ] {
        let (found, body) = ask_for_token(&mut world, &answer);
        assert_eq!((found, &body["error"]), (status, &json!(error)));
        assert!(body["error_description"].is_string());
    }
    let made = Collected::Token(LoginToken {
        secret: "dvg_x".to_owned(),
        user_name: "Ada".to_owned(),
        scopes: vec!["scan".to_owned()],
        expires_at: Some(world.now.plus_seconds(90)),
    });
    let (status, body) = ask_for_token(&mut world, &made);
    let expected = json!({"access_token": "dvg_x", "token_type": "Bearer", "scope": "scan", "expires_in": 90});
    assert_eq!((status, body), (200, expected));
    let expected = Collector::DeviceCode(device_code());
    let (shard, LoginCall::Collect { with, client_id, .. }) = world.logins.last().unwrap() else { panic!() };
    assert_eq!((*shard, with, client_id.as_deref()), (0x5a, &expected, Some("cli")), "the code leads to its shard");
    world.down.insert("login");
    assert_eq!(ask_for_token(&mut world, &Collected::Pending).0, 503);
}

#[test]
fn a_bad_form_says_what_is_wrong_and_asks_nobody() {
    let mut world = World::new();
    let grant = "grant_type=urn:ietf:params:oauth:grant-type:device_code";
    for (path, body, error) in [
        ("/oauth/token", "", "invalid_request"),
        ("/oauth/token", "grant_type=password&client_id=c&device_code=x", "unsupported_grant_type"),
        ("/oauth/token", &format!("{grant}&client_id=c"), "invalid_request"),
        ("/oauth/token", &format!("{grant}&device_code=x"), "invalid_request"),
        ("/oauth/token", &format!("{grant}&client_id=c&device_code=x"), "invalid_grant"),
        ("/oauth/token", &format!("{grant}&{grant}&client_id=c&device_code=x"), "invalid_request"),
        ("/oauth/device_authorization", "scope=a", "invalid_request"),
        ("/oauth/device_authorization", &format!("client_id={}", "c".repeat(201)), "invalid_request"),
        ("/oauth/device_authorization", "client_id=c&scope=re%22ad", "invalid_scope"),
        ("/oauth/device_authorization", "client_id=c&scope=%E2%80%AEread", "invalid_scope"),
        ("/oauth/device_authorization", &format!("client_id=c&scope={}", "s".repeat(201)), "invalid_request"),
        ("/oauth/revoke", "token=", "invalid_request"),
    ] {
        let call = form(path, body, &mut world);
        let (status, found) = world.respond(call);
        assert_eq!((status, &found["error"]), (400, &json!(error)), "{path} {body}");
    }
    let json_body = request("POST", &format!("{MANAGEMENT}/oauth/token"), &[("content-type", "application/json")]);
    assert_eq!(world.respond(json_body).0, 400);
    assert!(world.logins.is_empty());
}

#[test]
fn a_key_of_ones_own_is_polled_with() {
    let key = "8d5e7f0a-6c3b-4f2e-9a1d-0b2c3d4e5f60";
    let poll = |world: &mut World, body: Value, answer: Collected| {
        world.body = body.to_string().into_bytes();
        world.login_answer = json!(answer);
        let mut call = request("POST", &format!("{MANAGEMENT}/api/agent/tokens/requests"), &[]);
        call.has_body = true;
        call.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        world.respond(call)
    };
    let mut world = World::new();
    let body = json!({"token_request_key": key});
    assert_eq!(poll(&mut world, body.clone(), Collected::Pending).0, 404);
    assert_eq!(poll(&mut world, body.clone(), Collected::Denied).0, 403);
    assert_eq!(poll(&mut world, body.clone(), Collected::Unavailable).0, 503);
    let made = Collected::Token(LoginToken {
        secret: "sgp_x".to_owned(),
        user_name: "Ada".to_owned(),
        scopes: vec![],
        expires_at: None,
    });
    assert_eq!(poll(&mut world, body, made), (200, json!({"token": "sgp_x", "user_name": "Ada"})));
    assert_eq!(poll(&mut world, json!({"token_request_key": "1"}), Collected::Pending).0, 400);
    assert_eq!(poll(&mut world, json!({}), Collected::Pending).0, 400);
}

#[test]
fn introspection_tells_of_ones_own_organisation_alone() {
    let introspect = |world: &mut World, token: &str| {
        let mut call = bearer("POST", &format!("{MANAGEMENT}/oauth/introspect"));
        with_form(&mut call);
        world.body = format!("token={token}&token_type_hint=access_token").into_bytes();
        world.respond(call)
    };
    let mut world = World::with(|record| {
        record.expires_at = Some(Timestamp::from_seconds(1_900_000_000));
        record.owner = Owner::Member {
            id: "01890000-0000-7000-8000-000000000001".parse().unwrap(),
            name: "Zoë".to_owned(),
            email: "zoe@a.example".to_owned(),
        };
    });
    let (status, body) = introspect(&mut world, &token());
    assert_eq!(status, 200);
    assert_eq!(
        body,
        json!({
            "active": true, "scope": "read write", "token_type": "Bearer", "username": "zoe@a.example",
            "sub": "01890000-0000-7000-8000-000000000001", "iss": "https://tokens.example",
            "jti": world.records[0].token, "organization": "01890000-0000-7000-8000-0000000000aa", "kind": "pat",
            "exp": 1_900_000_000,
        })
    );
    let inactive = (200, json!({"active": false}));
    assert_eq!(introspect(&mut world, &token_of("Other1".parse().unwrap(), 7)), inactive);
    assert_eq!(introspect(&mut world, "not-a-token"), inactive);
    let nobody = form("/oauth/introspect", "token=x", &mut world);
    assert_eq!(world.respond(nobody).0, 401);
    world.change(|record| record.granted = crate::testing::grants(&["api:read"]));
    world.now = world.now.plus_seconds(10);
    assert_eq!(introspect(&mut world, &token()).0, 403);
}

#[test]
fn whoever_holds_a_token_may_end_it_in_whatever_state() {
    for state in [RecordState::Active, RecordState::Inactive, RecordState::OwnerSuspended, RecordState::Revoked] {
        let mut world = World::with(|record| {
            record.state = state;
            record.passphrase = Some("a hash".to_owned());
        });
        let call = form("/oauth/revoke", &format!("token={}", token()), &mut world);
        assert_eq!(world.respond(call), (200, json!({})));
        assert_eq!(world.calls, ["body", "organization", "organization"]);
        let Some(manage) = world.managed.last() else { panic!() };
        let Manage { token: ended, request, .. } = manage;
        assert_eq!(
            (*ended, request.path.as_str(), request.body.as_str()),
            (world.records[0].token, "/oauth/revoke", "")
        );
    }
    let mut world = World::new();
    for unknown in [token_of("Acme42".parse().unwrap(), 9), "nothing".to_owned()] {
        let call = form("/oauth/revoke", &format!("token={unknown}"), &mut world);
        assert_eq!(world.respond(call), (200, json!({})), "nothing is told of it");
    }
    assert!(world.managed.is_empty());
}

#[test]
fn the_metadata_names_what_there_is() {
    let mut world = World::new();
    let (status, body) =
        world.respond(request("GET", &format!("{MANAGEMENT}/.well-known/oauth-authorization-server"), &[]));
    assert_eq!((status, &body["issuer"]), (200, &json!("https://tokens.example")));
    for name in ["device_authorization", "token", "introspection", "revocation"] {
        let url = body[format!("{name}_endpoint")].as_str().unwrap().to_owned();
        assert_eq!(world.respond(request("GET", &url, &[])).0, 405, "{url} is there");
    }
}
