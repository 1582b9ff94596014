//! Members who sign in at a provider of identities, as a gate tells of them.

use serde_json::{Value as Json, json};
use symbolon::oidc::Identity;
use symbolon::protocol::identity::{Errand, Recognised, RefusedIdentity, Returned};
use symbolon::protocol::message::{Ask, Lookup, Manage, OrganizationCall};
use symbolon::time::Timestamp;
use symbolon::token::Digest;

use super::world::{World, request};

const ISSUER: &str = "https://login.example";

fn identity(subject: &str, email: &str) -> Identity {
    Identity {
        issuer: ISSUER.into(),
        subject: subject.into(),
        email: Some(email.into()),
        unverified_email: None,
        authenticated_at: None,
    }
}

fn returned(
    world: &mut World,
    state: &str,
    errand: Errand,
    identity: Identity,
) -> Result<Option<String>, RefusedIdentity> {
    let call = Returned {
        errand,
        state: state.into(),
        until: world.now.plus_seconds(600),
        identity,
        client: request("GET", "/", &json!(null)).client,
        replaces: None,
    };
    match serde_json::from_str(&world.call(&OrganizationCall::Returned(Box::new(call)))).unwrap() {
        Recognised::Session { set_cookie } => {
            let (pair, attributes) = set_cookie.split_once("; ").unwrap();
            assert!(attributes.starts_with("Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age="), "{set_cookie}");
            Ok(Some(pair.strip_prefix("__Host-symbolon=").unwrap().to_owned()))
        }
        Recognised::Linked => Ok(None),
        Recognised::Refused { reason } => Err(reason),
    }
}

fn sign_in(world: &mut World, state: &str, identity: Identity) -> Result<Option<String>, RefusedIdentity> {
    returned(world, state, Errand::SignIn { organization: "acme".into() }, identity)
}

/// A call in a session.
fn with(world: &mut World, secret: &str, method: &str, path: &str, body: &Json) -> (u16, Json) {
    let lookup = Some(Lookup::Session(Digest::of(secret)));
    let Some(record) = world.ask(Ask { lookup, ..Ask::default() }).record else { return (401, json!(null)) };
    let manage =
        Manage { token: record.token, signed: false, passphrase_hash: None, request: request(method, path, body) };
    let id = world.begin(&OrganizationCall::Manage(manage));
    world.response(id)
}

fn allow(world: &mut World, admin: &str) {
    let (status, answer) = world.http(admin, "PUT", "/v1/sign-in", &json!({ "link_by_email": true }));
    assert_eq!((status, answer), (200, json!({ "link_by_email": true })));
}

fn newest(world: &mut World, admin: &str) -> Json {
    world.http(admin, "GET", "/v1/activity?limit=1", &json!(null)).1["items"][0].clone()
}

#[test]
fn an_address_makes_a_member_known_once_where_the_organisation_says_so() {
    let (mut world, admin) = World::founded("symbolon");
    let ann = || identity("1", "Ann@acme.example");
    assert_eq!(sign_in(&mut world, "a", ann()), Err(RefusedIdentity::UnknownMember), "not before it says so");
    allow(&mut world, &admin);
    let unverified = Identity { unverified_email: ann().email, email: None, ..ann() };
    assert_eq!(sign_in(&mut world, "b", unverified), Err(RefusedIdentity::UnverifiedEmail));
    assert_eq!(sign_in(&mut world, "c", identity("9", "eve@evil.example")), Err(RefusedIdentity::UnknownMember));
    assert_eq!(sign_in(&mut world, "d", Identity { email: None, ..ann() }), Err(RefusedIdentity::UnknownMember));

    let secret = sign_in(&mut world, "e", ann()).unwrap().unwrap();
    let (status, who) = with(&mut world, &secret, "GET", "/v1/whoami", &json!(null));
    assert_eq!((status, &who["principal"]["email"]), (200, &json!("ann@acme.example")));
    let entry = newest(&mut world, &admin);
    assert_eq!((&entry["action"], &entry["details"]["method"]), (&json!("session.begin"), &json!("oidc")));

    // From now on the subject counts: the address may change, and another subject with hers is not she.
    assert!(sign_in(&mut world, "f", identity("1", "ann@elsewhere.example")).is_ok());
    assert_eq!(sign_in(&mut world, "g", identity("2", "ann@acme.example")), Err(RefusedIdentity::Taken));
    assert_eq!(newest(&mut world, &admin)["details"]["reason"], "taken");
    // Nor is the same subject of another provider.
    let other = Identity { issuer: "https://other.example".into(), ..identity("1", "x@acme.example") };
    assert_eq!(sign_in(&mut world, "h", other), Err(RefusedIdentity::UnknownMember));
    let (_, list) = with(&mut world, &secret, "GET", "/v1/identities", &json!(null));
    assert_eq!((list["items"].as_array().unwrap().len(), &list["items"][0]["issuer"]), (1, &json!(ISSUER)));
}

#[test]
fn a_return_is_good_once_and_in_its_time() {
    let (mut world, admin) = World::founded("symbolon");
    allow(&mut world, &admin);
    assert!(sign_in(&mut world, "a", identity("1", "ann@acme.example")).is_ok());
    assert_eq!(sign_in(&mut world, "a", identity("1", "ann@acme.example")), Err(RefusedIdentity::Replayed));
    let elsewhere = Errand::SignIn { organization: "other".into() };
    let came = returned(&mut world, "b", elsewhere, identity("1", "ann@acme.example"));
    assert_eq!(came, Err(RefusedIdentity::UnknownMember));
    for try_number in 0..27 {
        sign_in(&mut world, &format!("t{try_number}"), identity("1", "ann@acme.example")).unwrap();
    }
    assert_eq!(sign_in(&mut world, "c", identity("1", "ann@acme.example")), Err(RefusedIdentity::RateLimited));
}

#[test]
fn a_suspended_member_stays_out_and_a_removed_one_is_forgotten() {
    let (mut world, admin) = World::founded("symbolon");
    allow(&mut world, &admin);
    let (_, bob) = world.http(
        &admin,
        "POST",
        "/v1/members",
        &json!({"name": "Bob", "email": "bob@acme.example", "role": "developer"}),
    );
    let path = format!("/v1/members/{}", bob["id"].as_str().unwrap());
    let him = || identity("2", "bob@acme.example");
    let secret = sign_in(&mut world, "a", him()).unwrap().unwrap();
    assert_eq!(world.http(&admin, "PATCH", &path, &json!({"status": "suspended"})).0, 200);
    assert_eq!(with(&mut world, &secret, "GET", "/v1/whoami", &json!(null)).0, 401);
    assert_eq!(sign_in(&mut world, "b", him()), Err(RefusedIdentity::Suspended));
    assert_eq!(world.http(&admin, "DELETE", &path, &json!(null)).0, 200);
    assert_eq!(sign_in(&mut world, "c", him()), Err(RefusedIdentity::UnknownMember));
}

#[test]
fn a_destructive_step_wants_a_new_visit_of_the_same_person() {
    let (mut world, admin) = World::founded("symbolon");
    allow(&mut world, &admin);
    let (token, _) = world.create(&admin, &json!({"kind": "pat", "name": "old", "scopes": ["read"]}));
    let path = format!("/v1/tokens/{}", token["id"].as_str().unwrap());
    let hours_ago = |now: Timestamp| Some(now.plus_seconds(-7200));
    let ann = Identity { authenticated_at: hours_ago(world.now), ..identity("1", "ann@acme.example") };
    let secret = sign_in(&mut world, "a", ann.clone()).unwrap().unwrap();
    let (status, refused) = with(&mut world, &secret, "DELETE", &path, &json!(null));
    assert_eq!((status, &refused["required"]), (403, &json!("session:fresh")), "signed in there hours ago");
    let (_, current) = with(&mut world, &secret, "GET", "/v1/sessions/current", &json!(null));
    assert_eq!((&current["session"]["method"], &current["confirm_with"]), (&json!("oidc"), &json!("oidc")));

    let (status, permitted) =
        with(&mut world, &secret, "POST", "/v1/sessions/current/oidc", &json!({"next": "/tokens/1"}));
    assert_eq!((status, &permitted["next"]), (200, &json!("/tokens/1")));
    let errand: Errand = serde_json::from_value(permitted["errand"].clone()).unwrap();
    let bob = identity("2", "bob@acme.example");
    assert_eq!(returned(&mut world, "b", errand.clone(), bob), Err(RefusedIdentity::OtherIdentity));
    let rotated = returned(&mut world, "c", errand.clone(), ann.clone()).unwrap().unwrap();
    assert_ne!(rotated, secret);
    assert_eq!(
        with(&mut world, &secret, "GET", "/v1/whoami", &json!(null)).0,
        401,
        "the former secret is worth nothing"
    );
    assert_eq!(with(&mut world, &rotated, "DELETE", &path, &json!(null)).0, 200);
    world.pass(301_000);
    let (status, _) = with(&mut world, &rotated, "PUT", "/v1/sign-in", &json!({"link_by_email": false}));
    assert_eq!(status, 403, "fresh for five minutes");

    // A visit a moment ago is as good, for who has no passkey.
    let now = Identity { authenticated_at: Some(world.now.plus_seconds(-60)), ..ann };
    let fresh = sign_in(&mut world, "d", now).unwrap().unwrap();
    let (status, _) = with(&mut world, &fresh, "PUT", "/v1/sign-in", &json!({"link_by_email": false}));
    assert_eq!(status, 200);
    assert_eq!(with(&mut world, &fresh, "DELETE", "/v1/sessions/current", &json!(null)).0, 200);
    assert_eq!(returned(&mut world, "e", errand, identity("1", "x")).map(|_| ()), Ok(()), "the other session lives");
}

#[test]
fn a_member_links_an_identity_and_takes_it_back() {
    let (mut world, admin) = World::founded("symbolon");
    let (status, permitted) = world.http(&admin, "POST", "/v1/identities", &json!({}));
    assert_eq!(status, 200, "{permitted}");
    let errand: Errand = serde_json::from_value(permitted["errand"].clone()).unwrap();
    assert_eq!(returned(&mut world, "a", errand.clone(), identity("1", "other@mail.example")), Ok(None));
    assert_eq!(returned(&mut world, "b", errand.clone(), identity("1", "other@mail.example")), Ok(None), "as before");
    assert_eq!(returned(&mut world, "c", errand, identity("3", "x@mail.example")), Err(RefusedIdentity::Taken));
    let secret = sign_in(&mut world, "d", identity("1", "other@mail.example")).unwrap().unwrap();
    // Signed in there at a time that the provider did not tell: not fresh.
    let (_, list) = with(&mut world, &secret, "GET", "/v1/identities", &json!(null));
    let path = format!("/v1/identities/{}", list["items"][0]["id"].as_str().unwrap());
    assert_eq!(with(&mut world, &secret, "DELETE", &path, &json!(null)).0, 403);
    assert_eq!(with(&mut world, &secret, "POST", "/v1/identities", &json!({})).0, 403);
    // Nor does a token stand in for a person, once there is a way to sign in.
    for (method, path) in [("DELETE", path.as_str()), ("POST", "/v1/identities"), ("PUT", "/v1/sign-in")] {
        let (status, refused) = world.http(&admin, method, path, &json!({ "link_by_email": true }));
        assert_eq!((status, &refused["required"]), (403, &json!("session:fresh")), "{method} {path}");
    }
    let now = Identity { authenticated_at: Some(world.now), ..identity("1", "other@mail.example") };
    let fresh = sign_in(&mut world, "e", now).unwrap().unwrap();
    assert_eq!(with(&mut world, &fresh, "DELETE", &path, &json!(null)).0, 200);
    assert_eq!(with(&mut world, &secret, "GET", "/v1/whoami", &json!(null)).0, 401, "its sessions end with it");
    assert_eq!(sign_in(&mut world, "f", identity("1", "other@mail.example")), Err(RefusedIdentity::UnknownMember));

    // Another's identity is theirs, and a lesser token links none.
    let (_, lesser) = world.create(&admin, &json!({"kind": "pat", "name": "lesser", "scopes": ["read"]}));
    let (status, refused) = world.http(&lesser, "POST", "/v1/identities", &json!({}));
    assert_eq!((status, &refused["required"]), (403, &json!("session")));
}

#[test]
fn only_who_may_make_owners_lets_addresses_speak_for_them() {
    let (mut world, admin) = World::founded("symbolon");
    let bob = json!({"name": "Bob", "email": "bob@acme.example", "role": "admin"});
    assert_eq!(world.http(&admin, "POST", "/v1/members", &bob).0, 201);
    allow(&mut world, &admin);
    assert_eq!(newest(&mut world, &admin)["action"], "sign_in.edit");
    let him = Identity { authenticated_at: Some(world.now), ..identity("2", "bob@acme.example") };
    let secret = sign_in(&mut world, "a", him).unwrap().unwrap();
    let (status, read) = with(&mut world, &secret, "GET", "/v1/sign-in", &json!(null));
    assert_eq!((status, read), (200, json!({"link_by_email": true})));
    assert_eq!(world.http(&admin, "PUT", "/v1/sign-in", &json!({"link_by_email": false})).0, 200);
    let (status, refused) = with(&mut world, &secret, "PUT", "/v1/sign-in", &json!({"link_by_email": true}));
    assert_eq!((status, &refused["code"]), (403, &json!("insufficient_permission")));
}

#[test]
fn an_invitation_that_was_withdrawn_admits_nobody() {
    let (mut world, admin) = World::founded("symbolon");
    let body = json!({"email": "bob@acme.example", "role": "viewer"});
    let (_, invited) = world.http(&admin, "POST", "/v1/invitations", &body);
    let path = format!("/v1/invitations/{}", invited["invitation"]["id"].as_str().unwrap());
    let (_, lesser) = world.create(&admin, &json!({"kind": "pat", "name": "lesser", "scopes": ["read"]}));
    assert_eq!(world.http(&lesser, "DELETE", &path, &json!(null)).0, 403);
    let (status, withdrawn) = world.http(&admin, "DELETE", &path, &json!(null));
    assert_eq!((status, &withdrawn["status"]), (200, &json!("revoked")));
    assert_eq!(newest(&mut world, &admin)["action"], "invitation.revoke");
    assert_eq!(world.http(&admin, "DELETE", &path, &json!(null)).0, 404);
    let accept = json!({ "secret": invited["secret"], "name": "Bob" });
    let call = OrganizationCall::AcceptInvitation { request: request("POST", &format!("{path}/accept"), &accept) };
    let id = world.begin(&call);
    assert_eq!(world.response(id).0, 404);
    assert_eq!(world.http(&admin, "POST", "/v1/invitations", &body).0, 201, "the address is free again");
}

#[test]
fn an_address_that_others_wrote_makes_nobody_known() {
    let (mut world, admin) = World::founded("symbolon");
    let body = json!({"name": "Bob", "email": "bob@acme.example", "role": "admin"});
    let (_, bob) = world.http(&admin, "POST", "/v1/members", &body);
    let path = format!("/v1/members/{}", bob["id"].as_str().unwrap());
    let write = |world: &mut World, email: &str| {
        let (status, edited) = world.http(&admin, "PATCH", &path, &json!({ "email": email }));
        assert_eq!((status, &edited["email"]), (200, &json!(email)));
    };
    // A token that edits members: also before the organisation goes by addresses.
    write(&mut world, "eve@evil.example");
    allow(&mut world, &admin);
    assert_eq!(sign_in(&mut world, "a", identity("9", "eve@evil.example")), Err(RefusedIdentity::UnknownMember));
    let entry = newest(&mut world, &admin);
    assert_eq!((&entry["action"], &entry["details"]["reason"]), (&json!("session.refuse"), &json!("readdressed")));
    assert_eq!(entry["member"], bob["id"]);
    // Nor does writing the first one again: who says that it is his?
    write(&mut world, "bob@acme.example");
    assert_eq!(sign_in(&mut world, "b", identity("2", "bob@acme.example")), Err(RefusedIdentity::UnknownMember));

    // What a member writes of themselves, in a session, is their own word; of another it is not.
    let fresh = Identity { authenticated_at: Some(world.now), ..identity("1", "ann@acme.example") };
    let secret = sign_in(&mut world, "c", fresh).unwrap().unwrap();
    let (_, me) = with(&mut world, &secret, "GET", "/v1/whoami", &json!(null));
    let own = format!("/v1/members/{}", me["principal"]["id"].as_str().unwrap());
    let linked = with(&mut world, &secret, "GET", "/v1/identities", &json!(null)).1["items"][0]["id"].clone();
    assert_eq!(with(&mut world, &secret, "PATCH", &path, &json!({"email": "eve@evil.example"})).0, 200);
    assert_eq!(sign_in(&mut world, "d", identity("9", "eve@evil.example")), Err(RefusedIdentity::UnknownMember));
    assert_eq!(with(&mut world, &secret, "PATCH", &own, &json!({"email": "ann@new.example"})).0, 200);
    let gone =
        with(&mut world, &secret, "DELETE", &format!("/v1/identities/{}", linked.as_str().unwrap()), &json!(null));
    assert_eq!(gone.0, 200, "{}", gone.1);
    assert!(sign_in(&mut world, "e", identity("3", "ann@new.example")).is_ok());
    // Whoever was let in anew came with their address.
    assert_eq!(world.http(&admin, "DELETE", &path, &json!(null)).0, 200);
    assert_eq!(world.http(&admin, "POST", "/v1/members", &body).0, 201);
    assert!(sign_in(&mut world, "f", identity("2", "bob@acme.example")).is_ok());
}
