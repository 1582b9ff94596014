//! Components: what a signature covers, piece by piece, and the value of each in a message (RFC 9421, section 2).

use core::fmt;
use core::str::FromStr;

use sfv::BareItem;

use super::MAX_PARAMETERS;
use super::error::SignatureError;
use super::fields::{self, Item, Parameters};
use super::message::{self, Message, Request};

/// A derived component (RFC 9421, section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derived {
    /// The method.
    Method,
    /// The whole target.
    TargetUri,
    /// Host and port, normalised.
    Authority,
    /// The scheme.
    Scheme,
    /// Path and query as in the request line.
    RequestTarget,
    /// The path.
    Path,
    /// The query with its `?`, which stands even where there is no query.
    Query,
    /// One named parameter of the query.
    QueryParam,
    /// The status code of a response.
    Status,
}

impl Derived {
    const ALL: [Self; 9] = [
        Self::Method,
        Self::TargetUri,
        Self::Authority,
        Self::Scheme,
        Self::RequestTarget,
        Self::Path,
        Self::Query,
        Self::QueryParam,
        Self::Status,
    ];

    /// The name, with its `@`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Method => "@method",
            Self::TargetUri => "@target-uri",
            Self::Authority => "@authority",
            Self::Scheme => "@scheme",
            Self::RequestTarget => "@request-target",
            Self::Path => "@path",
            Self::Query => "@query",
            Self::QueryParam => "@query-param",
            Self::Status => "@status",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Derived(Derived),
    /// The name of a field, in lower case.
    Field(String),
}

/// A component identifier: a name and its parameters in the order in which they were written.
///
/// Two identifiers are equal whatever the order of their parameters (RFC 9421, section 2).
#[derive(Clone, Debug)]
pub struct Component {
    kind: Kind,
    parameters: Parameters,
}

impl PartialEq for Component {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.parameters.len() == other.parameters.len()
            && self.parameters.iter().all(|parameter| other.parameters.contains(parameter))
    }
}

impl Eq for Component {}

impl Component {
    /// A derived component without parameters.
    ///
    /// # Errors
    /// [`SignatureError::UnknownComponent`] for [`Derived::QueryParam`], which needs a name.
    pub fn derived(derived: Derived) -> Result<Self, SignatureError> {
        Self::checked(Kind::Derived(derived), Vec::new())
    }

    /// A field, whole and as it is written.
    ///
    /// # Errors
    /// [`SignatureError::UnknownComponent`] where the name is not that of a field in lower case.
    pub fn field(name: &str) -> Result<Self, SignatureError> {
        Self::checked(Kind::Field(name.to_owned()), Vec::new())
    }

    /// A component without parameters from its name alone, as rules write it: `@method`, `content-digest`.
    ///
    /// # Errors
    /// [`SignatureError::UnknownComponent`] for a name that begins with `@` and is not known, and as
    /// [`Component::derived`] and [`Component::field`].
    pub fn named(name: &str) -> Result<Self, SignatureError> {
        match Derived::ALL.into_iter().find(|derived| derived.as_str() == name) {
            Some(derived) => Self::derived(derived),
            None => Self::field(name),
        }
    }

    pub(super) fn from_item(item: Item) -> Result<Self, SignatureError> {
        let unknown = |item: &Item| SignatureError::UnknownComponent {
            component: fields::print_item(&item.bare, &item.parameters),
        };
        let Some(name) = item.bare.as_string().map(|name| name.as_str()) else { return Err(unknown(&item)) };
        let kind = if name.starts_with('@') {
            match Derived::ALL.into_iter().find(|derived| derived.as_str() == name) {
                Some(derived) => Kind::Derived(derived),
                None => return Err(unknown(&item)),
            }
        } else {
            Kind::Field(name.to_owned())
        };
        Self::checked(kind, item.parameters)
    }

    fn checked(kind: Kind, parameters: Parameters) -> Result<Self, SignatureError> {
        let component = Self { kind, parameters };
        if component.is_valid() {
            Ok(component)
        } else {
            Err(SignatureError::UnknownComponent { component: component.to_string() })
        }
    }

    /// Which parameters go with what: RFC 9421, sections 2.1 and 2.2.8. Trailers (`tr`) never reach us.
    fn is_valid(&self) -> bool {
        let types = self.parameters.iter().all(|(key, value)| match key.as_str() {
            "sf" | "bs" | "req" => *value == BareItem::Boolean(true),
            "key" | "name" => value.as_string().is_some(),
            _ => false,
        });
        let combination = match &self.kind {
            Kind::Derived(Derived::QueryParam) => self.has("name") && !self.has_field_parameter(),
            Kind::Derived(Derived::Status) => self.parameters.is_empty(),
            Kind::Derived(_) => !self.has("name") && !self.has_field_parameter(),
            Kind::Field(name) => {
                is_field_name(name) && !self.has("name") && !(self.has("bs") && (self.has("sf") || self.has("key")))
            }
        };
        types && combination && self.parameters.len() <= MAX_PARAMETERS
    }

    fn has(&self, key: &str) -> bool {
        self.parameters.iter().any(|(found, _)| found.as_str() == key)
    }

    fn has_field_parameter(&self) -> bool {
        self.has("sf") || self.has("bs") || self.has("key")
    }

    fn text(&self, key: &str) -> Option<&str> {
        let (_, value) = self.parameters.iter().find(|(found, _)| found.as_str() == key)?;
        Some(value.as_string()?.as_str())
    }

    pub(super) fn to_item(&self) -> Item {
        // Names are checked when a component is made; an empty one could never verify.
        let name = sfv::StringRef::from_str(self.name()).map(ToOwned::to_owned).unwrap_or_default();
        Item { bare: BareItem::String(name), parameters: self.parameters.clone() }
    }

    /// The name: `@method`, `content-digest`, …
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.kind {
            Kind::Derived(derived) => derived.as_str(),
            Kind::Field(name) => name,
        }
    }

    /// Whether covering `self` covers all of `wanted`: they are equal, or `self` is the same field in another whole form
    /// (`sf` or `bs`).
    #[must_use]
    pub fn covers(&self, wanted: &Self) -> bool {
        self == wanted
            || (matches!(wanted.kind, Kind::Field(_))
                && wanted.parameters.is_empty()
                && self.kind == wanted.kind
                && !self.has("key")
                && !self.has("req"))
    }

    /// The component's value in a message, as it stands in the signature base (RFC 9421, section 2).
    ///
    /// # Errors
    /// [`SignatureError`] where the message has no such thing, has it twice, or in a form that cannot be signed.
    pub fn value(&self, message: &Message<'_>) -> Result<String, SignatureError> {
        let absent = || SignatureError::AbsentComponent { component: self.to_string() };
        let (request, fields) = match (message, self.has("req")) {
            (Message::Request(request), false) => (Some(request), request.fields),
            (Message::Response(response), true) => {
                let request = response.request.as_ref().ok_or_else(absent)?;
                (Some(request), request.fields)
            }
            (Message::Response(response), false) => (None, response.fields),
            // `req` means the request that a response answers; a request has none.
            (Message::Request(_), true) => {
                return Err(SignatureError::UnknownComponent { component: self.to_string() });
            }
        };
        match &self.kind {
            Kind::Field(name) if self.has("bs") => byte_sequences(fields, name)?.ok_or_else(absent),
            Kind::Field(name) => {
                let text = message::combined(fields, name)?.ok_or_else(absent)?;
                if let Some(key) = self.text("key") {
                    let dictionary = fields::parse_dictionary(name, &text)?;
                    let member = dictionary.iter().find(|(found, _)| found.as_str() == key).ok_or_else(absent)?;
                    Ok(fields::print_member(&member.1))
                } else if self.has("sf") {
                    fields::canonical(name, &text)
                } else {
                    Ok(text)
                }
            }
            Kind::Derived(Derived::Status) => match message {
                Message::Response(response) => Ok(format!("{:03}", response.status)),
                Message::Request(_) => Err(SignatureError::UnknownComponent { component: self.to_string() }),
            },
            Kind::Derived(derived) => self.request_value(*derived, request.ok_or_else(absent)?).ok_or_else(absent),
        }
    }

    fn request_value(&self, derived: Derived, request: &Request<'_>) -> Option<String> {
        let target = request.target;
        Some(match derived {
            // A method is a token (RFC 9110, section 9.1); anything else could forge a line.
            Derived::Method => Some(request.method).filter(|method| is_token(method))?.to_owned(),
            Derived::TargetUri => target.to_string(),
            Derived::Authority => target.authority().to_owned(),
            Derived::Scheme => target.scheme().as_str().to_owned(),
            // CONNECT has no origin form, and reaches no Worker.
            Derived::RequestTarget if request.method == "CONNECT" => return None,
            Derived::RequestTarget => target.request_target(),
            Derived::Path => target.path().to_owned(),
            Derived::Query => format!("?{}", target.query().unwrap_or_default()),
            Derived::QueryParam => query_parameter(target.query()?, self.text("name")?)?,
            Derived::Status => return None,
        })
    }
}

impl fmt::Display for Component {
    /// The identifier as it stands in the signature base: `"@query-param";name="a"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nearly all have no parameters, and nothing in a name that is known to be one wants escaping.
        if self.parameters.is_empty() && (matches!(self.kind, Kind::Derived(_)) || is_field_name(self.name())) {
            return write!(f, "\"{}\"", self.name());
        }
        let item = self.to_item();
        f.write_str(&fields::print_item(&item.bare, &item.parameters))
    }
}

impl FromStr for Component {
    type Err = SignatureError;

    /// Reads an identifier in its serialised form, quotes and parameters included: `"example-dict";key="a"`. A bare name
    /// such as `@method` or `content-digest` is read as well, for configuration.
    fn from_str(text: &str) -> Result<Self, SignatureError> {
        let unknown = || SignatureError::UnknownComponent { component: text.to_owned() };
        let quoted = if text.starts_with('"') { text.to_owned() } else { format!("\"{text}\"") };
        let mut list = fields::parse_dictionary("component", &format!("c=({quoted})")).map_err(|_| unknown())?;
        let mut items = list.pop().ok_or_else(unknown)?.1.items;
        match (items.pop(), items.is_empty() && list.is_empty()) {
            (Some(item), true) => Self::from_item(item),
            _ => Err(unknown()),
        }
    }
}

/// `;bs`: each line for itself, encoded (RFC 9421, section 2.1.3).
fn byte_sequences(fields: &[message::Field<'_>], name: &str) -> Result<Option<String>, SignatureError> {
    let mut whole: Option<String> = None;
    let mut length = 0_usize;
    for value in message::lines(fields, name) {
        length = length.saturating_add(value.len());
        if length > super::MAX_FIELD_BYTES {
            return Err(SignatureError::TooLarge { what: name.to_owned(), limit: super::MAX_FIELD_BYTES });
        }
        let line = fields::print_bytes(message::clean_line(name, value)?.as_bytes());
        whole = Some(match whole {
            Some(before) => before + ", " + &line,
            None => line,
        });
    }
    Ok(whole)
}

/// The one parameter of this (encoded) name in the query: parsed as a form, and encoded again (RFC 9421, section 2.2.8).
///
/// None where there is none or more than one: a parameter that occurs twice must not be covered.
fn query_parameter(query: &str, wanted: &str) -> Option<String> {
    let mut found = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| encode_again(name).as_deref() == Some(wanted));
    let (_, value) = found.next()?;
    if found.next().is_some() { None } else { encode_again(value) }
}

/// Decodes one name or value of a form and encodes all of it but letters, digits, `-`, `.` and `_`. None where the bytes
/// are not UTF-8: a form parser would replace them, so that different queries would look the same.
fn encode_again(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let [high, low] = [bytes.next()?, bytes.next()?].map(hex_digit);
                high?.checked_shl(4)? | low?
            }
            _ => byte,
        });
    }
    core::str::from_utf8(&decoded).ok()?;
    let mut encoded = String::with_capacity(decoded.len());
    for byte in decoded {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
            encoded.push(char::from(byte));
        } else {
            let hex = b"0123456789ABCDEF";
            encoded.push('%');
            for nibble in [byte.wrapping_shr(4), byte & 0x0f] {
                encoded.push(char::from(*hex.get(usize::from(nibble))?));
            }
        }
    }
    Some(encoded)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_tchar)
}

fn is_field_name(name: &str) -> bool {
    is_token(name) && !name.bytes().any(|byte| byte.is_ascii_uppercase())
}
