use serde_json::{Value as Json, json};
use symbolon::id::{OrganizationId, TokenId};
use symbolon::policy::{Grant, GrantSet};
use symbolon::protocol::message::{Ask, Changes, Found, Founded, HttpResponse, OrganizationCall, Routes};
use symbolon::time::Timestamp;

use super::*;
use crate::machine::{Target, Unreachable};
use crate::store::Sqlite;
use crate::test_host::{Host, reply};

fn request(method: &str, path: &str, body: &Json) -> HttpRequest {
    serde_json::from_value(json!({
        "method": method, "origin": "https://tokens.example", "path": path, "body": body.to_string()
    }))
    .unwrap()
}

fn body(slug: &str) -> Json {
    json!({
        "setup_code": "correct horse battery staple",
        "organization": {"slug": slug, "name": "Acme", "profile": "symbolon"},
        "owner": {"name": "Ada", "email": "ada@example.com"},
    })
}

fn setup(body: &Json) -> InstanceCall {
    InstanceCall::Setup { request: request("POST", "/v1/setup", body) }
}

/// Takes the question to the new organisation's authority out of the effects.
#[track_caller]
fn asked(effects: &[Effect]) -> (EffectId, Found) {
    // Besides it there may be the timer of what was said.
    let asks: Vec<&Effect> = effects.iter().filter(|effect| !matches!(effect, Effect::Timer { .. })).collect();
    match asks.as_slice() {
        [Effect::Ask { id, target: Target::Organization(short_id), json }] => {
            let OrganizationCall::Found(found) = serde_json::from_str(json).unwrap() else { panic!("{json}") };
            assert_eq!(found.short_id, *short_id);
            (*id, *found)
        }
        other => panic!("{other:?}"),
    }
}

fn made() -> Result<String, Unreachable> {
    Ok(serde_json::to_string(&Founded::Made { document: json!({"secret": "shown once"}) }).unwrap())
}

/// Carries a founding through to its end.
#[track_caller]
fn found(host: &mut Host, instance: &mut Instance<&Sqlite>, call: &InstanceCall) -> (Found, HttpResponse) {
    let (call, effects) = host.begin(instance, call);
    let (id, found) = asked(&effects);
    let mut effects = host.on(instance, Event::Answered { id, answer: made() });
    (found, reply(call, &mut effects))
}

fn problem(response: &HttpResponse) -> Json {
    let document: Json = serde_json::from_str(&response.body).unwrap();
    assert_eq!(document["status"], response.status);
    document
}

fn manage(organization: OrganizationId, permissions: &[&str], request: HttpRequest) -> InstanceCall {
    let effective = permissions.iter().map(|text| Grant::unlimited(text.parse().unwrap())).collect::<GrantSet>();
    let token = TokenId::new(Timestamp::from_seconds(1), &[1; 10]);
    InstanceCall::Manage { organization, token, effective, request }
}

#[test]
fn setup_makes_one_organisation_and_repeats_its_answer() {
    let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
    let mut instance = Instance::new(&store);
    let (first, response) = found(&mut host, &mut instance, &setup(&body("acme")));
    assert_eq!((response.status, response.body.as_str()), (201, r#"{"secret":"shown once"}"#));
    assert_eq!((first.slug.as_str(), first.owner_email.as_str()), ("acme", "ada@example.com"));

    // The same body again, spelt otherwise, by a machine that has just started.
    let mut instance = Instance::new(&store);
    let mut spelt = setup(&body("acme"));
    if let InstanceCall::Setup { request } = &mut spelt {
        request.body = serde_json::to_string_pretty(&body("acme")).unwrap();
    }
    let (again, response) = found(&mut host, &mut instance, &spelt);
    assert_eq!((again.id, again.short_id, response.status), (first.id, first.short_id, 201));

    let response: HttpResponse = host.call(&mut instance, &setup(&body("other")));
    assert_eq!(problem(&response)["code"], "conflict");
}

#[test]
fn a_lost_answer_can_be_asked_for_again() {
    let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
    let mut instance = Instance::new(&store);
    let (call, effects) = host.begin(&mut instance, &setup(&body("acme")));
    let (id, first) = asked(&effects);
    let mut effects = host.on(&mut instance, Event::Answered { id, answer: Err(Unreachable) });
    let response: HttpResponse = reply(call, &mut effects);
    assert_eq!(problem(&response)["code"], "authority_unavailable");
    assert!(response.headers.contains(&("retry-after".to_owned(), "1".to_owned())));
    // Until it is known to be made it administers nothing.
    let view = || request("GET", "/v1/routes", &Json::Null);
    let response: HttpResponse = host.call(&mut instance, &manage(first.id, &["*:*"], view()));
    assert_eq!(problem(&response)["code"], "insufficient_permission");
    let (again, response) = found(&mut host, &mut instance, &setup(&body("acme")));
    assert_eq!((again, response.status), (first.clone(), 201));
    let response: HttpResponse = host.call(&mut instance, &manage(first.id, &["*:*"], view()));
    assert_eq!(response.status, 200);
}

#[test]
fn what_the_authority_refuses_is_told_and_frees_the_name() {
    let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
    let mut instance = Instance::new(&store);
    for (problem, frees) in [
        (Problem::field("organization.profile", "no such profile"), true),
        (Problem::new(Code::Conflict).detail("used already"), false),
    ] {
        let (call, effects) = host.begin(&mut instance, &setup(&body("acme")));
        let (id, _) = asked(&effects);
        let answer = Founded::Refused { problem: Box::new(problem.clone()) };
        let answer = Ok(serde_json::to_string(&answer).unwrap());
        let mut effects = host.on(&mut instance, Event::Answered { id, answer });
        let response: HttpResponse = reply(call, &mut effects);
        assert_eq!(serde_json::from_str::<Problem>(&response.body).unwrap(), problem);
        let rows = store.execute("SELECT 1 FROM organization", &[]).unwrap();
        assert_eq!(rows.is_empty(), frees);
    }
}

#[test]
fn setup_needs_its_code() {
    let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
    let mut instance = Instance::new(&store);
    for code in [Json::Null, json!(""), json!("correct horse battery stapl"), json!("correct horse battery staple ")] {
        let mut wrong = body("acme");
        wrong["setup_code"] = code;
        let response: HttpResponse = host.call(&mut instance, &setup(&wrong));
        assert_eq!((response.status, &problem(&response)["code"]), (401, &json!("unknown_token")));
        assert!(response.headers.iter().any(|(name, _)| name == "www-authenticate"));
    }
    host.config.setup_code = None;
    let response: HttpResponse = host.call(&mut instance, &setup(&body("acme")));
    assert_eq!((response.status, &problem(&response)["code"]), (403, &json!("insufficient_permission")));
    assert_eq!(store.execute("SELECT name FROM sqlite_master", &[]), Ok(Vec::new()), "nothing was written");
}

#[test]
fn a_bad_body_names_its_fields_and_no_values() {
    let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
    let mut instance = Instance::new(&store);
    let long = "x".repeat(300);
    for (pointer, value, field) in [
        ("/organization/slug", json!("A"), "organization.slug"),
        ("/organization/slug", json!("a"), "organization.slug"),
        ("/organization/slug", json!("a_b"), "organization.slug"),
        ("/organization/slug", json!("a".repeat(41)), "organization.slug"),
        ("/organization/name", json!(""), "organization.name"),
        ("/organization/name", json!(long), "organization.name"),
        ("/organization/profile", json!(""), "organization.profile"),
        ("/owner/name", json!(" Ada"), "owner.name"),
        ("/owner/name", json!("A\nda"), "owner.name"),
        ("/owner/email", json!("ada"), "owner.email"),
        ("/owner/email", json!("ada@example"), "owner.email"),
        ("/owner/email", json!("a da@example.com"), "owner.email"),
    ] {
        let mut bad = body("acme");
        *bad.pointer_mut(pointer).unwrap() = value;
        let response: HttpResponse = host.call(&mut instance, &setup(&bad));
        let document = problem(&response);
        assert_eq!((&document["code"], &document["errors"][0]["field"]), (&json!("invalid_request"), &json!(field)));
    }
    let mut twice = setup(&body("acme"));
    if let InstanceCall::Setup { request } = &mut twice {
        request.body = request.body.replacen("{", "{\"owner\": 1, \"owner\": 2, ", 1);
    }
    let response: HttpResponse = host.call(&mut instance, &twice);
    assert_eq!(problem(&response)["errors"], json!([{"field": "owner", "message": "is there twice"}]));
    for (change, field) in [(json!({"surplus": "s3cret"}), "surplus"), (json!({"owner": null}), "owner")] {
        let mut bad = body("acme");
        bad.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let response: HttpResponse = host.call(&mut instance, &setup(&bad));
        assert_eq!(problem(&response)["errors"][0]["field"], field);
        assert!(!response.body.contains("s3cret"));
    }
    let mut not_json = setup(&Json::Null);
    if let InstanceCall::Setup { request } = &mut not_json {
        request.body = "{".to_owned();
    }
    let response: HttpResponse = host.call(&mut instance, &not_json);
    assert_eq!(problem(&response)["code"], "invalid_request");
    if let InstanceCall::Setup { request } = &mut not_json {
        request.body = " ".repeat(200_000);
    }
    let response: HttpResponse = host.call(&mut instance, &not_json);
    assert_eq!(problem(&response)["code"], "too_large");
}

#[test]
fn further_organisations_need_the_founding_one_and_a_free_name() {
    let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
    let mut instance = Instance::new(&store);
    let (founding, _) = found(&mut host, &mut instance, &setup(&body("acme")));
    let post = |slug: &str| request("POST", "/v1/organizations", &body(slug));
    let (second, response) =
        found(&mut host, &mut instance, &manage(founding.id, &["organizations:create"], post("two")));
    assert_eq!(response.status, 201);
    assert!(second.id != founding.id && second.short_id != founding.short_id);
    // The same again, and another body under a name that is taken.
    let (again, _) = found(&mut host, &mut instance, &manage(founding.id, &["organizations:create"], post("two")));
    assert_eq!(again, second);
    for taken in ["two", "acme"] {
        let mut other = body(taken);
        other["owner"]["name"] = json!("Bob");
        let call = manage(founding.id, &["*:*"], request("POST", "/v1/organizations", &other));
        let response: HttpResponse = host.call(&mut instance, &call);
        assert_eq!(problem(&response)["code"], "conflict");
    }
    // Without the permission, and with every permission of another organisation.
    for call in [manage(founding.id, &["routes:view"], post("three")), manage(second.id, &["*:*"], post("three"))] {
        let response: HttpResponse = host.call(&mut instance, &call);
        let document = problem(&response);
        assert_eq!(
            (&document["code"], &document["required"]),
            (&json!("insufficient_permission"), &json!("organizations:create"))
        );
    }
    let response: HttpResponse =
        host.call(&mut instance, &manage(founding.id, &["*:*"], request("GET", "/v1/organizations", &Json::Null)));
    assert_eq!(response.status, 405);
    let response: HttpResponse =
        host.call(&mut instance, &manage(founding.id, &["*:*"], request("GET", "/v1/other", &Json::Null)));
    assert_eq!(response.status, 404);
}

#[test]
fn after_older_storage_an_edge_with_a_later_table_is_told_the_one_that_there_is() {
    let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
    let mut instance = Instance::new(&store);
    let (founding, _) = found(&mut host, &mut instance, &setup(&body("acme")));
    let table = json!({"routes": [{"method": "GET", "path": "/api/{*rest}", "permission": "api:read"}]});
    let put = manage(founding.id, &["*:*"], request("PUT", "/v1/routes", &table));
    let response: HttpResponse = host.call(&mut instance, &put);
    assert_eq!(response.status, 200);
    let mut asked = |host: &mut Host, since| {
        let ask = Ask { since: Some(since), keeps: true, lease: true, ..Ask::default() };
        host.call::<Routes>(&mut instance, &InstanceCall::Routes(ask))
    };
    let lost = symbolon::protocol::Epoch::new(1_800_000_000_000 + 77);
    let answer = asked(&mut host, lost);
    assert!(answer.answer.epoch > lost, "else the edge would take it for an old answer");
    assert_eq!((answer.answer.changes, answer.routes.map(|routes| routes.len())), (Changes::StartOver, Some(1)));
    let again = asked(&mut host, answer.answer.epoch);
    assert_eq!((again.answer.epoch, again.routes), (answer.answer.epoch, None));
    // What was said of the later table may be believed still.
    let (call, effects) = host.begin(&mut instance, &put);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Reply { id, .. } if *id == call)), "{effects:?}");
}

#[test]
fn after_older_storage_changes_are_answered_also_where_the_table_cannot_be_told() {
    let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
    let mut instance = Instance::new(&store);
    let (founding, _) = found(&mut host, &mut instance, &setup(&body("acme")));
    let table = json!([{"method": "GET", "path": "/x", "permission": "api:read"}]);
    let response: HttpResponse = host.call(&mut instance, &put_routes(founding.id, &table));
    assert_eq!(response.status, 200);
    store.execute("CREATE TABLE kept AS SELECT * FROM route_table", &[]).unwrap();
    store.execute("UPDATE route_table SET routes = 'broken'", &[]).unwrap();
    let lost = symbolon::protocol::Epoch::new(1_800_000_000_000 + 77);
    let ask = InstanceCall::Routes(Ask { since: Some(lost), lease: true, ..Ask::default() });
    let (call, effects) = host.begin(&mut instance, &ask);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Fail { id, .. } if *id == call)), "{effects:?}");
    let longest = effects.iter().filter_map(|effect| match effect {
        Effect::Timer { id, millis } => Some((*millis, *id)),
        _ => None,
    });
    let (millis, takeover) = longest.max().expect("the wait has begun");
    assert!(millis > 45_000, "{millis}");
    store.execute("UPDATE route_table SET routes = (SELECT routes FROM kept)", &[]).unwrap();
    let (call, mut effects) = host.begin(&mut instance, &put_routes(founding.id, &table));
    effects.extend(
        effects
            .clone()
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Timer { id, .. } => Some(host.on(&mut instance, Event::Timer { id })),
                _ => None,
            })
            .flatten(),
    );
    effects.extend(host.on(&mut instance, Event::Timer { id: takeover }));
    assert_eq!(reply::<HttpResponse>(call, &mut effects).status, 200);
}

#[test]
fn the_route_table_is_replaced_whole_and_its_epoch_grows() {
    let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
    let mut instance = Instance::new(&store);
    let (founding, _) = found(&mut host, &mut instance, &setup(&body("acme")));
    let routes = |host: &mut Host, instance: &mut Instance<&Sqlite>, since: Option<symbolon::protocol::Epoch>| {
        host.call::<Routes>(instance, &InstanceCall::Routes(Ask { since, ..Ask::default() }))
    };
    let empty = routes(&mut host, &mut instance, None);
    assert_eq!((empty.routes.map(|routes| routes.len()), &empty.answer.changes), (Some(0), &Changes::StartOver));

    let table = json!({"routes": [{"method": "GET", "path": "/api/{*rest}", "permission": "api:read"}]});
    let put = |body: &Json| manage(founding.id, &["routes:edit", "api:read"], request("PUT", "/v1/routes", body));
    for _ in 0..2 {
        let response: HttpResponse = host.call(&mut instance, &put(&table));
        assert_eq!((response.status, serde_json::from_str::<Json>(&response.body).unwrap()), (200, table.clone()));
    }
    let mut instance = Instance::new(&store);
    let first = routes(&mut host, &mut instance, Some(empty.answer.epoch));
    assert!(first.answer.epoch > empty.answer.epoch);
    assert_eq!(first.routes.map(|routes| routes.len()), Some(1));
    assert_eq!(first.answer.changes, Changes::StartOver);
    let same = routes(&mut host, &mut instance, Some(first.answer.epoch));
    assert_eq!(same.answer.changes, Changes::Since { since: first.answer.epoch, tokens: Vec::new() });
    // Whoever has the table is not told it again; whoever has another one is.
    for (since, told) in [(first.answer.epoch, None), (empty.answer.epoch, Some(1))] {
        let ask = InstanceCall::Routes(Ask { since: Some(since), keeps: true, ..Ask::default() });
        let answer: Routes = host.call(&mut instance, &ask);
        assert_eq!(answer.routes.map(|routes| routes.len()), told);
    }

    let response: HttpResponse = host.call(&mut instance, &put(&json!({"routes": [{"method": "GET", "path": "x"}]})));
    assert_eq!(problem(&response)["errors"][0]["field"], "routes[0].path");
    let response: HttpResponse = host.call(&mut instance, &put(&json!({"routes": [], "surplus": 1})));
    assert_eq!(problem(&response)["errors"][0]["field"], "surplus");
    let view = request("GET", "/v1/routes", &Json::Null);
    let response: HttpResponse = host.call(&mut instance, &manage(founding.id, &["routes:view"], view.clone()));
    assert_eq!(serde_json::from_str::<Json>(&response.body).unwrap(), table, "a refused table changes nothing");
    let response: HttpResponse = host.call(&mut instance, &manage(founding.id, &["routes:edit"], view));
    assert_eq!(problem(&response)["required"], "routes:view");
}

#[test]
fn what_a_table_demands_is_not_for_others_to_open() {
    let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
    let mut instance = Instance::new(&store);
    let (founding, _) = found(&mut host, &mut instance, &setup(&body("acme")));
    let mut put = |permissions: &[&str], route: &Json| {
        let call = manage(founding.id, permissions, request("PUT", "/v1/routes", &json!({ "routes": [route] })));
        host.call::<HttpResponse>(&mut instance, &call)
    };
    let open = json!({"method": "*", "path": "/{*rest}", "public": true});
    // Of the product itself, of another organisation's profile, and many at once.
    for demanded in ["credentials:verify", "orders:view", "members:*"] {
        let route = json!({"method": "GET", "path": "/ask", "permission": demanded});
        assert_eq!(problem(&put(&["routes:edit"], &route))["required"], demanded);
        assert_eq!(put(&["routes:edit", demanded], &route).status, 200);
        assert_eq!(problem(&put(&["routes:edit", "api:*"], &open))["required"], demanded, "the former table's");
        assert_eq!(put(&["routes:edit"], &route).status, 200, "it changes nothing");
        assert_eq!(put(&["*:*"], &open).status, 200);
    }
    // Another organisation's cannot be had one by one.
    let all: Vec<&str> = Product::ALL.iter().map(|own| own.as_str()).collect();
    let others = json!({"method": "GET", "path": "/ask", "permission": "orders:view"});
    assert_eq!(put(&all, &others).status, 200);
    assert_eq!(put(&all, &open).status, 200);
    assert_eq!(problem(&put(&all[1..], &others))["code"], "insufficient_permission");
}

/// Nothing is asked of whoever sends the table in force; by the time that this is answered, it may be another's.
#[test]
fn a_table_that_was_replaced_meanwhile_is_not_put_back() {
    let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
    let mut instance = Instance::new(&store);
    let (founding, _) = found(&mut host, &mut instance, &setup(&body("acme")));
    let put = |path: &str| {
        let routes = json!({ "routes": [{"method": "GET", "path": path, "public": true}] });
        manage(founding.id, &["routes:edit"], request("PUT", "/v1/routes", &routes))
    };
    assert_eq!(host.call::<HttpResponse>(&mut instance, &put("/open")).status, 200);
    let (late, call) = (CallId(900), put("/open"));
    let json = serde_json::to_string(&call).unwrap();
    let effects = host.undisturbed(&mut instance, Event::Call { id: late, json });
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Ask { id, .. } => Some(*id),
        _ => None,
    });
    assert_eq!(host.call::<HttpResponse>(&mut instance, &put("/closed")).status, 200);
    let answer = Ok(serde_json::to_string(&Authorized::Granted).unwrap());
    let mut effects = host.on(&mut instance, Event::Answered { id: asked.unwrap(), answer });
    assert_eq!(problem(&reply::<HttpResponse>(late, &mut effects))["code"], "conflict");
    let view = manage(founding.id, &["routes:view"], request("GET", "/v1/routes", &Json::Null));
    assert!(host.call::<HttpResponse>(&mut instance, &view).body.contains("/closed"));
}

#[test]
fn an_instance_that_nobody_set_up_writes_nothing() {
    let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
    let mut instance = Instance::new(&store);
    let answer: Routes = host.call(&mut instance, &InstanceCall::Routes(Ask::default()));
    assert_eq!(answer.routes, Some(Vec::new()));
    let id = OrganizationId::new(Timestamp::from_seconds(1), &[1; 10]);
    let view = request("GET", "/v1/routes", &Json::Null);
    let response: HttpResponse = host.call(&mut instance, &manage(id, &["*:*"], view));
    assert_eq!(response.status, 403);
    assert_eq!(store.execute("SELECT name FROM sqlite_master", &[]), Ok(Vec::new()));
    assert!(host.fails(&mut instance, "{}"));
}

fn put_routes(organization: OrganizationId, routes: &Json) -> InstanceCall {
    manage(organization, &["*:*"], request("PUT", "/v1/routes", &json!({"routes": routes})))
}

/// Asks for the table with a lease; its length, and the effects besides the answer.
fn lease(host: &mut Host, instance: &mut Instance<&Sqlite>) -> (u64, Vec<Effect>) {
    let ask = InstanceCall::Routes(Ask { lease: true, ..Ask::default() });
    let (routes, effects) = host.call_with_effects::<Routes>(instance, &ask);
    (routes.answer.lease_millis, effects)
}

/// The one timer among the effects.
#[track_caller]
fn timer(effects: &[Effect]) -> (EffectId, u64) {
    match effects {
        [Effect::Timer { id, millis }] => (*id, *millis),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_table_is_answered_when_no_edge_goes_by_the_former_one() {
    let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
    let mut instance = Instance::new(&store);
    assert_eq!(lease(&mut host, &mut instance), (0, Vec::new()), "nobody has set it up: nothing to be believed");
    let (founding, _) = found(&mut host, &mut instance, &setup(&body("acme")));
    let (millis, effects) = lease(&mut host, &mut instance);
    assert_eq!(millis, 2000);
    let (quiet, _) = timer(&effects);

    let table = json!([{"method": "GET", "path": "/x", "permission": "api:read"}]);
    let (call, effects) = host.begin(&mut instance, &put_routes(founding.id, &table));
    let (id, millis) = timer(&effects);
    assert_eq!(millis, 2500, "the lease and the margin");
    let (again, effects) = host.begin(&mut instance, &put_routes(founding.id, &table));
    assert_eq!(effects, Vec::new(), "the same again waits with the first time");
    let mut effects = host.on(&mut instance, Event::Timer { id });
    assert_eq!(reply::<HttpResponse>(call, &mut effects).status, 200);
    assert_eq!(reply::<HttpResponse>(again, &mut effects).status, 200);
    assert_eq!(host.on(&mut instance, Event::Timer { id }), Vec::new(), "once");
    let response: HttpResponse = host.call(&mut instance, &put_routes(founding.id, &table));
    assert_eq!(response.status, 200, "it holds already");
    // With nothing outstanding it is answered at once.
    assert_eq!(host.on(&mut instance, Event::Timer { id: quiet }), Vec::new());
    let response: HttpResponse = host.call(&mut instance, &put_routes(founding.id, &json!([])));
    assert_eq!(response.status, 200);
}

#[test]
fn an_instance_that_takes_over_says_nothing_before_its_fence_and_waits_the_horizon_out() {
    let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
    let mut former = Instance::new(&store);
    let (founding, _) = found(&mut host, &mut former, &setup(&body("acme")));
    lease(&mut host, &mut former);
    let instances = || {
        let rows = store.execute("SELECT instances FROM instance", &[]).unwrap();
        rows.first().unwrap().get::<u64>(0).unwrap()
    };
    let before = instances();

    let mut instance = Instance::new(&store);
    let ask = serde_json::to_string(&InstanceCall::Routes(Ask { lease: true, ..Ask::default() })).unwrap();
    let effects = host.undisturbed(&mut instance, Event::Call { id: CallId(90), json: ask.clone() });
    let [Effect::Sync { id: fence }] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(instances() > before, "the fence is a write");
    assert_eq!(host.undisturbed(&mut instance, Event::Call { id: CallId(91), json: ask }), Vec::new());
    let effects = host.undisturbed(&mut instance, Event::Synced { id: *fence });
    let Some((Effect::Timer { id: takeover, millis: 4500 }, rest)) = effects.split_first() else {
        panic!("the horizon and the margin: {effects:?}")
    };
    let replies = rest.iter().filter(|effect| matches!(effect, Effect::Reply { .. })).count();
    assert_eq!(replies, 2, "whoever came before is answered now: {rest:?}");

    let same = put_routes(founding.id, &json!([]));
    let (call, effects) = host.begin(&mut instance, &same);
    let (granted, millis) = timer(&effects);
    assert_eq!(millis, 2500, "also where nothing is changed");
    assert!(instances() > before.saturating_add(1), "a superseded instance fails by this write");
    assert_eq!(host.on(&mut instance, Event::Timer { id: granted }), Vec::new(), "the takeover is waited for as well");
    let mut effects = host.on(&mut instance, Event::Timer { id: *takeover });
    assert_eq!(reply::<HttpResponse>(call, &mut effects).status, 200);
}

#[test]
fn an_instance_from_before_leases_goes_on() {
    let store = Sqlite::in_memory().unwrap();
    let mut host = Host::default();
    found(&mut host, &mut Instance::new(&store), &setup(&body("acme")));
    let columns = |store: &Sqlite| store.execute("PRAGMA table_info(instance)", &[]).unwrap().len();
    let newest = columns(&store);
    // As it was: without the row of leases; and as it was next: without a number.
    for older in ["DROP TABLE instance", "ALTER TABLE instance DROP COLUMN schema"] {
        store.execute(older, &[]).unwrap();
        let mut instance = Instance::new(&store);
        let named: symbolon::protocol::message::Named =
            host.call(&mut instance, &InstanceCall::Locate { slug: "acme".to_owned() });
        assert!(named.organization.is_some(), "{older}");
        assert_eq!(columns(&store), newest, "{older}");
        let rows = store.execute("SELECT schema, instances FROM instance", &[]).unwrap();
        assert_eq!((rows.len(), rows[0].get::<u32>(0).unwrap()), (1, 2), "{older}");
        assert!(rows[0].get::<u32>(1).unwrap() > 0, "a machine that takes over leaves its mark");
        // A second setup is refused as before.
        let answer: HttpResponse = host.call(&mut instance, &setup(&body("other")));
        assert_eq!(answer.status, 409, "{older}: {}", answer.body);
    }
}

#[test]
fn the_founding_organisation_decides_about_a_new_table_and_is_told_of_it() {
    let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
    let mut instance = Instance::new(&store);
    let (founding, _) = found(&mut host, &mut instance, &setup(&body("acme")));
    let table = json!([{"method": "GET", "path": "/x", "permission": "api:read"}]);
    host.authorizes = Authorized::Refused { problem: Box::new(Problem::new(Code::InsufficientPermission)) };
    let response: HttpResponse = host.call(&mut instance, &put_routes(founding.id, &table));
    assert_eq!(problem(&response)["code"], "insufficient_permission");
    let told: Routes = host.call(&mut instance, &InstanceCall::Routes(Ask::default()));
    assert_eq!(serde_json::to_value(told).unwrap()["routes"], json!([]), "nothing was changed");

    host.authorizes = Authorized::Granted;
    host.authorized.clear();
    for _ in 0..2 {
        let response: HttpResponse = host.call(&mut instance, &put_routes(founding.id, &table));
        assert_eq!(response.status, 200);
    }
    let details: Vec<&Json> = host.authorized.iter().map(|asked| &asked.details).collect();
    assert_eq!((&details[0]["routes"], details[1]), (&json!(1), &Json::Null), "the same again changes nothing");
    assert_eq!(details[0]["sha256"].as_str().unwrap().len(), 64);
    // What is not good is not even asked for.
    let _: HttpResponse = host.call(&mut instance, &put_routes(founding.id, &json!([{"method": "GET", "path": "x"}])));
    assert_eq!(host.authorized.len(), 2);

    // It could not be reached: nothing is done without its word.
    let call = serde_json::to_string(&put_routes(founding.id, &json!([]))).unwrap();
    let effects = host.undisturbed(&mut instance, Event::Call { id: CallId(77), json: call });
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Ask { id, target: Target::Organization(asked), .. } => Some((*id, *asked)),
        _ => None,
    });
    let Some((id, asked)) = asked else { panic!("{effects:?}") };
    assert_eq!(asked, founding.short_id);
    let mut effects = host.undisturbed(&mut instance, Event::Answered { id, answer: Err(Unreachable) });
    let response: HttpResponse = reply(CallId(77), &mut effects);
    assert_eq!(problem(&response)["code"], "authority_unavailable");
}

#[test]
fn a_route_names_an_organisation_that_there_is() {
    let (mut host, store) = (Host::default(), Sqlite::in_memory().unwrap());
    let mut instance = Instance::new(&store);
    let (founding, _) = found(&mut host, &mut instance, &setup(&body("acme")));
    let post = request("POST", "/v1/organizations", &body("two"));
    let asked_of = manage(founding.id, &["organizations:create"], post);
    let (second, _) = found(&mut host, &mut instance, &asked_of);
    assert_eq!(host.authorized[0].details["slug"], "two");
    let route = |name: &str| json!({"method": "GET", "path": "/x", "permission": "api:read", "organization": name});
    let response: HttpResponse =
        host.call(&mut instance, &put_routes(founding.id, &json!([route("two"), route("three")])));
    assert_eq!(problem(&response)["errors"][0]["field"], "routes[1].organization");
    let response: HttpResponse = host.call(&mut instance, &put_routes(founding.id, &json!([route("two"), route("*")])));
    assert_eq!(response.status, 200);
    let told: Routes = host.call(&mut instance, &InstanceCall::Routes(Ask::default()));
    let known: Vec<(&str, _)> = told.organizations.iter().map(|(name, id)| (name.as_str(), *id)).collect();
    assert_eq!(known, [("", founding.short_id), ("two", second.short_id)]);
}
