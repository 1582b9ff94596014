//! What a request presents: one credential, and perhaps a passphrase.
//!
//! A secret travels in `Authorization: Bearer` (RFC 6750, section 2.1) or in a header of its own; a signature in
//! `Signature` and `Signature-Input` (RFC 9421). Which of them a kind takes is judged once its record is known. Two
//! different credentials in one request are refused: whoever comes after us might choose the other one.

use symbolon::id::ShortId;
use symbolon::policy::Header;
use symbolon::problem::{Code, Problem};
use symbolon::signature::{Candidate, Field, Message, Request, Selection, SignatureError, Target, parse_signatures};
use symbolon::token::{Digest, Format, InstanceSecret, Parsed, Secret, SecretFormat, TokenError, parse};

use crate::request::GateRequest;

/// How long a passphrase may be, in bytes: 255 characters of four bytes, rounded up.
const MAX_PASSPHRASE_BYTES: usize = 1024;
/// How long the body of a native token is: what stands before it is its prefix.
const NATIVE_BODY_LEN: usize = 48;

/// On which side a request arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Management: every credential header is ours.
    Management,
    /// The protected side: headers but `Authorization` may be the origin's own, and count only with a token of ours.
    Gateway,
}

/// The formats and the secret by which a text is known as a token of this instance.
pub(crate) struct Known {
    pub(crate) formats: Vec<Format>,
    pub(crate) secret: InstanceSecret,
}

/// A token as its text tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenName<'t> {
    pub(crate) organization: Option<ShortId>,
    pub(crate) digest: Digest,
    /// Its public first characters, where its form is one that other systems write: it may have been imported.
    pub(crate) foreign_prefix: Option<&'t str>,
}

impl Known {
    /// Reads a token: of a known format, or of the native form with any prefix, which proves itself by checksum and
    /// organisation.
    pub(crate) fn read<'t>(&self, text: &'t str) -> Result<TokenName<'t>, TokenError> {
        match parse(text, &self.formats, &self.secret) {
            Err(TokenError::UnknownPrefix) => self.native(text),
            result => result.map(TokenName::of),
        }
    }

    /// Reads a token of the native form. One whose checksum alone is wrong was copied wrongly, as far as its form tells.
    fn native<'t>(&self, text: &'t str) -> Result<TokenName<'t>, TokenError> {
        let prefix = text.len().checked_sub(NATIVE_BODY_LEN).and_then(|length| text.get(..length));
        let format = prefix.and_then(|prefix| Format::new(prefix, SecretFormat::Native).ok());
        match format.as_ref().map(|format| parse(text, [format], &self.secret)) {
            Some(Ok(parsed)) => Ok(TokenName::of(parsed)),
            Some(Err(error @ (TokenError::ForeignOrganization | TokenError::WrongChecksum))) => Err(error),
            _ => Err(TokenError::UnknownPrefix),
        }
    }

    /// Whether a text can only be meant as a token of ours. A misspelt one of the native form cannot be told from keys of
    /// others, since any prefix may stand before it.
    pub(crate) fn claims(&self, text: &str) -> bool {
        match parse(text, &self.formats, &self.secret) {
            Err(TokenError::UnknownPrefix) => {
                matches!(self.native(text), Ok(_) | Err(TokenError::ForeignOrganization))
            }
            _ => true,
        }
    }
}

impl<'t> TokenName<'t> {
    fn of(parsed: Parsed<'_, 't>) -> Self {
        let Parsed { format, organization, digest, display_prefix, .. } = parsed;
        let foreign_prefix = matches!(format.body(), SecretFormat::Hex(_)).then_some(display_prefix);
        Self { organization, digest, foreign_prefix }
    }
}

/// What proves who asks. Without `Debug`: it may hold a secret.
pub(crate) enum Credential {
    /// A secret, and where it stood; none where it came by itself, as in a call to verify it.
    Bearer(Secret, Option<Header>),
    /// A signature.
    Signature(Box<Candidate>),
    /// The secret of a session in the console, out of its cookie.
    Session(Secret),
}

/// What a request presents.
pub(crate) struct Presented {
    /// The credential, if any.
    pub(crate) credential: Option<Credential>,
    /// The passphrase, if any.
    pub(crate) passphrase: Option<Secret>,
}

/// Why what was presented cannot be read; which is about the request alone.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// With this problem.
    Problem(Problem),
    /// The signature.
    Signature(SignatureError),
}

/// Finds what a request presents.
pub(crate) fn presented(request: &GateRequest, side: Side, known: &Known) -> Result<Presented, Unreadable> {
    let malformed = |detail: &str| Unreadable::Problem(Problem::new(Code::MalformedCredential).detail(detail));
    let mut bearer: Option<(&str, Header)> = None;
    for header in Header::ALL {
        for value in request.values(header.as_str()) {
            let value = value.trim_matches([' ', '\t']);
            let Some(text) = (if *header == Header::Authorization { after_bearer(value) } else { Some(value) }) else {
                continue;
            };
            if side == Side::Gateway && *header != Header::Authorization && !known.claims(text) {
                continue;
            }
            match bearer {
                Some((other, _)) if other != text => return Err(malformed("two different credentials were sent")),
                Some(_) => {}
                None => bearer = Some((text, *header)),
            }
        }
    }
    let passphrase = passphrase(request).map_err(malformed)?;
    let signed = ["signature", "signature-input"].iter().any(|name| request.values(name).next().is_some());
    let credential = match (bearer, signed) {
        (Some(_), true) => return Err(malformed("a secret and a signature were sent: one credential at a time")),
        (Some((text, header)), false) => Some(Credential::Bearer(Secret::from_string(text.to_owned()), Some(header))),
        (None, true) => Some(Credential::Signature(Box::new(signature(request).map_err(Unreadable::Signature)?))),
        (None, false) => None,
    };
    Ok(Presented { credential, passphrase })
}

/// What follows `Bearer`, in any case (RFC 9110, section 11.1); none under another scheme.
fn after_bearer(value: &str) -> Option<&str> {
    let (scheme, text) = value.split_once([' ', '\t']).unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim_matches([' ', '\t']))
}

fn passphrase(request: &GateRequest) -> Result<Option<Secret>, &'static str> {
    match (request.single(Header::PASSPHRASE), request.values(Header::PASSPHRASE).count()) {
        (Some(text), _) if text.len() > MAX_PASSPHRASE_BYTES => Err("the passphrase is too long"),
        (Some(text), _) => Ok(Some(Secret::from_string(text.to_owned()))),
        (None, 0) => Ok(None),
        (None, _) => Err("the passphrase was sent twice"),
    }
}

fn signature(request: &GateRequest) -> Result<Candidate, SignatureError> {
    // Which signature is meant does not depend on the target; what it covers is judged with it, later.
    let target = Target::parse("https://unused.invalid/")?;
    let fields = fields(request);
    let message = Message::Request(Request { method: &request.method, target: &target, fields: &fields });
    parse_signatures(&message)?.select(&Selection::NATIVE)
}

/// The request's fields as the signature module wants them.
pub(crate) fn fields(request: &GateRequest) -> Vec<Field<'_>> {
    request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{known, request, token};

    #[track_caller]
    fn check(side: Side, headers: &[(&str, &str)], expected: Result<Option<Header>, Code>) {
        let found = match presented(&request("GET", "https://a.example/", headers), side, &known()) {
            Ok(Presented { credential: None, .. }) => Ok(None),
            Ok(Presented { credential: Some(Credential::Bearer(secret, header)), .. }) => {
                assert_eq!(secret.expose(), token());
                Ok(header)
            }
            Ok(Presented { .. }) => panic!("another credential"),
            Err(Unreadable::Problem(problem)) => Err(problem.code),
            Err(Unreadable::Signature(error)) => Err(error.code()),
        };
        assert_eq!(found, expected, "{headers:?}");
    }

    #[test]
    fn one_credential_is_found_wherever_it_stands() {
        let token = token();
        for side in [Side::Management, Side::Gateway] {
            check(side, &[], Ok(None));
            for scheme in ["Bearer", "bearer", "BEARER"] {
                check(side, &[("authorization", &format!("{scheme}  {token} "))], Ok(Some(Header::Authorization)));
            }
            for header in [Header::XApiKey, Header::Token, Header::ApiToken] {
                check(side, &[(&header.as_str().to_uppercase(), &token)], Ok(Some(header)));
            }
            check(side, &[("authorization", "Basic YTpi")], Ok(None));
            let same = [("authorization", format!("Bearer {token}")), ("token", token.clone())];
            let same: Vec<(&str, &str)> = same.iter().map(|(name, value)| (*name, value.as_str())).collect();
            check(side, &same, Ok(Some(Header::Authorization)));
        }
    }

    #[test]
    fn two_credentials_are_refused() {
        let token = token();
        let bearer = format!("Bearer {token}");
        let refused = Err(Code::MalformedCredential);
        for side in [Side::Management, Side::Gateway] {
            check(side, &[("authorization", &bearer), ("authorization", "Bearer other")], refused);
            check(side, &[("authorization", "Bearer other"), ("x-api-key", &token)], refused);
            check(side, &[("authorization", &bearer), ("signature", "sig=:AA==:")], refused);
            check(side, &[("authorization", &bearer), ("signature-input", "")], refused);
            check(side, &[("signature", "sig=:AA==:")], refused);
            check(side, &[("x-token-passphrase", "a"), ("x-token-passphrase", "a")], refused);
            check(side, &[("x-token-passphrase", &"a".repeat(1025))], refused);
        }
    }

    #[test]
    fn on_the_protected_side_other_headers_are_the_origins_unless_they_hold_a_token() {
        let token = token();
        check(
            Side::Management,
            &[("authorization", &format!("Bearer {token}")), ("token", "csrf")],
            Err(Code::MalformedCredential),
        );
        check(
            Side::Gateway,
            &[("authorization", &format!("Bearer {token}")), ("token", "csrf")],
            Ok(Some(Header::Authorization)),
        );
        check(Side::Gateway, &[("token", "csrf")], Ok(None));
        // What stands beside a good token: on the protected side another token of ours is refused, what is none is not ours.
        let bearer = format!("Bearer {token}");
        let own = Format::new("acme_", SecretFormat::Native).unwrap();
        let other = own.generate(&"Acme42".parse().unwrap(), &known().secret, &[7; 64]).unwrap();
        for (text, on_the_protected_side) in
            [("garbage", Ok(Some(Header::Authorization))), (other.expose(), Err(Code::MalformedCredential))]
        {
            let both = [("authorization", bearer.as_str()), ("x-api-key", text)];
            check(Side::Management, &both, Err(Code::MalformedCredential));
            check(Side::Gateway, &both, on_the_protected_side);
        }
    }

    #[test]
    fn a_native_token_of_any_prefix_is_known_by_itself() {
        let known = known();
        let own = Format::new("acme_", SecretFormat::Native).unwrap();
        let organization = "Acme42".parse().unwrap();
        let secret = own.generate(&organization, &known.secret, &[7; 64]).unwrap();
        assert_eq!(known.read(secret.expose()).unwrap().organization, Some(organization));
        assert!(known.claims(secret.expose()));
        // A typing error is told as one; whether it was meant as a token of ours is not known for that.
        let misspelt = secret.expose().replace("acme_", "acmf_");
        assert_eq!(known.read(&misspelt), Err(TokenError::WrongChecksum));
        assert!(!known.claims(&misspelt));
        for other in ["eyJhbGciOi.eyJzdWIi.c2ln", "acme_short", "acme"] {
            assert_eq!(known.read(other), Err(TokenError::UnknownPrefix));
            assert!(!known.claims(other));
        }
    }
}
