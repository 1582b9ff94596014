//! What the OpenAPI document says of the calls that the gate answers, and who may make any call.

use serde_json::{Value, json};
use symbolon::problem::Code;
use symbolon::protocol::contract::Operation;
use symbolon::protocol::contract::description::{Access, Description, Errors, FORM, JSON, Schemas};
use symbolon::protocol::identity::Visit;

use crate::manage::{Call, Health, call};
use crate::oidc::{SignInProvider, Wanted};
use crate::session::SignInOptions;
use crate::verify::{Question, Verdict};
use crate::{identity, oauth, wire};

/// Who may make a call, as the gate sees to it.
#[must_use]
pub fn access(operation: Operation) -> Access {
    // Which proxy it is does not matter.
    match call(operation, "nginx") {
        Some(Call::RevokeByKey) => Access::Signature,
        Some(Call::ForwardAuth(_)) => Access::Proxy,
        Some(Call::SignIn | Call::Recover | Call::OidcSignIn) => Access::Page,
        // What a session alone has, the authority gives to nobody else.
        Some(Call::Organization { .. } | Call::OidcPermitted) if is_of_session(operation) => Access::Session,
        Some(
            Call::Organization { .. }
            | Call::OidcPermitted
            | Call::Instance
            | Call::Verify
            | Call::Introspect
            | Call::Wire(_),
        ) => Access::Credential,
        _ => Access::Open,
    }
}

const fn is_of_session(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::ReadSession
            | Operation::ConfirmSession
            | Operation::BeginConfirm
            | Operation::EndCurrentSession
            | Operation::ApproveDevice
    )
}

/// The statuses of an error of OAuth.
const FORM_ERRORS: &[u16] = &[400, 413];
const LOGIN_ERRORS: &[u16] = &[400, 413, 429, 503];

/// What is said of a call; none where the gate carries it to an authority.
#[must_use]
pub fn describe(operation: Operation, schemas: &mut Schemas) -> Option<Description> {
    let s = schemas;
    Some(match operation {
        Operation::Health => Description::of(200, "It is up.", s.written::<Health>()),
        Operation::Verify => {
            let example = json!({ "credential": "sym_pat_…", "require": ["api:read"] });
            Description::of(200, "Whether it is good.", s.written::<Verdict<'_>>())
                .with(&[("Server-Timing", "Where the time went.")])
                .reads(JSON, s.read::<Question>(), example)
        }
        Operation::ForwardAuth | Operation::ForwardAuthPath => Description::default()
            .and(200, "The request may pass: these fields say whose it is, empty where that does not apply.", None)
            .with_all(identity::names().map(|name| (name, "Empty where it does not apply.")))
            .refuses(&[Code::NotFound, Code::InsufficientPermission]),
        Operation::SignInOptions => Description::of(
            200,
            "What to ask the browser for.",
            s.written::<SignInOptions<'_>>(),
        )
        .may_read(JSON, json!({ "type": "object", "description": "Nothing in it matters." }), json!({})),
        Operation::ReadProvider => Description::of(200, "The provider.", s.written::<SignInProvider<'_>>()),
        Operation::SignInAtProvider => Description::of(200, "Where to send the browser.", s.written::<Visit>())
            .with(&[("Set-Cookie", "The visit that is under way, sealed.")])
            .refuses(&[Code::NotFound])
            .reads(JSON, s.read::<Wanted>(), json!({ "organization": "acme", "next": "/tokens" })),
        Operation::ReturnFromProvider => Description::default()
            .and(303, "To the console: with a session, or with `problem`, which names what went wrong.", None)
            .with(&[
                ("Location", "A page of the console."),
                ("Set-Cookie", "The session's secret; the visit's is taken away."),
            ]),
        Operation::AuthorizeDevice => {
            Description::of(200, "The login's codes.", s.written::<oauth::DeviceAuthorization<'_>>())
                .reads(FORM, s.read::<oauth::DeviceAuthorizationRequest<'_>>(), json!({ "client_id": "symbolon-cli" }))
                .errors(Errors::Oauth(LOGIN_ERRORS))
        }
        Operation::CollectToken => Description::of(200, "The token.", s.written::<oauth::AccessToken>())
            .reads(FORM, s.read::<oauth::DeviceTokenRequest<'_>>(), device_token())
            .errors(Errors::Oauth(LOGIN_ERRORS)),
        Operation::Introspect => Description::of(200, "What it is.", s.written::<oauth::Introspection<'_>>())
            .reads(FORM, s.read::<oauth::IntrospectionRequest<'_>>(), json!({ "token": "sym_pat_…" }))
            .errors(Errors::Both(FORM_ERRORS)),
        Operation::RevokeSelf => Description::of(200, "It is not good, now.", s.written::<oauth::Nothing>())
            .reads(FORM, s.read::<oauth::RevocationRequest<'_>>(), json!({ "token": "sym_pat_…" }))
            .errors(Errors::Oauth(LOGIN_ERRORS)),
        Operation::ReadMetadata => Description::of(200, "The metadata.", s.written::<oauth::Metadata<'_>>()),
        Operation::SemgrepCollectToken => {
            let example = json!({ "token_request_key": "9b2f3d3c-1f0e-4a59-8f53-2f7f3b1f6a10" });
            Description::of(200, "The token.", s.written::<oauth::CollectedToken>())
                .reads(JSON, s.read::<oauth::Poll>(), example)
                .refuses(&[Code::NotFound, Code::InsufficientPermission])
        }
        Operation::DevguardRevokeByPrivateKey => Description::of(200, "It is revoked.", nothing())
            .reads(JSON, s.read::<wire::PostedKey>(), json!({ "privkey": "2b".repeat(32) }))
            .refuses(&[Code::NotFound, Code::UnknownToken]),
        _ => return None,
    })
}

/// An object without members.
fn nothing() -> Value {
    json!({ "type": "object", "properties": {}, "additionalProperties": false })
}

/// The schema in which a call of another system is refused; none where as everywhere.
#[must_use]
pub fn foreign_errors(operation: Operation, schemas: &mut Schemas) -> Option<Value> {
    match wire::call(operation)? {
        Call::Wire(wire::Errors::Harborguard) => Some(schemas.written::<wire::HarborguardRefusal>()),
        Call::Wire(wire::Errors::Devtron) => Some(schemas.written::<wire::DevtronRefusal>()),
        _ => None,
    }
}

/// The schema of an error of OAuth.
#[must_use]
pub fn oauth_error(schemas: &mut Schemas) -> Value {
    schemas.written::<oauth::ErrorDocument<'_>>()
}

fn device_token() -> Value {
    json!({
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": "symbolon-cli", "device_code": "…",
    })
}
