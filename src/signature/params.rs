//! One member of `Signature-Input`: the covered components and the signature's parameters (RFC 9421, section 2.3).

use sfv::{BareItem, Key, KeyRef, StringRef};

use super::error::SignatureError;
use super::fields::{self, Item, Member};
use super::{Component, MAX_COMPONENTS, MAX_PARAMETER_BYTES, MAX_PARAMETERS};

/// A parameter of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parameter {
    /// When the signature was made, in seconds since 1970.
    Created(i64),
    /// When it ends, in seconds since 1970.
    Expires(i64),
    /// A value that its maker uses once.
    Nonce(String),
    /// The algorithm's name.
    Alg(String),
    /// Which key made it.
    KeyId(String),
    /// What it is for.
    Tag(String),
    /// One that RFC 9421 does not define; it is signed all the same.
    Other {
        /// Its key.
        key: String,
        /// Its value as it is written: `?1`, `"text"`, `12`, …
        value: String,
    },
}

impl Parameter {
    fn key(&self) -> &str {
        match self {
            Self::Created(_) => "created",
            Self::Expires(_) => "expires",
            Self::Nonce(_) => "nonce",
            Self::Alg(_) => "alg",
            Self::KeyId(_) => "keyid",
            Self::Tag(_) => "tag",
            Self::Other { key, .. } => key,
        }
    }
}

/// What one signature covers, and its parameters, all in the sender's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureInput {
    components: Vec<Component>,
    parameters: Vec<Parameter>,
    /// The member's strict serialisation: the value of `@signature-params`.
    text: String,
}

impl SignatureInput {
    /// Puts one together for signing.
    ///
    /// # Errors
    /// [`SignatureError`] where a component occurs twice, there are too many, or a parameter is longer than
    /// [`MAX_PARAMETER_BYTES`], not ASCII, or one that RFC 9421 does not define.
    pub fn new(components: Vec<Component>, parameters: &[Parameter]) -> Result<Self, SignatureError> {
        let wrong = |name: &str| SignatureError::MalformedParameter { name: name.to_owned() };
        let mut written = Vec::with_capacity(parameters.len());
        for parameter in parameters {
            let name = parameter.key();
            let value = match parameter {
                Parameter::Created(seconds) | Parameter::Expires(seconds) => {
                    BareItem::Integer(sfv::Integer::try_from(*seconds).map_err(|_| wrong(name))?)
                }
                Parameter::Nonce(text) | Parameter::Alg(text) | Parameter::KeyId(text) | Parameter::Tag(text) => {
                    BareItem::String(StringRef::from_str(text).map_err(|_| wrong(name))?.to_owned())
                }
                Parameter::Other { .. } => return Err(wrong(name)),
            };
            written.push((key(name).ok_or_else(|| wrong(name))?, value));
        }
        let items = components.iter().map(Component::to_item).collect();
        Self::from_member(Member { bare: None, items, parameters: written })
    }

    /// Reads one member of `Signature-Input`.
    pub(super) fn from_member(member: Member) -> Result<Self, SignatureError> {
        let text = fields::print_member(&member);
        let Member { bare: None, items, parameters: written } = member else {
            return Err(SignatureError::malformed("signature-input"));
        };
        let parameters =
            written.iter().map(|(key, value)| parameter(key.as_str(), value)).collect::<Result<Vec<_>, _>>()?;
        if parameters.len() > MAX_PARAMETERS {
            return Err(SignatureError::TooLarge { what: "signature parameters".to_owned(), limit: MAX_PARAMETERS });
        }
        let duplicate =
            |at: usize| parameters.iter().take(at).any(|one| parameters.get(at).map(Parameter::key) == Some(one.key()));
        if let Some(twice) = (0..parameters.len()).find(|at| duplicate(*at)).and_then(|at| parameters.get(at)) {
            return Err(SignatureError::MalformedParameter { name: twice.key().to_owned() });
        }
        let components = unique_components(items)?;
        Ok(Self { components, parameters, text })
    }

    /// The covered components.
    #[must_use]
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// All parameters.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The value of `@signature-params`: the inner list with its parameters, serialised in the sender's order.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `created`, in seconds since 1970.
    #[must_use]
    pub fn created(&self) -> Option<i64> {
        self.parameters.iter().find_map(|one| if let Parameter::Created(at) = one { Some(*at) } else { None })
    }

    /// `expires`, in seconds since 1970.
    #[must_use]
    pub fn expires(&self) -> Option<i64> {
        self.parameters.iter().find_map(|one| if let Parameter::Expires(at) = one { Some(*at) } else { None })
    }

    /// `nonce`.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.parameters.iter().find_map(|one| if let Parameter::Nonce(text) = one { Some(text.as_str()) } else { None })
    }

    /// `alg`.
    #[must_use]
    pub fn alg(&self) -> Option<&str> {
        self.parameters.iter().find_map(|one| if let Parameter::Alg(text) = one { Some(text.as_str()) } else { None })
    }

    /// `keyid`.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.parameters.iter().find_map(|one| if let Parameter::KeyId(text) = one { Some(text.as_str()) } else { None })
    }

    /// `tag`.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.parameters.iter().find_map(|one| if let Parameter::Tag(text) = one { Some(text.as_str()) } else { None })
    }
}

/// Reads the covered components, each at most once.
pub(super) fn unique_components(items: Vec<Item>) -> Result<Vec<Component>, SignatureError> {
    if items.len() > MAX_COMPONENTS {
        return Err(SignatureError::TooLarge { what: "covered components".to_owned(), limit: MAX_COMPONENTS });
    }
    let mut components: Vec<Component> = Vec::with_capacity(items.len());
    for item in items {
        let component = Component::from_item(item)?;
        if components.contains(&component) {
            return Err(SignatureError::DuplicateComponent { component: component.to_string() });
        }
        components.push(component);
    }
    Ok(components)
}

pub(super) fn key(text: &str) -> Option<Key> {
    KeyRef::from_str(text).ok().map(ToOwned::to_owned)
}

fn parameter(key: &str, value: &BareItem) -> Result<Parameter, SignatureError> {
    let wrong = || SignatureError::MalformedParameter { name: key.to_owned() };
    // `1.0` is a Decimal, not an Integer, and negative times precede HTTP.
    let seconds = || value.as_integer().map(i64::from).filter(|seconds| *seconds >= 0).ok_or_else(wrong);
    let text = || {
        let text = value.as_string().ok_or_else(wrong)?.as_str();
        if text.len() > MAX_PARAMETER_BYTES { Err(wrong()) } else { Ok(text.to_owned()) }
    };
    Ok(match key {
        "created" => Parameter::Created(seconds()?),
        "expires" => Parameter::Expires(seconds()?),
        "nonce" => Parameter::Nonce(text()?),
        "alg" => Parameter::Alg(text()?),
        "keyid" => Parameter::KeyId(text()?),
        "tag" => Parameter::Tag(text()?),
        _ => Parameter::Other { key: key.to_owned(), value: fields::print_item(value, &Vec::new()) },
    })
}
