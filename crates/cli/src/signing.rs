//! Signing requests: natively, as a profile's kind asks, or with components of one's own choice.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use symbolon::id::ShortId;
use symbolon::key::PrivateKey;
use symbolon::policy::SignatureRules;
use symbolon::signature::{
    self, ALGORITHM, BodyDigests, BodyPresence, Component, Field, KeyId, Message, Parameter, SignSpec,
};
use symbolon::time::Timestamp;

use crate::failure::Failure;
use crate::transport::Request;

/// How long our own signatures are good, in seconds: room for clocks that differ, and little for a thief.
pub(crate) const LIFETIME_SECONDS: u32 = 60;

/// What is signed, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// The rules of a kind; none for the native form.
    pub(crate) rules: Option<SignatureRules>,
    /// What to cover instead; empty for what the form says.
    pub(crate) components: Vec<Component>,
    /// The label instead of the form's.
    pub(crate) label: Option<String>,
    /// The tag instead of the form's.
    pub(crate) tag: Option<String>,
    /// The organisation, for the `keyid`.
    pub(crate) organization: Option<ShortId>,
    /// The `keyid` instead of the native one.
    pub(crate) key_id: Option<String>,
}

/// A request that was signed.
pub(crate) struct Signed {
    /// The request with its signature.
    pub(crate) request: Request,
    /// The bytes that were signed.
    pub(crate) base: String,
}

/// Signs a request. `nonce` is 16 fresh random bytes.
///
/// # Errors
/// [`Failure::Input`] where what is to be covered is not there or cannot be signed.
pub(crate) fn sign(
    mut request: Request,
    key: &PrivateKey,
    options: &Options,
    now: Timestamp,
    nonce: &[u8; 16],
) -> Result<Signed, Failure> {
    // RFC 9110, section 8.6: such a request says that its content is empty, and a server may take that for content.
    if request.body.is_none() && matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") {
        request.body = Some(Vec::new());
    }
    let public = key.public_key();
    let rules = options.rules.as_ref().map(SignatureRules::applied);
    let by_fingerprint = rules.as_ref().is_some_and(|rules| rules.fingerprint_header);
    let covers_digest = |named: &[String]| named.iter().any(|name| name == "content-digest");
    let digest_always = options.components.iter().any(|component| component.name() == "content-digest")
        || rules.as_ref().is_some_and(|rules| covers_digest(&rules.components));
    if (request.body.is_some() || digest_always) && !request.has("content-digest") {
        let digest = BodyDigests::sha256(request.body.as_deref().unwrap_or_default()).to_field();
        request = request.header("content-digest", digest);
    }
    if by_fingerprint && !request.has("x-fingerprint") {
        request = request.header("x-fingerprint", public.fingerprint().to_string());
    }
    let (base, headers) = {
        let fields: Vec<Field<'_>> =
            request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let message =
            Message::from(signature::Request { method: &request.method, target: &request.target, fields: &fields });
        let presence = if request.body.is_some() { BodyPresence::Present } else { BodyPresence::Absent };
        let key_id = match (&options.key_id, options.organization) {
            (Some(text), _) => KeyId::from(text.as_str()),
            (None, Some(organization)) => KeyId::Native { organization, thumbprint: public.thumbprint() },
            (None, None) => KeyId::Thumbprint(public.thumbprint()),
        };
        let nonce = Base64UrlUnpadded::encode_string(nonce);
        let mut spec = SignSpec::native(&message, presence, &key_id, now, LIFETIME_SECONDS, &nonce);
        if let Some(rules) = &rules {
            spec.components = components(rules, &message, presence)?;
            if let Some(label) = rules.labels.first() {
                spec.label.clone_from(label);
            }
            if by_fingerprint && !rules.strict {
                // The form of clients that name their key in a header: the time and the algorithm, nothing more.
                spec.parameters = vec![Parameter::Created(now.as_seconds()), Parameter::Alg(ALGORITHM.to_owned())];
            }
        }
        if !options.components.is_empty() {
            spec.components.clone_from(&options.components);
        }
        if let Some(label) = &options.label {
            spec.label.clone_from(label);
        }
        if let Some(tag) = options.tag.as_ref().or(rules.as_ref().and_then(|rules| rules.tag.as_ref())) {
            spec.parameters.retain(|parameter| !matches!(parameter, Parameter::Tag(_)));
            spec.parameters.push(Parameter::Tag(tag.clone()));
        }
        let base = spec.prepare(&message).map_err(|error| Failure::input(format!("It cannot be signed: {error}")))?;
        let headers = base.attach(&key.sign(base.as_bytes()).to_bytes());
        (String::from_utf8_lossy(base.as_bytes()).into_owned(), headers)
    };
    let request = request.header("signature-input", headers.signature_input).header("signature", headers.signature);
    Ok(Signed { request, base })
}

/// What a kind's rules want covered of this request.
fn components(
    rules: &SignatureRules,
    message: &Message<'_>,
    presence: BodyPresence,
) -> Result<Vec<Component>, Failure> {
    let mut names: Vec<&str> = rules.components.iter().map(String::as_str).collect();
    if presence == BodyPresence::Present {
        names.push("content-digest");
        names.extend(rules.components_with_body.iter().map(String::as_str));
        if rules.components_with_body.iter().any(|name| name == "content-type") {
            names.push("content-encoding");
        }
    }
    let mut wanted: Vec<Component> = Vec::new();
    for name in names {
        // These two describe content, and are covered where they are sent.
        if matches!(name, "content-type" | "content-encoding") && !message.has(name) {
            continue;
        }
        let component = Component::named(name).map_err(|error| Failure::input(error.to_string()))?;
        if !wanted.contains(&component) {
            wanted.push(component);
        }
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use symbolon::policy::{Profile, builtin};
    use symbolon::signature::Target;

    use super::*;

    /// The form that another system's client sends, to the last byte.
    #[test]
    fn a_profile_s_form_is_sent_as_its_clients_do() {
        let hex = "32c23131a0050477690183085932bd3e163b88cbeae084c5fa763b790453f995";
        let key = PrivateKey::from_hex(hex).unwrap();
        let profile = Profile::parse(builtin("devguard").unwrap()).unwrap();
        let rules = profile.kind("pat").unwrap().signature.clone();
        let options = Options { rules: Some(rules), ..Options::default() };
        let now = Timestamp::from_seconds(1_700_000_000);
        for (method, body, signature) in [
            (
                "POST",
                Some(br#"{"hello":"world"}"#.to_vec()),
                "sig77=:rR0wOVdWbF8Ks74RGF5F4RK+XCw8Tfo/o3m6ByDHvCivvFv96cu3G5Q6YuFh+i+KdS8JKmR63nLGKc4nRN0/Kw==:",
            ),
            (
                "GET",
                None,
                "sig77=:kqTyvWIqT/VROIT6cVYGvZolKuVXHQagsKIbmhsvjciqYmSpQ5/ffC6+iFJjf6pZ3AQ/ejIUIF/L2ZH/IomD6A==:",
            ),
        ] {
            let target = Target::parse("https://api.example/api/v1/scan").unwrap();
            let request = Request { method: method.to_owned(), target, headers: Vec::new(), body };
            let signed = sign(request, &key, &options, now, &[0; 16]).unwrap().request;
            let header = |name: &str| signed.headers.iter().find(|(found, _)| found == name).map(|(_, v)| v.as_str());
            assert_eq!(header("signature"), Some(signature));
            assert_eq!(
                header("signature-input"),
                Some(r#"sig77=("@method" "content-digest");created=1700000000;alg="ecdsa-p256-sha256""#)
            );
            assert_eq!(
                header("x-fingerprint"),
                Some("16e6e6aa7fb07081dfe7b1154c930955666f47f9247211dfbd19ad2e738f2380")
            );
        }
    }

    #[test]
    fn natively_the_whole_target_and_the_body_are_covered() {
        let key = PrivateKey::from_bytes(&[7; 32]).unwrap();
        let request = Request::new("POST", Target::parse("https://api.example/a?b=1").unwrap())
            .body("application/json", b"{}".to_vec());
        let options = Options { organization: Some("Ab3xZ9".parse().unwrap()), ..Options::default() };
        let signed = sign(request, &key, &options, Timestamp::from_seconds(1_700_000_000), &[0; 16]).unwrap();
        for covered in ["@method", "@authority", "@path", "@query", "content-digest", "content-type"] {
            assert!(signed.base.contains(&format!("\"{covered}\": ")), "{covered} in {}", signed.base);
        }
        let thumbprint = key.public_key().thumbprint();
        assert!(signed.base.contains(&format!("keyid=\"Ab3xZ9.{thumbprint}\";tag=\"symbolon\"")), "{}", signed.base);
        assert!(signed.base.contains("expires=1700000060"), "{}", signed.base);
    }

    #[test]
    fn what_is_not_there_cannot_be_covered() {
        let key = PrivateKey::from_bytes(&[7; 32]).unwrap();
        let request = Request::new("GET", Target::parse("https://api.example/").unwrap());
        let options = Options { components: vec!["x-missing".parse().unwrap()], ..Options::default() };
        let failed = sign(request, &key, &options, Timestamp::EPOCH, &[0; 16]).err().unwrap().to_string();
        assert!(failed.contains("x-missing"), "{failed}");
    }
}
