//! What has to be fetched of a provider: its description and keys, which an isolate keeps for a while, the exchange of
//! a code, and a person's claims.

use std::rc::Rc;

use base64ct::{Base64, Encoding as _};
use serde::Deserialize;
use symbolon::key::Signature;
use symbolon::oidc::{
    Algorithm, ClientAuthentication, Expected, IdToken, Identity, Key, Keys, MAX_ANSWER_LEN, MAX_DISCOVERY_LEN,
    MAX_KEYS_LEN, OidcError, Profile, Provider,
};
use symbolon::protocol::identity::Flow;
use symbolon::signature::KeyCheck;
use symbolon::time::Timestamp;

use super::{Failed, OidcConfig};
use crate::context::Context;
use crate::effect::Method;
use crate::ports::Fetch;

/// How long a description and a key set are kept, in seconds.
const KEPT_SECONDS: i64 = 3600;
/// How long after a fetch of the keys a name that is not among them is not looked for again, in seconds: so that made-up
/// names do not make us a burden to the provider.
const KEYS_APART_SECONDS: i64 = 10;

/// What an isolate keeps of its provider.
#[derive(Default)]
pub(crate) struct Cache {
    provider: Option<(Rc<Provider>, Timestamp)>,
    keys: Option<(Rc<Keys>, Timestamp)>,
}

fn is_kept(fetched: Timestamp, now: Timestamp, seconds: i64) -> bool {
    (0..seconds.saturating_mul(1000)).contains(&now.millis_since(fetched))
}

/// The provider, as it describes itself.
pub(super) async fn provider(context: &Context, config: &OidcConfig) -> Result<Rc<Provider>, Failed> {
    let now = context.io.now();
    if let Some((provider, fetched)) = &context.gate.state.borrow().oidc.provider
        && is_kept(*fetched, now, KEPT_SECONDS)
    {
        return Ok(Rc::clone(provider));
    }
    let text = get(context, Provider::address(config.issuer()), Vec::new(), MAX_DISCOVERY_LEN).await?;
    let provider = Rc::new(Provider::parse(config.issuer(), &text)?);
    context.gate.state.borrow_mut().oidc.provider = Some((Rc::clone(&provider), context.io.now()));
    Ok(provider)
}

/// Exchanges a code, and says whom the provider names.
pub(super) async fn identity(
    context: &Context,
    config: &OidcConfig,
    provider: &Provider,
    flow: &Flow,
    redirect_uri: &str,
    code: &str,
) -> Result<Identity, Failed> {
    #[derive(Deserialize)]
    struct Tokens {
        id_token: Option<String>,
        access_token: Option<String>,
    }
    let instance = &context.gate.known.secret;
    let broken = |_| Failed::Unavailable;
    let verifier = flow.verifier(instance).map_err(broken)?;
    let nonce = flow.nonce(instance).map_err(broken)?;
    let text = exchange(context, config, provider, &verifier, redirect_uri, code).await?;
    let tokens: Tokens = symbolon::json::read(&text).map_err(|_| OidcError::Answer)?;
    let token = IdToken::parse(&tokens.id_token.ok_or(OidcError::Answer)?)?;
    let genuine = is_genuine(context, provider, &token).await?;
    let expected = Expected {
        issuer: config.issuer(),
        client_id: config.client_id(),
        nonce: &nonce,
        now: context.io.now(),
        anew_since: flow.is_anew().then_some(flow.begun_at),
    };
    let mut identity = token.check(genuine, &expected)?;
    let untold = identity.email.is_none() && identity.unverified_email.is_none();
    if let (true, Some(place), Some(access)) = (untold, &provider.userinfo_endpoint, tokens.access_token) {
        let headers = vec![("authorization".to_owned(), format!("Bearer {access}"))];
        // Somebody who has linked their identity signs in without.
        if let Ok(text) = get(context, place.clone(), headers, MAX_ANSWER_LEN).await
            && let Ok(profile) = symbolon::json::read::<Profile>(&text)
        {
            identity.complete(profile)?;
        }
    }
    Ok(identity)
}

/// The token endpoint (RFC 6749, section 4.1.3; RFC 7636, section 4.5).
async fn exchange(
    context: &Context,
    config: &OidcConfig,
    provider: &Provider,
    verifier: &str,
    redirect_uri: &str,
    code: &str,
) -> Result<String, Failed> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("code_verifier", verifier);
    let mut headers = vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
    match (config.client_secret(), provider.client_authentication) {
        (None, _) => {
            form.append_pair("client_id", config.client_id());
        }
        (Some(secret), ClientAuthentication::Post) => {
            form.append_pair("client_id", config.client_id()).append_pair("client_secret", secret);
        }
        (Some(secret), ClientAuthentication::Basic) => {
            // RFC 6749, section 2.3.1: each written as in a form first.
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encoded(config.client_id()), encoded(secret));
            headers.push(("authorization".to_owned(), format!("Basic {}", Base64::encode_string(pair.as_bytes()))));
        }
    }
    let fetch = Fetch {
        method: Method::Post,
        url: provider.token_endpoint.clone(),
        headers,
        body: Some(form.finish()),
        limit: MAX_ANSWER_LEN,
    };
    match context.io.fetch(fetch).await? {
        (200, text) => Ok(text),
        (400..=499, _) => Err(OidcError::Answer.into()),
        _ => Err(Failed::Unavailable),
    }
}

/// Whether the token is signed with a key of the provider's.
async fn is_genuine(context: &Context, provider: &Provider, token: &IdToken) -> Result<bool, Failed> {
    let key = key(context, provider, token).await?;
    Ok(match &key {
        Key::P256(key) => {
            let Ok(signature) = Signature::from_bytes(token.signature()) else { return Ok(false) };
            context.io.verify_p256(key, token.signed(), &signature).await? == KeyCheck::Matches
        }
        Key::Rsa { modulus, exponent } => {
            context.io.verify_rs256(modulus, exponent, token.signed(), token.signature()).await?
        }
    })
}

/// The key that the token names: of what is kept, or of what the provider has now, since keys are replaced.
async fn key(context: &Context, provider: &Provider, token: &IdToken) -> Result<Key, Failed> {
    let algorithm: Algorithm = token.algorithm();
    let now = context.io.now();
    let kept = context.gate.state.borrow().oidc.keys.clone();
    if let Some((keys, fetched)) = kept {
        if is_kept(fetched, now, KEPT_SECONDS)
            && let Some(key) = keys.find(token.kid(), algorithm)
        {
            return Ok(key.clone());
        }
        if is_kept(fetched, now, KEYS_APART_SECONDS) {
            return Err(OidcError::UnknownKey.into());
        }
    }
    let text = get(context, provider.jwks_uri.clone(), Vec::new(), MAX_KEYS_LEN).await?;
    let keys = Rc::new(Keys::parse(&text)?);
    context.gate.state.borrow_mut().oidc.keys = Some((Rc::clone(&keys), context.io.now()));
    keys.find(token.kid(), algorithm).cloned().ok_or_else(|| OidcError::UnknownKey.into())
}

async fn get(context: &Context, url: String, mut headers: Vec<(String, String)>, limit: u32) -> Result<String, Failed> {
    headers.push(("accept".to_owned(), "application/json".to_owned()));
    let fetch = Fetch { method: Method::Get, url, headers, body: None, limit };
    match context.io.fetch(fetch).await? {
        (200, text) => Ok(text),
        _ => Err(Failed::Unavailable),
    }
}
