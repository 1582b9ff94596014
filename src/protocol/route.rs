//! The route table of the protected side: its patterns, and what makes a table a good one.
//!
//! A path is compared part by part as it was received, still percent-encoded. So that two spellings of one path cannot
//! meet two routes, only paths in one spelling are compared at all: see [`is_canonical_path`].

use core::fmt;
use core::str::FromStr;

use crate::problem::FieldError;
use crate::protocol::message::Route;

/// How many routes a table can have: each request looks at them in turn.
pub const MAX_ROUTES: usize = 500;
/// How many bytes a pattern, and how many a resource, can have.
pub const MAX_PATTERN_LEN: usize = 512;
/// How many parts a pattern can have.
pub const MAX_PARTS: usize = 32;
/// How many bytes a method can have; the longest in use has 16.
pub const MAX_METHOD_LEN: usize = 32;
/// How many bytes the name of an organisation can have.
pub const MAX_ORGANIZATION_LEN: usize = 40;

/// Why a text is no pattern of paths or resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// Too long, or of too many parts.
    #[error("a pattern has at most {MAX_PATTERN_LEN} bytes and {MAX_PARTS} parts")]
    TooLong,
    /// It does not begin with `/`.
    #[error("a path pattern begins with /")]
    NoSlash,
    /// A part is neither literal nor one `{name}`.
    #[error("a part is literal, or {{name}} alone, with a name of letters, digits and _")]
    Part,
    /// Two parts have one name.
    #[error("two parts have the same name")]
    SameName,
    /// `{*name}` stands before the end.
    #[error("{{*name}} can only be the last part")]
    RestBeforeEnd,
    /// A literal part that no request can have: not as a path is spelt.
    #[error(
        "a literal part is spelt as in a URL: no empty parts but the last, no dot segments, no semicolons, no needless or hidden escapes"
    )]
    NotCanonical,
    /// A resource names a part that the path does not have.
    #[error("a resource can only name parts of the path, in braces")]
    UnknownName,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    One(String),
    Rest(String),
}

/// A pattern of paths: parts joined by `/`; `{name}` takes one part and names it, a last `{*name}` takes the rest.
///
/// A part that is taken is never empty, and neither is the last of a rest: many origins take `/admin/` for `/admin`, so a
/// path with a slash at its end is known only where a pattern spells that slash out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    parts: Vec<Part>,
}

/// The named parts of a path that matched, still percent-encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captures<'a>(Vec<(&'a str, &'a str)>);

impl Captures<'_> {
    /// The resource of a route with its `{name}`s filled in; none if one is not among the parts, or if a value could be
    /// read as a pattern.
    #[must_use]
    pub fn fill(&self, resource: &str) -> Option<String> {
        let mut filled = String::with_capacity(resource.len());
        let mut rest = resource;
        while let Some((literal, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            let (_, value) = self.0.iter().find(|(known, _)| *known == name)?;
            if value.contains('*') {
                return None;
            }
            filled.push_str(literal);
            filled.push_str(value);
            rest = after;
        }
        filled.push_str(rest);
        Some(filled)
    }
}

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.len() > MAX_PATTERN_LEN {
            return Err(PatternError::TooLong);
        }
        let inner = text.strip_prefix('/').ok_or(PatternError::NoSlash)?;
        let mut parts = Vec::new();
        for text in inner.split('/') {
            if matches!(parts.last(), Some(Part::Rest(_))) {
                return Err(PatternError::RestBeforeEnd);
            }
            let part = part(text)?;
            if let Part::One(name) | Part::Rest(name) = &part
                && parts.iter().any(|part| matches!(part, Part::One(known) | Part::Rest(known) if known == name))
            {
                return Err(PatternError::SameName);
            }
            parts.push(part);
        }
        if parts.len() > MAX_PARTS {
            return Err(PatternError::TooLong);
        }
        let literal: Vec<&str> =
            parts.iter().map(|part| if let Part::Literal(text) = part { text.as_str() } else { "x" }).collect();
        if !is_canonical_path(&format!("/{}", literal.join("/"))) {
            return Err(PatternError::NotCanonical);
        }
        Ok(Self { parts })
    }
}

fn part(text: &str) -> Result<Part, PatternError> {
    let Some(inner) = text.strip_prefix('{') else {
        return if text.contains(['{', '}']) { Err(PatternError::Part) } else { Ok(Part::Literal(text.to_owned())) };
    };
    let name = inner.strip_suffix('}').ok_or(PatternError::Part)?;
    match name.strip_prefix('*') {
        Some(name) if is_name(name) => Ok(Part::Rest(name.to_owned())),
        None if is_name(name) => Ok(Part::One(name.to_owned())),
        _ => Err(PatternError::Part),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl PathPattern {
    /// The named parts, if the pattern matches this path. The path must have passed [`is_canonical_path`].
    #[must_use]
    pub fn matches<'a>(&'a self, path: &'a str) -> Option<Captures<'a>> {
        let mut rest = Some(path.strip_prefix('/')?);
        let mut captures = Vec::new();
        for part in &self.parts {
            let left = rest?;
            if let Part::Rest(name) = part {
                captures.push((name.as_str(), left));
                return if left.is_empty() || left.ends_with('/') { None } else { Some(Captures(captures)) };
            }
            let (here, after) = match left.split_once('/') {
                Some((here, after)) => (here, Some(after)),
                None => (left, None),
            };
            match part {
                Part::Literal(text) if text == here => {}
                Part::One(name) if !here.is_empty() => captures.push((name.as_str(), here)),
                _ => return None,
            }
            rest = after;
        }
        if rest.is_none() { Some(Captures(captures)) } else { None }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::One(name) | Part::Rest(name) => Some(name.as_str()),
        })
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(text) => write!(f, "/{text}")?,
                Part::One(name) => write!(f, "/{{{name}}}")?,
                Part::Rest(name) => write!(f, "/{{*{name}}}")?,
            }
        }
        Ok(())
    }
}

/// Whether a path has one spelling only, for our routes and for the origin behind them.
///
/// It begins with `/`; no part is empty but the last; there are no dot segments; what a path may hold as it is (`pchar`
/// in RFC 3986, section 3.3) stands there as it is, and everything else as an escape in upper case hexadecimal digits.
/// Origins that decode a path before they route it would otherwise read two of our paths as one. Neither a slash, a
/// backslash nor a control character hides in an escape. Semicolons are refused in either form: what follows one, some
/// origins cut off.
#[must_use]
pub fn is_canonical_path(path: &str) -> bool {
    let Some(inner) = path.strip_prefix('/') else { return false };
    let mut parts = inner.split('/').peekable();
    while let Some(part) = parts.next() {
        if part.is_empty() && parts.peek().is_some() || matches!(part, "." | "..") || !is_canonical_part(part) {
            return false;
        }
    }
    true
}

fn is_canonical_part(part: &str) -> bool {
    let mut bytes = part.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digit = |byte: Option<u8>| match byte {
                    Some(byte @ (b'0'..=b'9' | b'A'..=b'F')) => char::from(byte).to_digit(16),
                    _ => None,
                };
                let (Some(high), Some(low)) = (digit(bytes.next()), digit(bytes.next())) else { return false };
                let octet = u8::try_from(high.wrapping_mul(16).wrapping_add(low)).unwrap_or_default();
                if is_plain(octet) || octet.is_ascii_control() || matches!(octet, b'/' | b'\\' | b';') {
                    return false;
                }
            }
            byte if !is_plain(byte) => return false,
            _ => {}
        }
    }
    true
}

/// What a path may hold as it is: unreserved characters, sub-delimiters but the semicolon, `:` and `@`.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b'='
                | b':'
                | b'@'
        )
}

/// Everything that is wrong with a table; nothing if it is a good one.
#[must_use]
pub fn check_routes(routes: &[Route]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if routes.len() > MAX_ROUTES {
        errors.push(FieldError { field: "routes".to_owned(), message: format!("at most {MAX_ROUTES} routes") });
        return errors;
    }
    for (index, route) in routes.iter().enumerate() {
        let mut wrong = |field: &str, message: String| {
            errors.push(FieldError { field: format!("routes[{index}].{field}"), message });
        };
        if !is_method(&route.method) {
            wrong("method", format!("a method in upper case, at most {MAX_METHOD_LEN} letters, or *"));
        }
        let pattern = route.path.parse::<PathPattern>();
        if let Err(error) = &pattern {
            wrong("path", error.to_string());
        }
        match (&route.permission, route.public) {
            (None, false) => wrong("permission", "required unless the route is public".to_owned()),
            (Some(_), true) => wrong("permission", "a public route needs none".to_owned()),
            _ => {}
        }
        if let Some(organization) = &route.organization
            && (route.public || organization.is_empty() || organization.len() > MAX_ORGANIZATION_LEN)
        {
            wrong("organization", "the name of an organization in addresses, or *; none on a public route".to_owned());
        }
        if let Some(resource) = &route.resource
            && let Ok(pattern) = &pattern
            && let Err(error) = check_resource(resource, pattern)
        {
            wrong("resource", error.to_string());
        }
    }
    errors
}

fn is_method(method: &str) -> bool {
    method == "*"
        || !method.is_empty()
            && method.len() <= MAX_METHOD_LEN
            && method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
}

fn check_resource(resource: &str, pattern: &PathPattern) -> Result<(), PatternError> {
    if resource.is_empty() || resource.len() > MAX_PATTERN_LEN {
        return Err(PatternError::TooLong);
    }
    if resource.contains('*') || resource.split('/').any(str::is_empty) {
        return Err(PatternError::Part);
    }
    let example = Captures(pattern.names().map(|name| (name, "x")).collect());
    match example.fill(resource) {
        Some(filled) if !filled.contains(['{', '}']) => Ok(()),
        _ => Err(PatternError::UnknownName),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, path: &str, expected: Option<&[(&str, &str)]>) {
        let parsed: PathPattern = pattern.parse().unwrap();
        assert_eq!(parsed.to_string(), pattern);
        assert_eq!(parsed.matches(path).map(|captures| captures.0), expected.map(<[_]>::to_vec), "{pattern} {path}");
    }

    #[test]
    fn patterns_take_parts_and_name_them() {
        check("/", "/", Some(&[]));
        check("/", "/a", None);
        check("/api/scans", "/api/scans", Some(&[]));
        check("/api/scans", "/api/scans/", None);
        check("/api/scans", "/api", None);
        check("/api/scans", "/api/Scans", None);
        check("/api/{id}", "/api/7", Some(&[("id", "7")]));
        check("/api/{id}", "/api/", None);
        check("/api/{id}", "/api/7/8", None);
        check("/{team}/x/{app}", "/a/x/b%20c", Some(&[("team", "a"), ("app", "b%20c")]));
        check("/files/{*rest}", "/files/a/b", Some(&[("rest", "a/b")]));
        check("/files/{*rest}", "/files/", None);
        check("/files/{*rest}", "/files", None);
        check("/{*all}", "/", None);
        // Another route's path with a slash at its end is not let through by one that takes everything.
        check("/{*all}", "/admin/", None);
        check("/{*all}", "/admin/x", Some(&[("all", "admin/x")]));
        check("/files/{*rest}", "/files/a/", None);
        check("/api/{id}/", "/api/7/", Some(&[("id", "7")]));
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for (pattern, error) in [
            ("", PatternError::NoSlash),
            ("api", PatternError::NoSlash),
            ("/a{b}", PatternError::Part),
            ("/{}", PatternError::Part),
            ("/{a b}", PatternError::Part),
            ("/{a", PatternError::Part),
            ("/a}", PatternError::Part),
            ("/{a}/{a}", PatternError::SameName),
            ("/{*a}/b", PatternError::RestBeforeEnd),
            ("/a//b", PatternError::NotCanonical),
            ("/a/../b", PatternError::NotCanonical),
            ("/%61", PatternError::NotCanonical),
            ("/a?b", PatternError::NotCanonical),
            ("/a b", PatternError::NotCanonical),
        ] {
            assert_eq!(pattern.parse::<PathPattern>(), Err(error), "{pattern}");
        }
        assert_eq!("/a".repeat(MAX_PARTS + 1).parse::<PathPattern>(), Err(PatternError::TooLong));
        assert_eq!(format!("/{}", "a".repeat(MAX_PATTERN_LEN)).parse::<PathPattern>(), Err(PatternError::TooLong));
    }

    #[test]
    fn a_path_has_one_spelling() {
        for path in
            ["/", "/a", "/a/", "/a%20b", "/%C3%BC", "/a,b=c", "/a%25b", "/~x", "/*", "/items:purge", "/@me", "/a%7Cb"]
        {
            assert!(is_canonical_path(path), "{path}");
        }
        for path in [
            "",
            "a",
            "//",
            "//a",
            "/a//b",
            "/.",
            "/a/..",
            "/%2e%2e/b",
            "/%2E",
            "/a%2Fb",
            "/a%5Cb",
            "/a\\b",
            "/%41",
            "/%7E",
            "/%c3%bc",
            "/%",
            "/%4",
            "/%zz",
            "/%00",
            "/%0A",
            "/a b",
            "/ü",
            "/a?b",
            "/a#b",
            "/a;b=c",
            "/a%3Bb",
            "/items%3Apurge",
            "/%40me",
            "/a|b",
            "/a^b",
            "/[a]",
            "/a\"b",
        ] {
            assert!(!is_canonical_path(path), "{path}");
        }
        for plain in "!$&'()*+,;=:@-._~aZ0".bytes() {
            assert!(!is_canonical_path(&format!("/%{plain:02X}")), "an escape of {}", char::from(plain));
        }
    }

    #[test]
    fn resources_are_filled_from_the_path() {
        let pattern: PathPattern = "/{team}/apps/{app}".parse().unwrap();
        let captures = pattern.matches("/blue/apps/checkout").unwrap();
        assert_eq!(captures.fill("{team}/prod/{app}").as_deref(), Some("blue/prod/checkout"));
        assert_eq!(captures.fill("fixed").as_deref(), Some("fixed"));
        assert_eq!(captures.fill("{other}"), None);
        assert_eq!(captures.fill("{team"), None);
        // A value never widens what is asked for into a pattern.
        assert_eq!(pattern.matches("/*/apps/x").unwrap().fill("{team}"), None);
    }

    #[test]
    fn a_bad_table_names_its_fields() {
        let route = |json: serde_json::Value| serde_json::from_value::<Route>(json).unwrap();
        let good = [
            route(serde_json::json!({"method": "GET", "path": "/{*all}", "public": true})),
            route(serde_json::json!({"method": "*", "path": "/a/{b}", "permission": "api:read", "resource": "x/{b}"})),
            route(serde_json::json!({"method": "*", "path": "/b", "permission": "api:read", "organization": "acme"})),
            route(serde_json::json!({"method": "*", "path": "/c", "permission": "api:read", "organization": "*"})),
        ];
        assert_eq!(check_routes(&good), Vec::new());
        let bad = [
            route(serde_json::json!({"method": "get", "path": "a", "permission": "api:read"})),
            route(serde_json::json!({"method": "GET", "path": "/a"})),
            route(serde_json::json!({"method": "GET", "path": "/a", "public": true, "permission": "api:read"})),
            route(serde_json::json!({"method": "GET", "path": "/a", "permission": "api:read", "resource": "{b}"})),
            route(serde_json::json!({"method": "GET", "path": "/a", "permission": "api:read", "resource": "*"})),
            route(serde_json::json!({"method": "GET", "path": "/a", "permission": "api:read", "organization": ""})),
            route(serde_json::json!({"method": "GET", "path": "/a", "public": true, "organization": "acme"})),
        ];
        let fields: Vec<String> = check_routes(&bad).into_iter().map(|error| error.field).collect();
        assert_eq!(
            fields,
            [
                "routes[0].method",
                "routes[0].path",
                "routes[1].permission",
                "routes[2].permission",
                "routes[3].resource",
                "routes[4].resource",
                "routes[5].organization",
                "routes[6].organization"
            ]
        );
        assert_eq!(check_routes(&vec![good[0].clone(); MAX_ROUTES + 1]).len(), 1);
    }
}
