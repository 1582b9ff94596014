//! What a request is sent to: scheme, authority, path and query, exactly as received.
//!
//! A signature covers the target's very characters, so nothing here decodes, resolves or repairs. A target is taken
//! only in its canonical form: the one that a URL parser (the WHATWG's, which browsers and workerd put in front of
//! us) leaves as it is. So what a signer wrote, what travels and what a verifier is handed are the same text. That is
//! why no URL library is used: each of them normalises.

use core::fmt;

use super::MAX_TARGET_BYTES;

/// The scheme of a target: signed requests travel over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `http`, default port 80.
    Http,
    /// `https`, default port 443.
    Https,
}

impl Scheme {
    /// The scheme in lower case, as `@scheme` has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn default_port(self) -> &'static str {
        match self {
            Self::Http => "80",
            Self::Https => "443",
        }
    }
}

/// Why a text is no canonical target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Longer than [`MAX_TARGET_BYTES`].
    #[error("the target is longer than {MAX_TARGET_BYTES} bytes")]
    TooLong,
    /// Not an absolute `http` or `https` URL.
    #[error("the target is not an absolute http or https URL")]
    Scheme,
    /// No host, a host with characters that no canonical host has, or a port that is not a number as URLs write it.
    #[error("the authority of the target is not canonical")]
    Authority,
    /// `user:password@` before the host.
    #[error("the target names a user")]
    UserInfo,
    /// A `#` and what follows it, which is never sent.
    #[error("the target has a fragment")]
    Fragment,
    /// A path or request target that does not begin with `/`.
    #[error("the path does not begin with a slash")]
    Path,
    /// A `.` or `..` segment, percent-encoded or not: URL parsers remove them.
    #[error("the path has a dot segment")]
    DotSegment,
    /// A control character, a space, a backslash, a non-ASCII or another character that URL parsers change.
    #[error("the target has a character that is not written as it is")]
    Character,
    /// A percent sign without two hexadecimal digits behind it.
    #[error("the target has a percent sign that begins no escape")]
    Escape,
    /// What was received is not what the URL says.
    #[error("the target was changed on its way")]
    Changed,
}

/// The canonical target of a request (RFC 9110, section 7.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    scheme: Scheme,
    authority: String,
    path: String,
    query: Option<String>,
}

impl Target {
    /// Splits an absolute URL. An upper-case scheme or host is lowered and a default port removed, as RFC 9421,
    /// sections 2.2.3 and 2.2.4, demand; an absent path becomes `/`. Nothing else is changed.
    ///
    /// # Errors
    /// [`TargetError`] names why the text is not canonical.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        if url.len() > MAX_TARGET_BYTES {
            return Err(TargetError::TooLong);
        }
        let (scheme, rest) = url.split_once(':').ok_or(TargetError::Scheme)?;
        let rest = rest.strip_prefix("//").ok_or(TargetError::Scheme)?;
        let scheme = match scheme {
            _ if scheme.eq_ignore_ascii_case("https") => Scheme::Https,
            _ if scheme.eq_ignore_ascii_case("http") => Scheme::Http,
            _ => return Err(TargetError::Scheme),
        };
        if rest.contains('#') {
            return Err(TargetError::Fragment);
        }
        let (authority, target) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at_checked(at).ok_or(TargetError::Authority)?,
            None => (rest, ""),
        };
        if target.starts_with('/') {
            Self::from_origin_form(scheme, authority, target)
        } else {
            Self::from_origin_form(scheme, authority, &format!("/{target}"))
        }
    }

    /// Puts a target together from what an HTTP server or a proxy's header says: the authority (`Host`) and the
    /// request target in origin form (RFC 9112, section 3.2.1), such as `/path?query`.
    ///
    /// # Errors
    /// [`TargetError`] names why a part is not canonical.
    pub fn from_origin_form(scheme: Scheme, authority: &str, target: &str) -> Result<Self, TargetError> {
        if authority.len().saturating_add(target.len()) > MAX_TARGET_BYTES {
            return Err(TargetError::TooLong);
        }
        let authority = canonical_authority(scheme, authority)?;
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        if !path.starts_with('/') {
            return Err(TargetError::Path);
        }
        canonical_characters(path, Part::Path)?;
        canonical_characters(query.unwrap_or_default(), Part::Query)?;
        if path.split('/').any(is_dot_segment) {
            return Err(TargetError::DotSegment);
        }
        Ok(Self { scheme, authority, path: path.to_owned(), query: query.map(str::to_owned) })
    }

    /// Compares with the request target as it stood on the wire, where that is known besides the URL.
    ///
    /// # Errors
    /// [`TargetError::Changed`] where they differ: something before us normalised, and what the client signed cannot be
    /// known.
    pub fn confirm(&self, received: &str) -> Result<(), TargetError> {
        if self.request_target() == received { Ok(()) } else { Err(TargetError::Changed) }
    }

    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Host and port in lower case; the port only where it is not the scheme's own.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path, never empty, nothing decoded.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query without its `?`, nothing decoded; none where there is no `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Path and query in origin form.
    #[must_use]
    pub fn request_target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.as_str(), self.authority, self.path)?;
        self.query.as_ref().map_or(Ok(()), |query| write!(f, "?{query}"))
    }
}

impl core::str::FromStr for Target {
    type Err = TargetError;

    fn from_str(url: &str) -> Result<Self, TargetError> {
        Self::parse(url)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Path,
    Query,
}

fn canonical_authority(scheme: Scheme, text: &str) -> Result<String, TargetError> {
    if text.contains('@') {
        return Err(TargetError::UserInfo);
    }
    // The last colon begins the port, unless it stands inside the brackets of an IPv6 address.
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let valid = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|address| {
            !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'))
        }),
        None => {
            !host.is_empty()
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
        }
    };
    if !valid {
        return Err(TargetError::Authority);
    }
    let mut authority = host.to_ascii_lowercase();
    if let Some(port) = port {
        let number: u16 = port.parse().map_err(|_| TargetError::Authority)?;
        if number.to_string() != port {
            return Err(TargetError::Authority);
        }
        if port != scheme.default_port() {
            authority.push(':');
            authority.push_str(port);
        }
    }
    Ok(authority)
}

/// Refuses what a URL parser would encode, decode or turn into something else (URL Standard, section 1.3).
fn canonical_characters(text: &str, part: Part) -> Result<(), TargetError> {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let two = bytes.next().zip(bytes.next());
                if !two.is_some_and(|(a, b)| a.is_ascii_hexdigit() && b.is_ascii_hexdigit()) {
                    return Err(TargetError::Escape);
                }
            }
            b'#' => return Err(TargetError::Fragment),
            b'"' | b'<' | b'>' | b'\\' => return Err(TargetError::Character),
            b'`' | b'{' | b'}' | b'^' if part == Part::Path => return Err(TargetError::Character),
            b'\'' if part == Part::Query => return Err(TargetError::Character),
            b'!'..=b'~' => {}
            _ => return Err(TargetError::Character),
        }
    }
    Ok(())
}

/// Whether a URL parser takes the segment for `.` or `..` (URL Standard, section 4.1).
fn is_dot_segment(segment: &str) -> bool {
    let dot = |text: &'_ str| match text.strip_prefix('.') {
        Some(rest) => Some(rest.len()),
        None => text.get(..3).filter(|dot| dot.eq_ignore_ascii_case("%2e")).map(|_| text.len().saturating_sub(3)),
    };
    let after = |left: usize| segment.get(segment.len().saturating_sub(left)..).unwrap_or_default();
    // One dot and nothing behind it, or another dot and nothing behind that.
    dot(segment).is_some_and(|left| left == 0 || dot(after(left)) == Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_targets_stay_as_they_are() {
        for url in [
            "https://www.example.com/path?param=value",
            "https://example.com/a%20b/%C3%A9?x=1&y=%7E",
            "http://localhost:8787/v1/things/42",
            "https://[::1]:8443/",
            "https://example.com/path?",
            "https://example.com/..a/b.../%2e%2ex",
            "https://example.com/a|b?filter[a]=b|c&d={e}^`f",
        ] {
            assert_eq!(Target::parse(url).map(|target| target.to_string()), Ok(url.to_owned()));
        }
    }

    #[test]
    fn scheme_host_port_and_empty_path_are_normalised() {
        for (url, printed) in [
            ("HTTPS://Example.COM:443/A?B", "https://example.com/A?B"),
            ("http://example.com:80/", "http://example.com/"),
            ("https://example.com:80/", "https://example.com:80/"),
            ("https://example.com", "https://example.com/"),
            ("https://example.com?q", "https://example.com/?q"),
        ] {
            assert_eq!(Target::parse(url).map(|target| target.to_string()), Ok(printed.to_owned()), "{url}");
        }
    }

    #[test]
    fn what_is_not_canonical_is_refused() {
        use TargetError::{
            Authority, Character, DotSegment, Escape, Fragment, Path, Scheme as NoScheme, TooLong, UserInfo,
        };
        for (url, why) in [
            ("", NoScheme),
            ("/path", NoScheme),
            ("ftp://example.com/", NoScheme),
            ("https:///path", Authority),
            ("https://example.com:/", Authority),
            ("https://example.com:0443/", Authority),
            ("https://example.com:70000/", Authority),
            ("https://exa mple.com/", Authority),
            ("https://b\u{fc}cher.example/", Authority),
            ("https://[::1/", Authority),
            ("https://user:secret@example.com/", UserInfo),
            ("https://example.com/#top", Fragment),
            ("https://example.com/a/../b", DotSegment),
            ("https://example.com/a/.", DotSegment),
            ("https://example.com/a/%2E%2e/b", DotSegment),
            ("https://example.com/a/.%2e/b", DotSegment),
            ("https://example.com/a\\b", Character),
            ("https://example.com/a b", Character),
            ("https://example.com/a?b=\u{e9}", Character),
            ("https://example.com/a?b='", Character),
            ("https://example.com/a\n", Character),
            ("https://example.com/%zz", Escape),
            ("https://example.com/?%4", Escape),
            (&format!("https://example.com/{}", "a".repeat(MAX_TARGET_BYTES)), TooLong),
        ] {
            assert_eq!(Target::parse(url), Err(why), "{url}");
        }
        assert_eq!(Target::from_origin_form(Scheme::Https, "example.com", "*"), Err(Path));
    }

    #[test]
    fn a_target_that_was_changed_on_its_way_is_told() {
        let target = Target::parse("https://example.com/c%2Fd?e").unwrap();
        assert_eq!(target.confirm("/c%2Fd?e"), Ok(()));
        assert_eq!(target.confirm("/a/../c%2Fd?e"), Err(TargetError::Changed));
    }
}
