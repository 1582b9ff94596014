//! The management interface: from a request to what is done and answered.

pub(crate) mod activity;
pub(crate) mod body;
pub(crate) mod challenge;
pub(crate) mod contract;
pub(crate) mod create;
pub(crate) mod device;
pub(crate) mod document;
pub(crate) mod edit;
pub(crate) mod identities;
pub(crate) mod import;
pub(crate) mod invitations;
pub(crate) mod list;
pub(crate) mod make;
pub(crate) mod members;
pub(crate) mod onboarding;
pub(crate) mod passkeys;
pub(crate) mod profile;
pub(crate) mod query;
pub(crate) mod renew;
#[cfg(feature = "schema")]
pub(crate) mod schema;
pub(crate) mod sessions;
pub(crate) mod who;
pub(crate) mod wire;

use serde::Serialize;
use symbolon::problem::{Code, Problem};
use symbolon::protocol::Epoch;
use symbolon::protocol::contract::{self as calls, Operation};
use symbolon::protocol::login::LoginCall;
use symbolon::protocol::message::{HttpRequest, HttpResponse};

use super::failure::{Failure, Result};
use super::session::{Ready, Session};
use crate::store::Store;

/// How a call that was carried out is answered.
pub(crate) enum Outcome {
    /// At once.
    Reply(HttpResponse),
    /// When the change holds everywhere, as far as it must.
    Held(Held),
    /// After these names have been claimed: then the call is carried out a second time, with what is ready.
    Claim(Ready),
    /// After this shard of logins has answered: then the call is carried out once more, with what it said.
    AskLogin {
        /// Which shard.
        shard: u8,
        /// The question.
        call: LoginCall,
        /// What it gives, where the question says that it is approved.
        granted: Option<Box<device::Granted>>,
    },
}

/// An answer that may have to wait.
pub(crate) struct Held {
    /// For what it waits.
    pub(crate) until: Until,
    /// Whether the document says when the change holds.
    pub(crate) tells: bool,
    /// Whether the kind is `eventual`, so that nobody can say when.
    pub(crate) eventual: bool,
    /// The answer's status.
    pub(crate) status: u16,
    /// Further fields.
    pub(crate) headers: Vec<(String, String)>,
    /// The answer's document.
    pub(crate) document: serde_json::Value,
}

/// For what an answer waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// No edge goes by what was before.
    Narrowed,
    /// The same, where nothing was left to be done: the change of this epoch, or an earlier one, has done it.
    NarrowedBefore(Epoch),
    /// Every edge accepts what is new.
    Created,
    /// The same; and what ends in so many milliseconds ends everywhere by then.
    Ending {
        /// In how many.
        millis: u64,
    },
    /// Nothing: edges learn of it in time.
    Nothing,
}

/// Which operation a request asks for, and the identifier in its path.
///
/// # Errors
/// `not_found`, or `method_not_allowed` where the path has other methods.
pub(crate) fn route(request: &HttpRequest) -> core::result::Result<(Operation, &str), Problem> {
    let path = request.path.strip_suffix('/').unwrap_or(&request.path);
    let found = calls::find(path).ok_or(Code::NotFound)?;
    match found.operation(&request.method) {
        Some(operation) => Ok((operation, found.argument)),
        None => Err(Problem::new(Code::MethodNotAllowed).detail(format!("There are {} here.", found.allow()))),
    }
}

/// Carries a request out. `ready` is there the second time, after the claims.
pub(crate) fn handle<S: Store>(session: &mut Session<'_, '_, S>, ready: Option<Ready>) -> Result<Outcome> {
    let (operation, id) = route(session.request)?;
    sessions::needs_fresh(session, operation)?;
    match operation {
        Operation::WhoAmI => who::whoami(session),
        Operation::ListKinds => who::kinds(session),
        Operation::ListTokens => list::list(session),
        Operation::CreateToken => create::create(session, ready),
        Operation::ImportTokens => import::import(session, ready),
        Operation::RevokeByKey => edit::revoke_by_key(session),
        Operation::ReadToken => list::read(session, id),
        Operation::EditToken => edit::edit(session, id),
        Operation::RevokeToken => edit::revoke(session, id),
        Operation::RotateToken => renew::rotate(session, id, ready),
        Operation::RegenerateToken => renew::regenerate(session, id, ready),
        Operation::CreateChallenge => challenge::create(session),
        Operation::ListMembers => members::list(session),
        Operation::CreateMember => members::create(session),
        Operation::EditMember => members::edit(session, id),
        Operation::RemoveMember => members::remove(session, id),
        Operation::ReadProfile => profile::read(session),
        Operation::ReplaceProfile => profile::replace(session),
        Operation::ListActivity => activity::list(session),
        Operation::VerifyActivity => activity::verify(session),
        Operation::ExportActivity => activity::export(session),
        Operation::ShowDevice => device::show(session),
        Operation::ApproveDevice => device::approve(session),
        Operation::DenyDevice => device::deny(session),
        Operation::Onboard => onboarding::onboard(session, ready),
        Operation::CreateInvitation => invitations::create(session),
        Operation::ListInvitations => invitations::list(session),
        Operation::RevokeInvitation => invitations::revoke(session, id),
        Operation::BeginPasskey => passkeys::begin(session),
        Operation::AddPasskey => passkeys::add(session),
        Operation::ListPasskeys => passkeys::list(session),
        Operation::RemovePasskey => passkeys::remove(session, id),
        Operation::RenewRecoveryCodes => passkeys::renew_codes(session),
        Operation::ListSessions => sessions::list(session),
        Operation::ReadSession => sessions::current(session),
        Operation::ConfirmSession => sessions::confirm(session),
        Operation::EndSession => sessions::end(session, Some(id)),
        Operation::EndCurrentSession => sessions::end(session, None),
        Operation::BeginConfirm => identities::begin_confirm(session),
        Operation::ListIdentities => identities::list(session),
        Operation::BeginIdentity => identities::begin(session),
        Operation::RemoveIdentity => identities::remove(session, id),
        Operation::ReadSignIn => identities::read_sign_in(session),
        Operation::ReplaceSignIn => identities::replace_sign_in(session),
        Operation::RevokeSelf => edit::revoke_self(session),
        // The gate's, the instance's, or carried here by messages of their own.
        Operation::Health
        | Operation::Setup
        | Operation::CreateOrganization
        | Operation::ReadRoutes
        | Operation::ReplaceRoutes
        | Operation::AcceptInvitation
        | Operation::Verify
        | Operation::ForwardAuth
        | Operation::ForwardAuthPath
        | Operation::SignIn
        | Operation::SignInOptions
        | Operation::ReadProvider
        | Operation::SignInAtProvider
        | Operation::ReturnFromProvider
        | Operation::RecoverSession
        | Operation::AuthorizeDevice
        | Operation::CollectToken
        | Operation::Introspect
        | Operation::ReadMetadata
        // The adapters', which come here with calls of ours.
        | Operation::DevguardListTokens
        | Operation::DevguardCreateToken
        | Operation::DevguardRevokeByPrivateKey
        | Operation::DevguardRevokeToken
        | Operation::DevguardWhoAmI
        | Operation::HarborguardListTokens
        | Operation::HarborguardCreateToken
        | Operation::HarborguardRevokeToken
        | Operation::HarborguardListKeys
        | Operation::HarborguardCreateKey
        | Operation::HarborguardRevokeKey
        | Operation::SemgrepCollectToken
        | Operation::SemgrepReadDeployment
        | Operation::SemgrepReadIdentity
        | Operation::DevtronListTokens
        | Operation::DevtronCreateToken
        | Operation::DevtronEditToken
        | Operation::DevtronRevokeToken => Err(Code::NotFound.into()),
    }
}

/// A JSON answer.
pub(crate) fn json<T: Serialize>(status: u16, document: &T) -> Result<HttpResponse> {
    let body = serde_json::to_string(document).map_err(|_| Failure::Broken("an answer cannot be written"))?;
    Ok(HttpResponse { status, headers: headers("application/json"), body })
}

/// A JSON answer, at once.
pub(crate) fn reply<T: Serialize>(status: u16, document: &T) -> Result<Outcome> {
    json(status, document).map(Outcome::Reply)
}

/// A document as a value, to which more can be added.
pub(crate) fn value<T: Serialize>(document: &T) -> Result<serde_json::Value> {
    serde_json::to_value(document).map_err(|_| Failure::Broken("an answer cannot be written"))
}

/// A problem document.
pub(crate) fn problem(problem: &Problem) -> HttpResponse {
    let mut headers = headers("application/problem+json");
    if problem.status == 401 {
        headers.push(("www-authenticate".into(), challenge_header(problem.code)));
    }
    if let Some(seconds) = problem.retry_after {
        headers.push(("retry-after".into(), seconds.to_string()));
    }
    HttpResponse { status: problem.status, headers, body: serde_json::to_string(problem).unwrap_or_default() }
}

/// RFC 6750, section 3: no error code where no credential was sent.
fn challenge_header(code: Code) -> String {
    match code {
        Code::MissingCredential => "Bearer realm=\"symbolon\"".into(),
        code => format!("Bearer realm=\"symbolon\", error=\"invalid_token\", error_description=\"{code}\""),
    }
}

pub(crate) fn headers(media: &str) -> Vec<(String, String)> {
    vec![("content-type".into(), media.into()), ("cache-control".into(), "no-store".into())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, path: &str, expected: core::result::Result<(Operation, &str), Code>) {
        let request = HttpRequest {
            method: method.into(),
            origin: "https://tokens.example".into(),
            path: path.into(),
            query: None,
            headers: Vec::new(),
            body: String::new(),
            client: symbolon::protocol::message::Client::default(),
        };
        let found = route(&request).map_err(|problem| problem.code);
        assert_eq!(found, expected, "{method} {path}");
    }

    #[test]
    fn routes_are_found() {
        check("GET", "/v1/whoami", Ok((Operation::WhoAmI, "")));
        check("GET", "/v1/tokens/", Ok((Operation::ListTokens, "")));
        check("GET", "/v1/tokens/x", Ok((Operation::ReadToken, "x")));
        check("POST", "/v1/tokens/revoke-by-key", Ok((Operation::RevokeByKey, "")));
        check("POST", "/v1/tokens/x/rotate", Ok((Operation::RotateToken, "x")));
        check("PUT", "/v1/tokens/x", Err(Code::MethodNotAllowed));
        check("GET", "/v1/tokens//rotate", Err(Code::NotFound));
        check("GET", "/v1/tokens/x/y", Err(Code::NotFound));
        check("GET", "/", Err(Code::NotFound));
    }
}
