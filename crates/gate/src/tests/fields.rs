//! The fields that a host reads for what a proxy asks: they decide as all of them do.

use crate::testing::{World, bearer, proxy_secret, signed};
use crate::{GateRequest, Outcome};

fn asked(proxy: &str, fields: &[(&str, &str)]) -> GateRequest {
    let mut request = bearer("GET", &format!("https://tokens.example/v1/forward-auth/{proxy}"));
    let kind = proxy.split('/').next().unwrap();
    request.headers.push(("X-Symbolon-Proxy-Secret".to_owned(), proxy_secret(kind)));
    request.headers.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    request
}

/// The request as a host reads it that goes by [`crate::Gate::fields`]; none where it then reads all fields.
fn as_read(request: &GateRequest) -> Option<GateRequest> {
    let gate = World::new().gate;
    let names = gate.fields(&request.url)?;
    let mut read = request.clone();
    read.headers.retain(|(name, _)| names.contains(&name.to_ascii_lowercase().as_str()));
    (!gate.wants_all_fields(&read)).then_some(read)
}

#[test]
fn the_fields_that_are_asked_for_decide_as_all_do() {
    let nginx = |method| {
        [("X-Original-Method", method), ("X-Original-URL", "https://api.example/things")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let traefik = [
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "api.example"),
        ("X-Forwarded-Uri", "/things?x"),
    ];
    let others = [("Cookie", "__Host-symbolon=x"), ("X-Symbolon-Role", "owner"), ("Origin", "https://evil.example")];
    let mut requests = vec![
        asked("nginx", &[]),
        asked("traefik", &traefik),
        asked("caddy", &traefik),
        asked("envoy/things?x", &[("X-Forwarded-Proto", "https")]),
    ];
    for change in [
        &[][..],
        &[("authorization", "Bearer other")],
        &[("token", "other"), ("api-token", "another")],
        &[("x-api-key", "csrf"), ("x-token-passphrase", "a passphrase")],
        &[("content-type", "text/plain"), ("content-encoding", "gzip")],
    ] {
        requests.push(asked("nginx", change));
    }
    for request in requests.iter_mut().filter(|request| request.url.ends_with("nginx")) {
        request.headers.extend(nginx("GET"));
    }
    // Nothing that could be a credential: what to sign depends on what describes the body.
    for method in ["GET", "POST"] {
        for described in [&[][..], &[("content-type", "a/b"), ("content-encoding", "gzip"), ("content-digest", "x")]] {
            let mut request = asked("nginx", described);
            request.headers.retain(|(name, _)| name != "Authorization");
            request.headers.extend(nginx(method));
            requests.push(request);
        }
        let mut request = signed(method, "https://api.example/things", None, "n");
        request.url = "https://tokens.example/v1/forward-auth/nginx".to_owned();
        request.headers.push(("X-Symbolon-Proxy-Secret".to_owned(), proxy_secret("nginx")));
        request.headers.extend(nginx(method));
        requests.push(request);
    }
    let mut passed = 0;
    for mut request in requests {
        let all = World::new().handle(request.clone());
        request.headers.extend(others.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let read = as_read(&request).unwrap();
        assert!(read.headers.len() <= request.headers.len() - others.len());
        assert_eq!(World::new().handle(read), all, "{:?}", request.headers);
        assert_eq!(World::new().handle(request.clone()), all, "{:?}", request.headers);
        passed += usize::from(matches!(all, Outcome::Respond(response) if response.status == 200));
    }
    assert!(passed >= 5, "{passed}");
}

#[test]
fn all_fields_are_read_where_any_may_matter() {
    for url in
        ["https://tokens.example/v1/whoami", "https://api.example/v1/forward-auth/nginx", "https://tokens.example/"]
    {
        assert_eq!(as_read(&bearer("GET", url)).map(|_| ()), None, "{url}");
    }
    for (input, all) in [
        (r#"a=("@method" "content-digest");created=1;nonce="x-other""#, false),
        (r#"a=();created=1"#, false),
        (r#"a=("@method" "x-other");created=1"#, true),
        (r#"a=("@method"), b=("x-other")"#, true),
        (r#"a=("@method");nonce="x", b=("@path")"#, true),
        (r#"a=("@\"method")"#, true),
        (r#"a=("x-other""#, true),
    ] {
        let request = asked("nginx", &[("Signature-Input", input)]);
        assert_eq!(as_read(&request).is_none(), all, "{input}");
    }
}
