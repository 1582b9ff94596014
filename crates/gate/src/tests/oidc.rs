//! Signing in at a provider: what a browser is sent away with, and what it must bring back.

use std::collections::BTreeMap;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use symbolon::key::PrivateKey;
use symbolon::protocol::identity::{Errand, Recognised, RefusedIdentity};

use crate::effect::Method;
use crate::testing::{MANAGEMENT, PROVIDER, World, private_key, request};
use crate::{GateRequest, Outcome};

fn url(path: &str) -> String {
    format!("{PROVIDER}{path}")
}

/// A world with a provider.
fn world() -> World {
    let mut world = World::new();
    let discovery = json!({
        "issuer": PROVIDER, "authorization_endpoint": url("/authorize?tenant=1"), "token_endpoint": url("/token"),
        "jwks_uri": url("/jwks"), "userinfo_endpoint": url("/me"),
        "authorization_response_iss_parameter_supported": true,
    });
    world.elsewhere.insert(url("/.well-known/openid-configuration"), (200, discovery.to_string()));
    world.elsewhere.insert(url("/jwks"), (200, jwks("one", &private_key())));
    world.recognised = Recognised::Session { set_cookie: "__Host-symbolon=secret".to_owned() };
    world
}

fn jwks(kid: &str, key: &PrivateKey) -> String {
    let mut jwk: Value = serde_json::from_str(&key.public_key().to_jwk()).unwrap();
    jwk["kid"] = json!(kid);
    json!({ "keys": [jwk] }).to_string()
}

fn post(path: &str, origin: &str) -> GateRequest {
    let mut post =
        request("POST", &format!("{MANAGEMENT}{path}"), &[("content-type", "application/json"), ("origin", origin)]);
    post.has_body = true;
    post
}

/// What somebody is sent away with.
struct Begun {
    cookie: String,
    query: BTreeMap<String, String>,
}

fn response(outcome: Outcome) -> symbolon::protocol::message::HttpResponse {
    match outcome {
        Outcome::Respond(response) => std::rc::Rc::unwrap_or_clone(response),
        other => panic!("{other:?}"),
    }
}

fn begin(world: &mut World) -> Begun {
    world.body = json!({ "organization": "acme", "next": "/members" }).to_string().into_bytes();
    let response = response(world.handle(post("/v1/sessions/oidc", MANAGEMENT)));
    assert_eq!(response.status, 200, "{}", response.body);
    let cookie = &response.headers.iter().find(|(name, _)| name == "set-cookie").unwrap().1;
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600");
    let document: Value = serde_json::from_str(&response.body).unwrap();
    let location = document["location"].as_str().unwrap();
    let query = location.strip_prefix(&url("/authorize?tenant=1&")).unwrap();
    let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    Begun { cookie: pair.to_owned(), query }
}

fn token(key: &PrivateKey, kid: &str, claims: &Value) -> String {
    let part = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(&json!({ "alg": "ES256", "kid": kid })), part(claims));
    format!("{signed}.{}", Base64UrlUnpadded::encode_string(&key.sign(signed.as_bytes()).to_bytes()))
}

/// The provider would give this person.
fn gives(world: &mut World, begun: &Begun, key: &PrivateKey, kid: &str) {
    let (now, end) = (world.now.as_seconds(), world.now.plus_seconds(60).as_seconds());
    let claims = json!({
        "iss": PROVIDER, "sub": "ada", "aud": "symbolon", "exp": end, "iat": now, "nonce": begun.query["nonce"],
    });
    let tokens = json!({ "id_token": token(key, kid, &claims), "access_token": "access" });
    world.elsewhere.insert(url("/token"), (200, tokens.to_string()));
    let profile = json!({ "sub": "ada", "email": "ada@acme.example", "email_verified": true });
    world.elsewhere.insert(url("/me"), (200, profile.to_string()));
}

/// Comes back with this query and cookie: where one is sent, and the cookies that are set.
fn come_back(world: &mut World, query: &str, cookie: &str) -> (String, Vec<String>) {
    let request = request("GET", &format!("{MANAGEMENT}/v1/sessions/oidc/callback?{query}"), &[("cookie", cookie)]);
    let response = response(world.handle(request));
    assert_eq!((response.status, response.body.as_str()), (303, ""));
    let of = |name: &str| -> Vec<String> {
        response.headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.clone()).collect()
    };
    let cookies = of("set-cookie");
    assert!(cookies[0].starts_with("__Host-symbolon-oidc=; "), "the visit is over: {cookies:?}");
    (of("location").concat(), cookies[1..].to_vec())
}

fn query(begun: &Begun) -> String {
    let state = &begun.query["state"];
    form_urlencoded::Serializer::new(String::new())
        .append_pair("code", "c o+d/e")
        .append_pair("state", state)
        .append_pair("iss", PROVIDER)
        .finish()
}

#[test]
fn from_the_button_to_the_session() {
    let mut world = world();
    let begun = begin(&mut world);
    assert_eq!(world.calls, ["body", &format!("fetch {}", url("/.well-known/openid-configuration"))], "nobody of ours");
    let sent = |name: &str| begun.query[name].as_str();
    assert_eq!((sent("response_type"), sent("client_id"), sent("scope")), ("code", "symbolon", "openid email"));
    assert_eq!(sent("redirect_uri"), "https://tokens.example/v1/sessions/oidc/callback");
    assert_eq!(sent("code_challenge_method"), "S256");
    assert_eq!(sent("max_age"), "604800", "so that the provider says when");
    assert!(!begun.query.contains_key("prompt"), "whoever is signed in there need not do it anew");

    gives(&mut world, &begun, &private_key(), "one");
    world.fetched.clear();
    let (location, cookies) = come_back(&mut world, &query(&begun), &begun.cookie);
    assert_eq!((location.as_str(), cookies), ("/members", vec!["__Host-symbolon=secret".to_owned()]));
    let (method, _, body) = &world.fetched[0];
    let form: BTreeMap<String, String> =
        form_urlencoded::parse(body.as_ref().unwrap().as_bytes()).into_owned().collect();
    assert_eq!((*method, form["code"].as_str()), (Method::Post, "c o+d/e"));
    let challenge = Base64UrlUnpadded::encode_string(&Sha256::digest(&form["code_verifier"]));
    assert_eq!(challenge, sent("code_challenge"));
    let returned = &world.returned[0];
    assert_eq!(returned.errand, Errand::SignIn { organization: "acme".to_owned() });
    assert_eq!(returned.state, sent("state"));
    assert_eq!(returned.identity.email.as_deref(), Some("ada@acme.example"), "from the provider's own place");
}

#[test]
fn only_the_browser_that_began_comes_back() {
    let mut world = world();
    let begun = begin(&mut world);
    gives(&mut world, &begun, &private_key(), "one");
    let other = begin(&mut world);
    let good = query(&begun);
    for (query, cookie, why) in [
        (good.as_str(), "", "flow"),
        (good.as_str(), "__Host-symbolon-oidc=made.up", "flow"),
        (good.as_str(), other.cookie.as_str(), "flow"),
        (good.as_str(), &format!("{0}; {0}", begun.cookie), "flow"),
        ("code=c&iss=https%3A%2F%2Flogin.example", begun.cookie.as_str(), "flow"),
        (&good.replace("iss=", "other="), begun.cookie.as_str(), "issuer"),
        (&good.replace("login.example", "evil.example"), begun.cookie.as_str(), "issuer"),
        (&good.replace("code=", "error="), begun.cookie.as_str(), "denied"),
        (&format!("{good}&code=second"), begun.cookie.as_str(), "flow"),
    ] {
        world.fetched.clear();
        let (location, cookies) = come_back(&mut world, query, cookie);
        assert_eq!((location, cookies), (format!("/sign-in?problem={why}"), Vec::new()), "{query} {cookie}");
        assert!(world.fetched.is_empty(), "no code is shown to anybody");
    }
    assert!(world.returned.is_empty());
    world.now = world.now.plus_seconds(600);
    assert_eq!(come_back(&mut world, &good, &begun.cookie).0, "/sign-in?problem=flow", "too late");
}

#[test]
fn keys_are_fetched_anew_when_they_were_replaced_and_not_for_every_name() {
    let mut world = world();
    let (former, next) = (private_key(), PrivateKey::from_bytes(&[8; 32]).unwrap());
    let keys = |world: &World| world.fetched.iter().filter(|(_, address, _)| *address == url("/jwks")).count();
    let visit = |world: &mut World, key: &PrivateKey, kid: &str| {
        let begun = begin(world);
        gives(world, &begun, key, kid);
        let (location, _) = come_back(world, &query(&begun), &begun.cookie);
        location
    };
    assert_eq!(visit(&mut world, &former, "one"), "/members");
    assert_eq!(visit(&mut world, &former, "one"), "/members");
    assert_eq!(keys(&world), 1);
    assert_eq!(visit(&mut world, &next, "one"), "/sign-in?problem=signature", "another key under the same name");
    assert_eq!(visit(&mut world, &next, "two"), "/sign-in?problem=unknown_key");
    assert_eq!(keys(&world), 1, "not looked for again at once");
    world.now = world.now.plus_seconds(11);
    world.elsewhere.insert(url("/jwks"), (200, jwks("two", &next)));
    assert_eq!(visit(&mut world, &next, "two"), "/members");
    assert_eq!(keys(&world), 2);
    assert_eq!(visit(&mut world, &former, "one"), "/sign-in?problem=unknown_key", "the former one is worth nothing");
}

#[test]
fn what_cannot_be_reached_or_is_no_answer_lets_nobody_in() {
    for (address, answer, why) in [
        ("/token", None, "unavailable"),
        ("/token", Some((503, "{}".to_owned())), "unavailable"),
        ("/token", Some((400, json!({"error": "invalid_grant"}).to_string())), "answer"),
        ("/token", Some((200, "{}".to_owned())), "answer"),
        ("/token", Some((200, "a".repeat(70_000))), "unavailable"),
        ("/jwks", None, "unavailable"),
        ("/jwks", Some((200, "no".to_owned())), "keys"),
    ] {
        let mut world = world();
        let begun = begin(&mut world);
        gives(&mut world, &begun, &private_key(), "one");
        match answer {
            Some(answer) => world.elsewhere.insert(url(address), answer),
            None => world.elsewhere.remove(&url(address)),
        };
        let (location, cookies) = come_back(&mut world, &query(&begun), &begun.cookie);
        assert_eq!((location, cookies.len()), (format!("/sign-in?problem={why}"), 0), "{address}");
    }
    let mut world = world();
    world.recognised = Recognised::Refused { reason: RefusedIdentity::UnknownMember };
    let begun = begin(&mut world);
    gives(&mut world, &begun, &private_key(), "one");
    assert_eq!(come_back(&mut world, &query(&begun), &begun.cookie).0, "/sign-in?problem=unknown_member");
    world.down.insert("organization");
    let begun = begin(&mut world);
    gives(&mut world, &begun, &private_key(), "one");
    assert_eq!(come_back(&mut world, &query(&begun), &begun.cookie).0, "/sign-in?problem=unavailable");
}

#[test]
fn a_visit_begins_from_a_page_of_ours() {
    let mut world = world();
    world.body = json!({ "organization": "acme" }).to_string().into_bytes();
    for origin in ["https://evil.example", "null", ""] {
        assert_eq!(world.code(post("/v1/sessions/oidc", origin)), "insufficient_permission", "{origin}");
    }
    assert!(world.fetched.is_empty());
    for body in [json!({}), json!({ "organization": "" }), json!({ "organization": "a".repeat(65) })] {
        world.body = body.to_string().into_bytes();
        assert_eq!(world.code(post("/v1/sessions/oidc", MANAGEMENT)), "invalid_request");
    }
    world.elsewhere.clear();
    world.body = json!({ "organization": "acme" }).to_string().into_bytes();
    assert_eq!(world.code(post("/v1/sessions/oidc", MANAGEMENT)), "authority_unavailable");
    // To confirm or to link, one has to be signed in.
    assert_eq!(world.code(post("/v1/identities", MANAGEMENT)), "missing_credential");
    assert_eq!(world.code(post("/v1/sessions/current/oidc", MANAGEMENT)), "missing_credential");
}
