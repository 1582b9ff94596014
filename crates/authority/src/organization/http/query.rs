//! Reading a query, and the cursors of lists.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize};
use symbolon::problem::{Code, FieldError, Problem};
use symbolon::protocol::message::HttpRequest;

/// How long a query may be, in bytes.
const MAX_QUERY_LEN: usize = 4096;
/// How many entries a page has where nothing is said.
const DEFAULT_LIMIT: u32 = 50;
/// How many it may have.
const MAX_LIMIT: u32 = 200;

/// The parameters that a route takes: their names, and what the document says of each.
macro_rules! parameters {
    ($(#[doc = $doc:literal])* $vis:vis struct $list:ident {
        $($(#[doc = $parameter_doc:literal])+ $name:ident: $schema:expr,)+
    }) => {
        $(#[doc = $doc])*
        $vis struct $list;

        impl $list {
            pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),+];

            #[cfg(feature = "schema")]
            pub(crate) fn describe() -> Vec<symbolon::protocol::contract::description::Parameter> {
                use crate::organization::http::query::shape::*;
                vec![$(symbolon::protocol::contract::description::Parameter {
                    name: stringify!($name),
                    documentation: &[$($parameter_doc),+],
                    required: false,
                    schema: $schema,
                }),+]
            }
        }
    };
}
pub(crate) use parameters;

/// What parameters can be.
#[cfg(feature = "schema")]
pub(crate) mod shape {
    use serde_json::{Value, json};

    pub(crate) fn text() -> Value {
        json!({ "type": "string" })
    }

    pub(crate) fn time() -> Value {
        json!({ "type": "string", "format": "date-time" })
    }

    pub(crate) fn one_of(values: &[&str]) -> Value {
        json!({ "type": "string", "enum": values })
    }

    pub(crate) fn limit() -> Value {
        json!({ "type": "integer", "minimum": 1, "maximum": super::MAX_LIMIT, "default": super::DEFAULT_LIMIT })
    }

    pub(crate) fn number() -> Value {
        json!({ "type": "integer", "minimum": 0, "maximum": crate::store::MAX_INTEGER })
    }
}

/// The parameters of a query, each once.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query; `known` are the names that this route takes.
    ///
    /// # Errors
    /// `invalid_request`, naming what is unknown, repeated or not readable.
    pub(crate) fn read(request: &HttpRequest, known: &[&str]) -> Result<Self, Problem> {
        let text = request.query.as_deref().unwrap_or_default();
        if text.len() > MAX_QUERY_LEN {
            return Err(Problem::new(Code::InvalidRequest).detail("The query is too long."));
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut errors = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                return Err(Problem::new(Code::InvalidRequest).detail("The query is not properly percent-encoded."));
            };
            if !known.contains(&name.as_str()) {
                let message = format!("is not known here; there are {}", known.join(", "));
                errors.push(FieldError { field: name.chars().take(64).collect(), message });
            } else if pairs.iter().any(|(seen, _)| *seen == name) {
                errors.push(FieldError { field: name, message: "is given twice".to_owned() });
            } else {
                pairs.push((name, value));
            }
        }
        if errors.is_empty() { Ok(Self(pairs)) } else { Err(Problem::fields(errors)) }
    }

    /// The value of a parameter; an empty one counts as left out.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// How many entries the page may have.
    ///
    /// # Errors
    /// `invalid_request` if it is not 1 to 200.
    pub(crate) fn limit(&self) -> Result<u32, Problem> {
        let Some(text) = self.get("limit") else { return Ok(DEFAULT_LIMIT) };
        text.parse()
            .ok()
            .filter(|limit| (1..=MAX_LIMIT).contains(limit))
            .ok_or_else(|| Problem::field("limit", format!("must be 1 to {MAX_LIMIT}")))
    }

    /// Where the page begins, for a list in this order.
    ///
    /// # Errors
    /// `invalid_request` if it is not a cursor of such a list.
    pub(crate) fn cursor(&self, sort: &str) -> Result<Option<Cursor>, Problem> {
        let Some(text) = self.get("cursor") else { return Ok(None) };
        Base64UrlUnpadded::decode_vec(text)
            .ok()
            .and_then(|json| symbolon::json::read::<Cursor>(core::str::from_utf8(&json).ok()?).ok())
            .filter(|cursor| cursor.sort == sort)
            .map(Some)
            .ok_or_else(|| Problem::field("cursor", "is not a next_cursor of this list in this order"))
    }
}

/// After which entry a page begins: its place in the order, and its identifier where several share that place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor {
    pub(crate) sort: String,
    pub(crate) at: Place,
    pub(crate) id: String,
}

/// A place in an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Place {
    Number(i64),
    Text(String),
}

impl Cursor {
    /// The text in which clients pass it on.
    pub(crate) fn print(&self) -> Option<String> {
        serde_json::to_vec(self).ok().map(|json| Base64UrlUnpadded::encode_string(&json))
    }
}

/// Percent-decoding of a form (`+` is a space); none if it is not UTF-8 or an escape is cut short.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                high.checked_mul(16)?.checked_add(low)?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Result<Query, Problem> {
        let request = HttpRequest {
            method: "GET".into(),
            origin: "https://tokens.example".into(),
            path: "/v1/tokens".into(),
            query: Some(text.into()),
            headers: Vec::new(),
            body: String::new(),
            client: symbolon::protocol::message::Client::default(),
        };
        Query::read(&request, &["q", "limit", "cursor"])
    }

    #[test]
    fn a_query_is_decoded() {
        let read = query("q=a+b%20%C3%A9%2b&limit=3&cursor=").unwrap();
        assert_eq!((read.get("q"), read.limit(), read.get("cursor")), (Some("a b é+"), Ok(3), None));
        for text in ["q=%", "q=%4", "q=%zz", "q=%ff"] {
            assert_eq!(query(text).unwrap_err().code, Code::InvalidRequest, "{text}");
        }
        for (text, field) in [("x=1", "x"), ("q=1&q=2", "q"), ("limit=0", "limit"), ("limit=201", "limit")] {
            let error = query(text).and_then(|query| query.limit()).unwrap_err();
            assert_eq!(error.errors[0].field, field, "{text}");
        }
    }

    #[test]
    fn a_cursor_is_of_one_order() {
        let cursor = Cursor { sort: "name".into(), at: Place::Text("x".into()), id: "y".into() };
        let read = query(&format!("cursor={}", cursor.print().unwrap())).unwrap();
        assert_eq!(read.cursor("name"), Ok(Some(cursor)));
        assert_eq!(read.cursor("created_at").unwrap_err().errors[0].field, "cursor");
        assert_eq!(query("cursor=x").unwrap().cursor("name").unwrap_err().errors[0].field, "cursor");
    }
}
