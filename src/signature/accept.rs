//! `Accept-Signature`: what one side asks the other to sign (RFC 9421, section 5).

use core::fmt;

use sfv::{BareItem, Key, StringRef};

use super::error::SignatureError;
use super::fields::{self, Dictionary, Member, Parameters};
use super::message::{self, Field};
use super::params::{key, unique_components};
use super::{Component, MAX_PARAMETER_BYTES, MAX_SIGNATURES};

const FIELD: &str = "accept-signature";

/// One signature that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RequestedSignature {
    /// What it should cover.
    pub components: Vec<Component>,
    /// Whether it should say when it was made.
    pub created: bool,
    /// Whether it should say when it ends.
    pub expires: bool,
    /// The nonce that it should have.
    pub nonce: Option<String>,
    /// The algorithm to use.
    pub alg: Option<String>,
    /// The key to use.
    pub key_id: Option<String>,
    /// The tag that it should have.
    pub tag: Option<String>,
}

/// The whole field: signatures that are asked for, each under the label that it should have.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AcceptSignature {
    requests: Vec<(String, RequestedSignature)>,
}

impl AcceptSignature {
    /// Asks for one signature.
    #[must_use]
    pub fn one(label: &str, requested: RequestedSignature) -> Self {
        Self { requests: vec![(label.to_owned(), requested)] }
    }

    /// The labels and what is asked for under each.
    #[must_use]
    pub fn requests(&self) -> &[(String, RequestedSignature)] {
        &self.requests
    }

    /// Reads the field from a message's field lines; empty where there is none.
    ///
    /// # Errors
    /// [`SignatureError`] where the field is malformed, repeats a label or component, or asks for what is unknown.
    /// Parameters that RFC 9421 does not define are skipped.
    pub fn of_fields(fields: &[Field<'_>]) -> Result<Self, SignatureError> {
        message::combined(fields, FIELD)?.map_or_else(|| Ok(Self::default()), |value| Self::parse(&value))
    }

    /// Reads the field's whole value.
    ///
    /// # Errors
    /// As [`AcceptSignature::of_fields`].
    pub fn parse(value: &str) -> Result<Self, SignatureError> {
        if value.len() > super::MAX_FIELD_BYTES {
            return Err(SignatureError::TooLarge { what: FIELD.to_owned(), limit: super::MAX_FIELD_BYTES });
        }
        let dictionary = fields::parse_dictionary(FIELD, value)?;
        if dictionary.len() > MAX_SIGNATURES {
            return Err(SignatureError::TooLarge { what: FIELD.to_owned(), limit: MAX_SIGNATURES });
        }
        let read = |(label, member): (Key, Member)| requested(member).map(|read| (label.as_str().to_owned(), read));
        Ok(Self { requests: dictionary.into_iter().map(read).collect::<Result<_, _>>()? })
    }
}

fn requested(member: Member) -> Result<RequestedSignature, SignatureError> {
    let Member { bare: None, items, parameters } = member else { return Err(SignatureError::malformed(FIELD)) };
    let mut found = RequestedSignature { components: unique_components(items)?, ..Default::default() };
    for (name, value) in parameters {
        let wrong = || SignatureError::MalformedParameter { name: name.as_str().to_owned() };
        let flag = || if value == BareItem::Boolean(true) { Ok(true) } else { Err(wrong()) };
        let text = || match value.as_string() {
            Some(text) if text.as_str().len() <= MAX_PARAMETER_BYTES => Ok(Some(text.as_str().to_owned())),
            _ => Err(wrong()),
        };
        match name.as_str() {
            "created" => found.created = flag()?,
            "expires" => found.expires = flag()?,
            "nonce" => found.nonce = text()?,
            "alg" => found.alg = text()?,
            "keyid" => found.key_id = text()?,
            "tag" => found.tag = text()?,
            _ => {}
        }
    }
    Ok(found)
}

impl fmt::Display for AcceptSignature {
    /// The value of the field. A label or text that no structured field can hold is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = |requested: &RequestedSignature| {
            let flags = [("created", requested.created), ("expires", requested.expires)];
            let texts = [
                ("nonce", &requested.nonce),
                ("alg", &requested.alg),
                ("keyid", &requested.key_id),
                ("tag", &requested.tag),
            ];
            let flags =
                flags.into_iter().filter(|(_, wanted)| *wanted).map(|(name, _)| (name, BareItem::Boolean(true)));
            let texts = texts.into_iter().filter_map(|(name, text)| {
                Some((name, BareItem::String(StringRef::from_str(text.as_deref()?).ok()?.to_owned())))
            });
            let parameters: Parameters =
                flags.chain(texts).filter_map(|(name, value)| Some((key(name)?, value))).collect();
            Member { bare: None, items: requested.components.iter().map(Component::to_item).collect(), parameters }
        };
        let dictionary: Dictionary =
            self.requests.iter().filter_map(|(label, requested)| Some((key(label)?, member(requested)))).collect();
        f.write_str(&fields::print_dictionary(&dictionary))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_and_printed() {
        let text = concat!(
            r#"sig1=("@method" "@query-param";name="a" "content-digest";req);created;expires;nonce="n";"#,
            r#"alg="ecdsa-p256-sha256";keyid="k";tag="app-123", sig2=();tag="x""#
        );
        let parsed = AcceptSignature::parse(text).unwrap();
        assert_eq!(parsed.to_string(), text);
        let (label, first) = parsed.requests().first().unwrap();
        assert_eq!((label.as_str(), first.created, first.nonce.as_deref()), ("sig1", true, Some("n")));
        assert_eq!(AcceptSignature::of_fields(&[("Accept-Signature", text.as_bytes())]), Ok(parsed));
    }

    #[test]
    fn what_cannot_be_signed_is_refused() {
        for text in [
            "sig1",
            "sig1=1",
            r#"sig1=("@method" "@method")"#,
            r#"sig1=("@nothing")"#,
            "sig1=();created=1",
            "sig1=();nonce",
            "sig1=(), sig1=()",
        ] {
            assert!(AcceptSignature::parse(text).is_err(), "{text}");
        }
    }
}
