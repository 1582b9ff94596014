//! The login of a device (RFC 8628): it asks, a member decides elsewhere, it collects. And the poll of a client that
//! made up its own key.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::login::{
    Begun, Collected, Collector, DeviceCode, LoginCall, LoginToken, RequestKey, scope_words,
};
use symbolon::protocol::message::HttpResponse;
use symbolon::time::Timestamp;

use super::form::{Form, form};
use super::{DEVICE_GRANT, OauthError, no_cache};
use crate::context::Context;
use crate::decide::Refusal;
use crate::request::{Address, GateRequest};
use crate::{manage, refusal};

/// How long a client's name for itself and what it wants may be, in bytes.
const MAX_TEXT_BYTES: usize = 200;
/// How large the body of a client's poll may be, in bytes.
const MAX_POLL_BYTES: u32 = 4096;

form! {
    /// Which client asks for a login (RFC 8628, section 3.1).
    pub(crate) struct DeviceAuthorizationRequest {
        /// What the client calls itself, at most 200 bytes: there are no registered clients.
        need client_id,
        /// What it asks for, at most 200 bytes: names of scopes, or of permissions where the kind of token that a login
        /// makes has them one by one, separated by spaces (RFC 6749, section 3.3). Whoever approves sees it, and it is
        /// granted whole or denied. Left out, it is the least that a login needs.
        get scope,
    }
}

form! {
    /// Which login is collected (RFC 8628, section 3.4).
    pub(crate) struct DeviceTokenRequest {
        /// `urn:ietf:params:oauth:grant-type:device_code`.
        need grant_type,
        /// What the client called itself.
        need client_id,
        /// From the answer to the authorization request.
        need device_code,
    }
}

/// A login that waits for somebody's decision (RFC 8628, section 3.2).
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct DeviceAuthorization<'a> {
    /// For the client alone.
    device_code: &'a str,
    /// To be typed in by whoever decides.
    user_code: String,
    /// Where to type it.
    verification_uri: String,
    /// The same, with the code filled in.
    verification_uri_complete: String,
    /// Until when the codes are good, in seconds.
    expires_in: u32,
    /// How long to wait between two questions, in seconds.
    interval: u32,
}

/// A token (RFC 6749, section 5.1). It is handed out once.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct AccessToken {
    /// The secret.
    access_token: String,
    token_type: &'static str,
    /// What was granted: the names of its scopes, and of permissions that it has besides.
    scope: String,
    /// Until when it is good, in seconds; absent where it does not end.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<i64>,
}

/// `POST /oauth/device_authorization` (RFC 8628, section 3.1).
pub(crate) async fn authorize(
    context: &Context,
    request: &GateRequest,
    address: Address<'_>,
) -> Result<HttpResponse, OauthError> {
    let form = Form::read(context, request).await?;
    let text = |text: &str| {
        let good = text.len() <= MAX_TEXT_BYTES && !text.chars().any(char::is_control);
        if good { Ok(text.to_owned()) } else { Err(OauthError::new("invalid_request", "A field is too long.")) }
    };
    let asked = DeviceAuthorizationRequest::of(&form)?;
    let client_id = text(asked.client_id)?;
    let scope = asked.scope.map(text).transpose()?;
    // Which names there are is the approver's profile to say; what can be no name at all is known now.
    let asks = |scope: &String| scope_words(scope).map(|words| !words.is_empty());
    let asks = scope.as_ref().map_or(Ok(false), asks);
    let asks = asks.map_err(|error| OauthError::new("invalid_scope", format!("The scope {error}.")))?;
    let scope = scope.filter(|_| asks);
    let shard = shard(context);
    context.stranger()?;
    let call = LoginCall::Begin { shard, client_id, scope, client: context.client.clone() };
    match context.io.login(shard, &call).await? {
        Begun::Made { device_code, user_code, expires_in, interval } => {
            context.came_to_something();
            let (origin, shown) = (address.origin, user_code.display());
            let document = DeviceAuthorization {
                device_code: device_code.expose(),
                verification_uri: format!("{origin}/device"),
                verification_uri_complete: format!("{origin}/device?user_code={shown}"),
                user_code: shown,
                expires_in,
                interval,
            };
            Ok(refusal::json(200, no_cache(), &document))
        }
        Begun::RateLimited { retry_after } => Err(OauthError {
            status: 429,
            retry_after: Some(retry_after),
            ..OauthError::new("slow_down", "Too many logins were begun from here.")
        }),
    }
}

/// The shard for whoever asks: one for each network, so that it can count.
fn shard(context: &Context) -> u8 {
    let network = context.client.network().to_string();
    let [first, ..] = <[u8; 32]>::from(Sha256::new().chain_update("login\0").chain_update(network).finalize());
    first
}

/// `POST /oauth/token` (RFC 8628, section 3.4; RFC 6749, section 5).
pub(crate) async fn token(context: &Context, request: &GateRequest) -> Result<HttpResponse, OauthError> {
    let form = Form::read(context, request).await?;
    let asked = DeviceTokenRequest::of(&form)?;
    if asked.grant_type != DEVICE_GRANT {
        return Err(OauthError::new("unsupported_grant_type", format!("There is {DEVICE_GRANT} alone.")));
    }
    let client_id = Some(asked.client_id.to_owned());
    let code: DeviceCode =
        asked.device_code.parse().map_err(|_| OauthError::new("invalid_grant", "This is no device code."))?;
    let with = Collector::DeviceCode(code);
    let (shard, client) = (with.shard(), context.client.clone());
    context.poll()?;
    context.stranger()?;
    let collected = context.io.login(shard, &LoginCall::Collect { with, client_id, client }).await?;
    if !matches!(collected, Collected::Unknown) {
        context.came_to_something();
    }
    match collected {
        Collected::Token(LoginToken { secret, scopes, expires_at, .. }) => {
            let seconds = |end: Timestamp| end.millis_since(context.io.now()).div_euclid(1000).max(0);
            let document = AccessToken {
                access_token: secret,
                token_type: "Bearer",
                scope: scopes.join(" "),
                expires_in: expires_at.map(seconds),
            };
            Ok(refusal::json(200, no_cache(), &document))
        }
        Collected::Pending => Err(OauthError::new("authorization_pending", "Nobody has decided yet.")),
        Collected::SlowDown { interval } => {
            Err(OauthError::new("slow_down", format!("Wait {interval} seconds between two questions.")))
        }
        Collected::Denied => Err(OauthError::new(
            "access_denied",
            "The login was denied: by whoever saw it, or because it asks for more than they can give.",
        )),
        Collected::Unknown => Err(OauthError::new(
            "expired_token",
            "This code is unknown, was used, or is older than ten minutes: begin again.",
        )),
        Collected::Unavailable => Err(OauthError::unavailable()),
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SemgrepPoll"))]
pub(crate) struct Poll {
    /// The key that the client has made up: a random UUID (version 4).
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    token_request_key: RequestKey,
}

/// The token of a login that was activated.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SemgrepToken"))]
pub(crate) struct CollectedToken {
    token: String,
    /// Who has activated it.
    user_name: String,
}

/// `POST /api/agent/tokens/requests`: not found until somebody has decided.
pub(crate) async fn collect_with_key(context: &Context, request: &GateRequest) -> Result<HttpResponse, Refusal> {
    let body = manage::body(context, request, MAX_POLL_BYTES).await?;
    let poll: Poll = symbolon::json::read(&body)
        .map_err(|_| Problem::field("token_request_key", "must be a random UUID (version 4)"))?;
    let with = Collector::Key(poll.token_request_key);
    let (shard, client) = (with.shard(), context.client.clone());
    // A key that nobody has decided about is as good as a made-up one: every poll counts the same.
    context.poll()?;
    match context.io.login(shard, &LoginCall::Collect { with, client_id: None, client }).await? {
        Collected::Token(LoginToken { secret, user_name, .. }) => {
            Ok(refusal::json(200, no_cache(), &CollectedToken { token: secret, user_name }))
        }
        Collected::Pending | Collected::SlowDown { .. } | Collected::Unknown => {
            Err(Problem::new(Code::NotFound).detail("Nobody has activated this login yet.").into())
        }
        Collected::Denied => Err(Problem::new(Code::InsufficientPermission)
            .detail("The login was denied, or whoever activated it may not log in any more.")
            .into()),
        Collected::Unavailable => Err(Refusal::unavailable()),
    }
}
