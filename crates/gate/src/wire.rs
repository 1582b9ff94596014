//! The calls of the systems whose profiles come with the product, as far as the gate knows them: what they lead to, and
//! in which form their clients read an error. Everything else about them is the authority's, which also says
//! `not_found` where the organisation's profile does not speak for that system.

use serde::{Deserialize, Serialize};
use symbolon::key::PrivateKey;
use symbolon::policy::{Freshness, Header};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::contract::Operation;
use symbolon::protocol::message::{HttpRequest, HttpResponse, Lookup, Manage, OrganizationCall};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::decide::Refusal;
use crate::lookup;
use crate::manage::{self, Call};
use crate::request::{Address, GateRequest};

/// How large the body of a call may be, in bytes.
pub(crate) const MAX_BODY_BYTES: u32 = 16 * 1024;

/// In which form a system's clients read an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errors {
    /// As a problem document: the system's own form is not known, or its clients look at the status alone.
    Problem,
    /// `{"error": {"code", "message", "issues"}}`.
    Harborguard,
    /// `{"code", "status", "errors"}`.
    Devtron,
}

/// What a call of another system leads to; none where it is not one.
pub(crate) const fn call(operation: Operation) -> Option<Call> {
    Some(match operation {
        Operation::DevguardRevokeByPrivateKey => Call::RevokeByPrivateKey,
        Operation::SemgrepCollectToken => Call::CollectWithKey,
        Operation::HarborguardListTokens
        | Operation::HarborguardCreateToken
        | Operation::HarborguardRevokeToken
        | Operation::HarborguardListKeys
        | Operation::HarborguardCreateKey
        | Operation::HarborguardRevokeKey => Call::Wire(Errors::Harborguard),
        Operation::DevtronListTokens
        | Operation::DevtronCreateToken
        | Operation::DevtronEditToken
        | Operation::DevtronRevokeToken => Call::Wire(Errors::Devtron),
        _ if operation.is_foreign() => Call::Wire(Errors::Problem),
        _ => return None,
    })
}

/// Whether a request is signed and names no key, as DevGuard's instance administrator sends it.
pub(crate) fn is_unnamed_signature(request: &GateRequest) -> bool {
    let sent = |name: &str| request.values(name).next().is_some();
    sent("signature") && sent("signature-input") && !sent(Header::FINGERPRINT)
}

/// A response in the form that the path's clients read. Problems alone differ.
pub(crate) fn translate(errors: Errors, response: HttpResponse) -> HttpResponse {
    let is_problem = response.headers.iter().any(|(name, value)| name == "content-type" && value.contains("problem"));
    if errors == Errors::Problem || !is_problem {
        return response;
    }
    let Ok(problem) = symbolon::json::read::<Problem>(&response.body) else { return response };
    let message = problem.detail.clone().unwrap_or_else(|| problem.title.clone());
    let body = match errors {
        Errors::Harborguard => {
            let issues = problem.errors.into_iter().map(|it| Issue { path: [it.field], message: it.message });
            let error = HarborguardError { code: harborguard_code(problem.status), message, issues: issues.collect() };
            serde_json::to_string(&HarborguardRefusal { error })
        }
        Errors::Devtron | Errors::Problem => {
            let error =
                |user_message, internal_message| DevtronError { code: problem.code, user_message, internal_message };
            let mut errors = vec![error(message, problem.title.clone())];
            let named = problem.errors.iter();
            errors.extend(named.map(|it| error(format!("{} {}", it.field, it.message), it.message.clone())));
            serde_json::to_string(&DevtronRefusal { code: problem.status, status: reason(problem.status), errors })
        }
    };
    // What is written here cannot fail.
    let body = body.unwrap_or_default();
    let mut headers = response.headers;
    for (name, value) in &mut headers {
        if name == "content-type" {
            "application/json".clone_into(value);
        }
    }
    HttpResponse { status: response.status, headers, body }
}

/// A refusal as HarborGuard's clients read it.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct HarborguardRefusal {
    error: HarborguardError,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct HarborguardError {
    /// The cause, by the status.
    code: &'static str,
    message: String,
    /// The fields that are at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    issues: Vec<Issue>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "HarborguardIssue"))]
struct Issue {
    path: [String; 1],
    message: String,
}

/// A refusal as Devtron's clients read it.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct DevtronRefusal {
    /// The status.
    code: u16,
    status: &'static str,
    errors: Vec<DevtronError>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct DevtronError {
    code: Code,
    user_message: String,
    internal_message: String,
}

const fn harborguard_code(status: u16) -> &'static str {
    match status {
        400 => "VALIDATION_ERROR",
        401 => "UNAUTHORIZED",
        403 => "FORBIDDEN",
        404 => "NOT_FOUND",
        405 => "METHOD_NOT_ALLOWED",
        409 => "CONFLICT",
        413 => "PAYLOAD_TOO_LARGE",
        429 => "RATE_LIMITED",
        503 => "SERVICE_UNAVAILABLE",
        _ => "INTERNAL_ERROR",
    }
}

const fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DevguardPrivateKey"))]
pub(crate) struct PostedKey {
    /// The private key in hexadecimal: it goes no further than the edge.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    privkey: Zeroizing<String>,
}

/// `POST /api/v1/pats/revoke-by-private-key`: the key posted is the credential. It goes no further than this function,
/// and the authority says whether its organisation has switched this on.
pub(crate) async fn revoke_by_private_key(
    context: &Context,
    request: &GateRequest,
    address: Address<'_>,
) -> Result<HttpResponse, Refusal> {
    let body = Zeroizing::new(manage::body(context, request, MAX_BODY_BYTES).await?);
    let invalid = || Problem::field("privkey", "must be a private key in hexadecimal");
    // Before the point multiplication, the dearest thing that the gate does by itself.
    context.stranger()?;
    let posted: PostedKey = symbolon::json::read(&body).map_err(|_| invalid())?;
    let key = PrivateKey::from_stripped_hex(&posted.privkey).map_err(|_| invalid())?.public_key();
    let lookup = Lookup::Thumbprint(key.thumbprint());
    let unknown = || Refusal::new(Code::UnknownToken);
    let found = lookup::find(context, None, &lookup, Some(Freshness::Strict)).await?;
    let record =
        found.filter(|record| record.key(&key.thumbprint(), context.io.now()).is_some()).ok_or_else(unknown)?;
    let call = OrganizationCall::Manage(Manage {
        token: record.token,
        signed: true,
        passphrase_hash: None,
        request: HttpRequest {
            method: "POST".to_owned(),
            origin: address.origin.to_owned(),
            path: address.path.to_owned(),
            query: None,
            headers: Vec::new(),
            body: String::new(),
            client: context.client.clone(),
        },
    });
    let response: HttpResponse = context.io.organization(record.short_id, &call).await?;
    if response.status < 300 {
        context.came_to_something();
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::refusal;

    fn check(errors: Errors, problem: Problem, expected: &serde_json::Value) {
        let status = problem.status;
        let response = translate(errors, refusal::of(problem));
        assert_eq!(response.status, status);
        assert!(response.headers.contains(&("content-type".to_owned(), "application/json".to_owned())));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&response.body).unwrap(), *expected);
    }

    #[test]
    fn errors_have_the_form_of_their_system() {
        check(
            Errors::Harborguard,
            Problem::field("name", "must be given"),
            &json!({"error": {"code": "VALIDATION_ERROR", "message": Code::InvalidRequest.title(),
                "issues": [{"path": ["name"], "message": "must be given"}]}}),
        );
        check(
            Errors::Harborguard,
            Problem::new(Code::RateLimited).retry_after(7),
            &json!({"error": {"code": "RATE_LIMITED", "message": Code::RateLimited.title()}}),
        );
        check(
            Errors::Devtron,
            Problem::new(Code::UnknownToken),
            &json!({"code": 401, "status": "Unauthorized", "errors": [
                {"code": "unknown_token", "userMessage": Code::UnknownToken.title(), "internalMessage": Code::UnknownToken.title()}]}),
        );
        let limited = translate(Errors::Harborguard, refusal::of(Problem::new(Code::RateLimited).retry_after(7)));
        assert!(limited.headers.contains(&("retry-after".to_owned(), "7".to_owned())));
        let plain = refusal::of(Problem::new(Code::NotFound));
        assert_eq!(translate(Errors::Problem, plain.clone()), plain);
    }
}
