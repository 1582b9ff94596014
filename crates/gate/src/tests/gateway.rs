//! The protected side: what is let through, as whom, and what never reaches the origin.

use crate::testing::{
    GATEWAY, World, bearer, gate, grants, organization, proxy_secret, request, route, signed, token_of,
};
use crate::{Forward, GateRequest, Outcome};
use serde_json::json;
use std::rc::Rc;
use symbolon::policy::Grant;
use symbolon::token::Digest;

#[track_caller]
fn check(method: &str, path: &str, expected: &str) {
    let url = format!("{GATEWAY}{path}");
    assert_eq!(World::new().code(bearer(method, &url)), expected, "{method} {path}");
}

fn forwarded(world: &mut World, request: GateRequest) -> Forward {
    match world.handle(request) {
        Outcome::Forward(forward) => forward,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_what_a_route_names_reaches_the_origin() {
    check("GET", "/things", "forward");
    check("GET", "/things?x=%zz", "forward");
    check("POST", "/things", "forward");
    check("PUT", "/things", "not_found");
    check("get", "/things", "not_found");
    check("GET", "/things/", "not_found");
    check("GET", "/", "not_found");
    // The product has no paths here.
    for path in ["/healthz", "/v1/whoami", "/v1/setup", "/v1/forward-auth/nginx", "/openapi.json"] {
        check("GET", path, "not_found");
        check("POST", path, "not_found");
    }
}

#[test]
fn a_path_of_two_spellings_is_refused() {
    for path in ["/public/..%2Fthings", "/public/%2e%2e/things", "/public//things", "/public/a%5Cb", "/%74hings"] {
        check("GET", path, "invalid_request");
    }
}

#[test]
fn a_public_route_asks_for_nothing_and_tells_nothing() {
    let mut world = World::new();
    world.down.insert("organization");
    let headers = [("X-Symbolon-Role", "owner"), ("accept", "*/*")];
    let found = forwarded(&mut world, request("GET", &format!("{GATEWAY}/public/a/b"), &headers));
    assert_eq!((found.remove, found.set), (vec!["x-symbolon-role".to_owned()], vec![]));
    assert_eq!(world.calls, ["instance"]);
}

#[test]
fn the_origin_learns_who_asks_and_not_with_what() {
    let mut world = World::new();
    let mut request = bearer("GET", &format!("{GATEWAY}/things"));
    request.headers.push(("x_symbolon_owner".to_owned(), "forged".to_owned()));
    let found = forwarded(&mut world, request);
    assert_eq!(found.remove, ["authorization", "x_symbolon_owner"]);
    let set: Vec<(&str, &str)> = found.set.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        set,
        [
            ("x-symbolon-organization", "01890000-0000-7000-8000-0000000000aa"),
            ("x-symbolon-token", &world.records[0].token.to_string()),
            ("x-symbolon-kind", "pat"),
            ("x-symbolon-owner", "organization"),
            ("x-symbolon-member-email", ""),
            ("x-symbolon-role", "owner"),
            ("x-symbolon-permissions", "*:*"),
            ("x-symbolon-scopes", "read write"),
        ]
    );
    let found = forwarded(&mut world, signed("GET", &format!("{GATEWAY}/things"), None, "n"));
    assert_eq!(found.remove, ["signature-input", "signature"]);
}

#[test]
fn a_resource_comes_from_the_path() {
    let mut world = World::new();
    let grant =
        |resource: &str| Grant { permission: "api:write".parse().unwrap(), resource: Some(resource.parse().unwrap()) };
    world.records[0].granted = [grant("blue")].into_iter().collect();
    for (path, code) in
        [("/teams/blue/x", "forward"), ("/teams/red/x", "insufficient_permission"), ("/teams/*/x", "invalid_request")]
    {
        assert_eq!(world.code(bearer("GET", &format!("{GATEWAY}{path}"))), code, "{path}");
    }
}

#[test]
fn the_first_route_decides() {
    let mut world = World::new();
    world.records[0].granted = grants(&["api:read"]);
    world.routes.insert(0, route(json!({"method": "*", "path": "/things", "permission": "api:admin"})));
    assert_eq!(world.code(bearer("GET", &format!("{GATEWAY}/things"))), "insufficient_permission");
    // A table that cannot be read lets nothing through, public routes included.
    let mut world = World::new();
    world.routes.push(route(json!({"method": "*", "path": "no slash", "permission": "api:admin"})));
    assert_eq!(world.code(bearer("GET", &format!("{GATEWAY}/public/a"))), "internal");
}

#[test]
fn head_goes_by_the_route_for_get_where_it_has_none_of_its_own() {
    check("HEAD", "/things", "forward");
    check("HEAD", "/nothing", "not_found");
    let mut world = World::new();
    let head = || request("HEAD", &format!("{GATEWAY}/things"), &[]);
    assert_eq!(world.code(head()), "missing_credential", "it asks for as much");
    world.records[0].granted = grants(&["api:none"]);
    assert_eq!(world.code(bearer("HEAD", &format!("{GATEWAY}/things"))), "insufficient_permission");
    // A route of its own decides, also behind the one for GET.
    let mut world = World::new();
    world.routes.push(route(json!({"method": "HEAD", "path": "/things", "permission": "api:admin"})));
    world.records[0].granted = grants(&["api:read"]);
    assert_eq!(world.code(bearer("HEAD", &format!("{GATEWAY}/things"))), "insufficient_permission");
    assert_eq!(world.code(bearer("GET", &format!("{GATEWAY}/things"))), "forward");
    // What is open to any method further down is no way around what GET demands.
    let mut world = World::new();
    world.routes.push(route(json!({"method": "*", "path": "/{*rest}", "public": true})));
    assert_eq!(world.code(head()), "missing_credential");
    assert_eq!(world.code(request("HEAD", &format!("{GATEWAY}/elsewhere"), &[])), "forward");
    // Nor is a route that names HEAD a way around one for any method that stands before it.
    let mut world = World::new();
    world.routes.insert(0, route(json!({"method": "*", "path": "/admin/{*rest}", "permission": "api:admin"})));
    world.routes.insert(1, route(json!({"method": "HEAD", "path": "/{*rest}", "public": true})));
    assert_eq!(world.code(request("HEAD", &format!("{GATEWAY}/admin/x"), &[])), "missing_credential");
    assert_eq!(world.code(request("HEAD", &format!("{GATEWAY}/elsewhere"), &[])), "forward");
}

#[test]
fn the_table_travels_when_it_changed() {
    let mut world = World::new();
    let ask = |world: &mut World| {
        world.now = world.now.plus_millis(3_000);
        let outcome = world.handle(bearer("GET", &format!("{GATEWAY}/things")));
        let asked = world.calls.iter().any(|call| call == "instance");
        (matches!(outcome, Outcome::Forward(_)), asked, world.tables)
    };
    assert_eq!(ask(&mut world), (true, true, 1));
    assert_eq!(ask(&mut world), (true, true, 1), "its lease had run out, and it is the same");
    world.routes.clear();
    world.epoch += 1;
    assert_eq!(ask(&mut world), (false, true, 2));
    assert_eq!(ask(&mut world), (false, true, 2));
}

#[test]
fn without_routes_or_origin_nothing_passes() {
    let mut world = World::new();
    world.down.insert("instance");
    assert_eq!(world.code(bearer("GET", &format!("{GATEWAY}/public/a"))), "authority_unavailable");
    let mut world = World::new();
    world.gate = gate(1);
    world.routes.clear();
    assert_eq!(world.code(bearer("GET", &format!("{GATEWAY}/public/a"))), "not_found");
}

#[test]
fn a_gateway_host_is_known_in_every_spelling() {
    for url in ["https://API.EXAMPLE/v1/setup", "https://api.example:8443/v1/setup", "https://api.example./v1/setup"] {
        assert_eq!(World::new().code(bearer("POST", url)), "not_found", "{url}");
    }
}

fn asked(proxy: &str, fields: &[(&str, &str)]) -> GateRequest {
    let mut request = bearer("GET", &format!("https://tokens.example/v1/forward-auth/{proxy}"));
    with_fields(&mut request, proxy, fields);
    request
}

/// Adds fields, with the secret of this kind of proxy in place of [`SECRET`]'s.
fn with_fields(request: &mut GateRequest, proxy: &str, fields: &[(&str, &str)]) {
    let secret = proxy_secret(proxy.split('/').next().unwrap());
    let filled = |value: &str| if value == SECRET.1 { secret.clone() } else { value.to_owned() };
    request.headers.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), filled(value))));
}

const SECRET: (&str, &str) = ("X-Symbolon-Proxy-Secret", "the secret of its kind");

#[test]
fn each_proxy_is_read_by_its_own_fields() {
    let nginx = [SECRET, ("X-Original-Method", "GET"), ("X-Original-URL", "https://api.example/things")];
    let traefik = [
        SECRET,
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "api.example"),
        ("X-Forwarded-Uri", "/things?x"),
    ];
    let envoy = [SECRET, ("X-Forwarded-Proto", "https")];
    for (proxy, fields) in
        [("nginx", &nginx[..]), ("traefik", &traefik), ("caddy", &traefik), ("envoy/things?x", &envoy)]
    {
        let mut world = World::new();
        let Outcome::Respond(response) = world.handle(asked(proxy, fields)) else { panic!() };
        assert_eq!(response.status, 200, "{proxy}");
        let identity = response.headers.iter().filter(|(name, _)| name.starts_with("x-symbolon-")).count();
        assert_eq!(identity, 8, "{proxy}");
        // Each field once; none of another proxy's.
        for missing in 1..fields.len() {
            let mut fields = fields.to_vec();
            let field = fields.remove(missing);
            assert_eq!(world.code(asked(proxy, &fields)), "invalid_request", "{proxy} without {}", field.0);
            fields.extend([field, field]);
            assert_eq!(world.code(asked(proxy, &fields)), "invalid_request", "{proxy} with {} twice", field.0);
        }
    }
    assert_eq!(World::new().code(asked("nginx", &traefik)), "invalid_request");
    assert_eq!(World::new().code(asked("traefik", &nginx)), "invalid_request");
    assert_eq!(World::new().code(asked("other", &nginx)), "not_found");
}

#[test]
fn a_proxy_shows_its_secret() {
    let fields = [("X-Original-Method", "GET"), ("X-Original-URL", "https://api.example/public/a")];
    assert_eq!(World::new().code(asked("nginx", &fields)), "missing_credential");
    for secret in ["", "another", &proxy_secret("nginx").to_uppercase(), &proxy_secret("envoy")] {
        let fields = [fields[0], fields[1], ("x-symbolon-proxy-secret", secret)];
        assert_eq!(World::new().code(asked("nginx", &fields)), "missing_credential", "{secret}");
    }
    let fields = [fields[0], fields[1], SECRET];
    let mut world = World::new();
    let Outcome::Respond(response) = world.handle(asked("nginx", &fields)) else { panic!() };
    let role = response.headers.iter().find(|(name, _)| name == "x-symbolon-role").unwrap();
    assert_eq!((response.status, role.1.as_str()), (200, ""), "nobody's headers overwrite a client's");
    let Outcome::Respond(again) = world.handle(asked("nginx", &fields)) else { panic!() };
    assert!(Rc::ptr_eq(&response, &again), "a host keeps it ready");
}

#[test]
fn a_yes_is_the_same_as_long_as_the_record_is() {
    let fields = [SECRET, ("X-Original-Method", "GET"), ("X-Original-URL", "https://api.example/things")];
    let mut world = World::new();
    let Outcome::Respond(first) = world.handle(asked("nginx", &fields)) else { panic!() };
    let Outcome::Respond(second) = world.handle(asked("nginx", &fields)) else { panic!() };
    assert!(first.status == 200 && Rc::ptr_eq(&first, &second));
    world.change(|record| record.kind = "renamed".to_owned());
    world.now = world.now.plus_seconds(60);
    let Outcome::Respond(response) = world.handle(asked("nginx", &fields)) else { panic!() };
    assert!(response.headers.contains(&("x-symbolon-kind".to_owned(), "renamed".to_owned())));
}

#[test]
fn what_a_proxy_asks_about_is_held_against_the_routes() {
    for (method, url, code) in [
        ("PUT", "https://api.example/things", "not_found"),
        ("GET", "https://api.example/public/../things", "invalid_request"),
        ("GET", "/things", "invalid_request"),
    ] {
        let fields = [SECRET, ("X-Original-Method", method), ("X-Original-URL", url)];
        assert_eq!(World::new().code(asked("nginx", &fields)), code, "{method} {url}");
    }
    let fields = [SECRET, ("X-Original-Method", "GET"), ("X-Original-URL", "https://api.example/things")];
    let mut world = World::with(|record| record.granted = grants(&["a:b"]));
    assert_eq!(world.code(asked("nginx", &fields)), "insufficient_permission");
    // A body that is not here cannot be checked against its signed digest.
    let mut request = signed("POST", "https://api.example/things", Some("{}"), "n");
    request.url = "https://tokens.example/v1/forward-auth/nginx".to_owned();
    let fields = [SECRET, ("X-Original-Method", "POST"), ("X-Original-URL", "https://api.example/things")];
    with_fields(&mut request, "nginx", &fields);
    assert_eq!(World::new().code(request), "digest_mismatch");
    // Nor one that was signed as empty: the proxy may have another.
    let mut request = signed("POST", "https://api.example/things", Some(""), "m");
    request.url = "https://tokens.example/v1/forward-auth/nginx".to_owned();
    with_fields(&mut request, "nginx", &fields);
    let mut world = World::new();
    world.body = Vec::new();
    assert_eq!(world.code(request), "digest_mismatch");
}

#[test]
fn a_proxy_whose_path_climbs_out_of_ours_is_told_no() {
    for path in ["/healthz", "/v1/whoami", "/v1/tokens", "/.well-known/oauth-authorization-server", "/", "/sign-in"] {
        let mut request = bearer("GET", &format!("https://tokens.example{path}"));
        let direct = World::new().handle(request.clone());
        assert!(!matches!(&direct, Outcome::Respond(response) if response.status == 404), "{path}");
        with_fields(&mut request, "envoy", &[SECRET]);
        let Outcome::Respond(response) = World::new().handle(request) else { panic!("{path} is served to a proxy") };
        assert_eq!(response.status, 404, "{path}");
    }
}

#[test]
fn envoys_client_does_not_choose_another_proxys_fields() {
    // `/v1/forward-auth/envoy/../nginx`, as the runtime hands it over.
    let mut request = bearer("GET", "https://tokens.example/v1/forward-auth/nginx");
    with_fields(&mut request, "envoy", &[SECRET]);
    for (name, value) in [("X-Original-Method", "GET"), ("X-Original-URL", "https://api.example/public/a")] {
        request.headers.push((name.to_owned(), value.to_owned()));
    }
    assert_eq!(World::new().code(request), "missing_credential");
}

#[test]
fn a_route_knows_the_tokens_of_one_organisation() {
    let mut world = World::new();
    let other = "Other2".parse().unwrap();
    let mut record = world.records[0].clone();
    record.short_id = other;
    record.proofs[0].kind = symbolon::protocol::ProofKind::Bearer { digest: Digest::of(token_of(other, 3)) };
    record.token = crate::testing::token_id(3);
    world.records.push(record);
    let route_of = |path: &str, organization: Option<&str>| {
        let mut json = serde_json::json!({"method": "GET", "path": path, "permission": "ops:admin"});
        if let Some(name) = organization {
            json["organization"] = name.into();
        }
        route(json)
    };
    world.routes = vec![
        route_of("/founding", None),
        route_of("/others", Some("other")),
        route_of("/anybodys", Some("*")),
        route_of("/nobodys", Some("unknown")),
    ];
    // Each has every permission that its own organisation's profile declares.
    let others = token_of(other, 3);
    for (path, own, foreign) in [
        ("/founding", "forward", "unknown_token"),
        ("/others", "unknown_token", "forward"),
        ("/anybodys", "forward", "forward"),
        ("/nobodys", "authority_unavailable", "authority_unavailable"),
    ] {
        let url = format!("{GATEWAY}{path}");
        assert_eq!(world.code(bearer("GET", &url)), own, "{path}");
        let call = request("GET", &url, &[("Authorization", &format!("Bearer {others}"))]);
        assert_eq!(world.code(call), foreign, "{path}");
    }
}

#[test]
fn unknown_tokens_on_a_route_count_against_their_address() {
    let mut world = World::new();
    for seed in (100..).take(20) {
        let token = token_of(organization(), seed);
        let call = request("GET", &format!("{GATEWAY}/things"), &[("Authorization", &format!("Bearer {token}"))]);
        assert_eq!(world.code(call), "unknown_token");
    }
    assert!(world.calls.contains(&"organization".to_owned()));
    let last = format!("Bearer {}", token_of(organization(), 99));
    assert_eq!(world.code(request("GET", &format!("{GATEWAY}/things"), &[("Authorization", &last)])), "rate_limited");
}

#[test]
fn one_path_has_no_second_spelling_that_meets_another_route() {
    let mut world = World::with(|record| record.granted = grants(&["api:read", "api:write"]));
    world.routes = vec![
        route(serde_json::json!({"method": "POST", "path": "/v1/items:purge", "permission": "ops:purge"})),
        route(serde_json::json!({"method": "*", "path": "/admin", "permission": "ops:admin"})),
        route(serde_json::json!({"method": "POST", "path": "/v1/{collection}", "permission": "api:write"})),
        route(serde_json::json!({"method": "*", "path": "/{*rest}", "public": true})),
    ];
    for (method, path, code) in [
        ("POST", "/v1/items:purge", "insufficient_permission"),
        ("POST", "/v1/items%3Apurge", "invalid_request"),
        ("GET", "/admin", "insufficient_permission"),
        ("GET", "/admin/", "not_found"),
        ("GET", "/admin;x", "invalid_request"),
        ("GET", "/users/%40me", "invalid_request"),
        ("GET", "/users/@me", "forward"),
    ] {
        assert_eq!(world.code(bearer(method, &format!("{GATEWAY}{path}"))), code, "{path}");
    }
}
