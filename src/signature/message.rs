//! What is signed: a view of a request or a response that borrows everything.

use super::error::SignatureError;
use super::{MAX_FIELD_BYTES, Target};

/// One field line: its name in any case, and its value as received.
pub type Field<'a> = (&'a str, &'a [u8]);

/// A request as it is signed or was received.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method, in its own case: methods are case-sensitive.
    pub method: &'a str,
    /// Where it is sent.
    pub target: &'a Target,
    /// All field lines in their order, repeated ones repeated.
    pub fields: &'a [Field<'a>],
}

/// A response as it is signed or was received.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// The status code.
    pub status: u16,
    /// All field lines in their order, repeated ones repeated.
    pub fields: &'a [Field<'a>],
    /// The request that it answers, for components with `;req`.
    pub request: Option<Request<'a>>,
}

/// What a signature is about.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// A request.
    Request(Request<'a>),
    /// A response.
    Response(Response<'a>),
}

impl<'a> From<Request<'a>> for Message<'a> {
    fn from(request: Request<'a>) -> Self {
        Self::Request(request)
    }
}

impl<'a> From<Response<'a>> for Message<'a> {
    fn from(response: Response<'a>) -> Self {
        Self::Response(response)
    }
}

impl<'a> Message<'a> {
    /// All field lines of the message itself.
    #[must_use]
    pub const fn fields(&self) -> &'a [Field<'a>] {
        match self {
            Self::Request(request) => request.fields,
            Self::Response(response) => response.fields,
        }
    }

    /// Whether the message has a field of this name, given in lower case.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        lines(self.fields(), name).next().is_some()
    }
}

/// The values of all lines of one field, in their order.
pub(super) fn lines<'a>(fields: &'a [Field<'a>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    fields.iter().filter(move |(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

/// One line of a field: obsolete folding made a space, white space around it removed (RFC 9421, section 2.1).
///
/// # Errors
/// Anything but printable ASCII, spaces and tabs: a line feed would forge a line of the signature base, and what is not
/// ASCII is handed over differently by different servers.
pub(super) fn clean_line(name: &str, value: &[u8]) -> Result<String, SignatureError> {
    let wrong = || SignatureError::FieldCharacters { name: name.to_owned() };
    let text = core::str::from_utf8(value).map_err(|_| wrong())?;
    let mut clean = String::with_capacity(text.len());
    for (index, piece) in text.split('\n').enumerate() {
        if index > 0 {
            // Folding is a line break and white space (RFC 9112, section 5.2). Without the latter it is another line.
            if clean.pop() != Some('\r') || !piece.starts_with([' ', '\t']) {
                return Err(wrong());
            }
            clean.truncate(clean.trim_end_matches([' ', '\t']).len());
            clean.push(' ');
        }
        clean.push_str(if index > 0 { piece.trim_start_matches([' ', '\t']) } else { piece });
    }
    if !clean.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) {
        return Err(wrong());
    }
    Ok(clean.trim_matches([' ', '\t']).to_owned())
}

/// The whole field as one text: its lines cleaned and joined by a comma and a space; none where there is no line.
///
/// # Errors
/// As [`clean_line`], and where the whole is longer than [`MAX_FIELD_BYTES`].
pub(super) fn combined(fields: &[Field<'_>], name: &str) -> Result<Option<String>, SignatureError> {
    let mut whole: Option<String> = None;
    let mut length = 0_usize;
    for value in lines(fields, name) {
        length = length.saturating_add(value.len()).saturating_add(2);
        if length > MAX_FIELD_BYTES {
            return Err(SignatureError::TooLarge { what: name.to_owned(), limit: MAX_FIELD_BYTES });
        }
        let line = clean_line(name, value)?;
        whole = Some(match whole {
            Some(before) => before + ", " + &line,
            None => line,
        });
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cleaned_and_joined() {
        for (value, clean) in [
            ("  Leading and trailing whitespace.   ", "Leading and trailing whitespace."),
            ("Obsolete\r\n    line folding.", "Obsolete line folding."),
            ("\ta\tb ", "a\tb"),
            ("", ""),
        ] {
            assert_eq!(clean_line("x", value.as_bytes()).as_deref(), Ok(clean));
        }
        let fields: [Field<'_>; 3] = [("Cache-Control", b"max-age=60"), ("x", b"y"), ("cache-control", b"  a")];
        assert_eq!(combined(&fields, "cache-control"), Ok(Some("max-age=60, a".to_owned())));
        assert_eq!(combined(&fields, "date"), Ok(None));
    }

    #[test]
    fn nothing_forges_a_line_of_the_base() {
        for value in ["a\nb", "a\rb", "a\r\nb", "a\0", "caf\u{e9}", "\u{7f}"] {
            let refused = Err(SignatureError::FieldCharacters { name: "x".to_owned() });
            assert_eq!(clean_line("x", value.as_bytes()), refused, "{value:?}");
        }
        assert!(clean_line("x", b"\xff").is_err());
    }
}
