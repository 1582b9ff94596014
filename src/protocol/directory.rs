//! A row of the directory (Workers KV): a record, and the instance's code for it.
//!
//! The authority writes rows and every edge reads them, but whoever may write to the directory writes rows, too. So a
//! row begins with a code that only the instance can make, over the key and the record's text: a record that somebody
//! made up or altered, or a row under another's key, counts as no row at all, and the authority is asked. What a code
//! cannot tell is the age of a row: one that was written once is good under its key for as long as the secret.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use subtle::ConstantTimeEq as _;

use super::Record;
use crate::json;
use crate::token::{InstanceSecret, TokenError};

/// What the code of a row is computed over, before the key: so that no other use of the same secret gives the same
/// bytes.
const DOMAIN: &str = "symbolon directory row";

/// How many characters a code has: 32 bytes in base64url without padding.
pub const CODE_LEN: usize = 43;

/// Why there is no row to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The record cannot be written as JSON, for which there is no known cause.
    #[error("a record cannot be written")]
    Record,
    /// There is no code for it.
    #[error(transparent)]
    Secret(#[from] TokenError),
}

/// Why a row is none. For whoever reads the directory all of these are a miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It does not begin with [`CODE_LEN`] characters of a code.
    #[error("it has no code")]
    NoCode,
    /// Its code is not that of this instance for this key and this record.
    #[error("its code is another's")]
    WrongCode,
    /// What the instance wrote is no record: an older or newer version of the product did.
    #[error("it is no record")]
    NotARecord,
}

/// The row of a record under this key: the code, and right after it the record as JSON.
///
/// # Errors
/// [`WriteError`].
pub fn write(secret: &InstanceSecret, key: &str, record: &Record) -> Result<String, WriteError> {
    let record = serde_json::to_string(record).map_err(|_| WriteError::Record)?;
    let mut row = Base64UrlUnpadded::encode_string(&code(secret, key, &record)?);
    row.push_str(&record);
    Ok(row)
}

/// The record of a row that was found under this key. It is looked into only when its code has turned out to be right,
/// which takes a time that does not depend on where it differs.
///
/// # Errors
/// [`ReadError`].
pub fn read(secret: &InstanceSecret, key: &str, row: &str) -> Result<Record, ReadError> {
    let (given, record) = row.split_at_checked(CODE_LEN).ok_or(ReadError::NoCode)?;
    let mut bytes = [0; 32];
    let given = Base64UrlUnpadded::decode(given, &mut bytes).map_err(|_| ReadError::NoCode)?;
    let expected = code(secret, key, record).map_err(|_| ReadError::WrongCode)?;
    if !bool::from(expected.ct_eq(given)) {
        return Err(ReadError::WrongCode);
    }
    json::read(record).map_err(|_| ReadError::NotARecord)
}

/// Neither a key nor JSON holds a zero byte, so that no other key and record give the same.
fn code(secret: &InstanceSecret, key: &str, record: &str) -> Result<[u8; 32], TokenError> {
    secret.code(DOMAIN, &[key.as_bytes(), &[0], record.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "d:01";

    fn secret(byte: u8) -> InstanceSecret {
        InstanceSecret::new(&[byte; 32]).unwrap()
    }

    fn record() -> Record {
        serde_json::from_value(serde_json::json!({
            "token": "01890000-0000-7000-8000-000000000001",
            "organization": "01890000-0000-7000-8000-0000000000aa",
            "short_id": "Acme42",
            "profile": "symbolon",
            "version": 1,
            "kind": "pat",
            "name": "laptop",
            "prefix": "sym_pat_Acme42",
            "owner": "organization",
            "state": "active",
            "granted": [],
            "ceiling": [],
            "proofs": [],
            "rules": {"proofs": ["bearer"], "headers": [], "freshness": "eventual", "signature": {}, "counts": []},
        }))
        .unwrap()
    }

    fn row() -> String {
        write(&secret(1), KEY, &record()).unwrap()
    }

    /// A row with a right code over whatever follows it.
    fn coded(text: &str) -> String {
        Base64UrlUnpadded::encode_string(&code(&secret(1), KEY, text).unwrap()) + text
    }

    #[test]
    fn a_row_is_read_as_it_was_written() {
        assert_eq!(read(&secret(1), KEY, &row()), Ok(record()));
        let row = row();
        let (code, record) = row.split_at(CODE_LEN);
        assert_eq!(code.len(), CODE_LEN);
        assert!(record.starts_with('{'));
    }

    #[test]
    fn another_instances_row_is_none() {
        assert_eq!(read(&secret(2), KEY, &row()), Err(ReadError::WrongCode));
    }

    #[test]
    fn rows_that_change_places_are_none() {
        let other = write(&secret(1), "d:02", &record()).unwrap();
        assert_eq!(read(&secret(1), "d:02", &other), Ok(record()));
        assert_eq!(read(&secret(1), KEY, &other), Err(ReadError::WrongCode));
        assert_eq!(read(&secret(1), "d:02", &row()), Err(ReadError::WrongCode));
        // Nor does what is moved from the record to the key give the same bytes.
        let row = row();
        let (code, record) = row.split_at(CODE_LEN);
        let (first, rest) = record.split_at(1);
        assert_eq!(read(&secret(1), &format!("{KEY}{first}"), &format!("{code}{rest}")), Err(ReadError::WrongCode));
        assert_eq!(read(&secret(1), &format!("{KEY}\0"), &row), Err(ReadError::WrongCode));
    }

    #[test]
    fn a_row_of_which_a_byte_was_altered_is_none() {
        let row = row();
        for at in 0..row.len() {
            let mut altered = row.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            let read = read(&secret(1), KEY, &altered);
            assert!(matches!(read, Err(ReadError::WrongCode | ReadError::NoCode)), "{at}: {altered}");
        }
        for altered in [format!("{row} "), row.strip_suffix('}').unwrap().to_owned(), row.replace("laptop", "tablet")] {
            assert_eq!(read(&secret(1), KEY, &altered), Err(ReadError::WrongCode), "{altered}");
        }
    }

    #[test]
    fn a_row_without_a_code_is_none() {
        let bare = serde_json::to_string(&record()).unwrap();
        let short = "A".repeat(CODE_LEN - 1);
        // The last one has a character of two bytes where the code ends.
        for row in ["", "{}", &bare, &short, &format!("{short}={bare}"), &format!("{short}é{bare}")] {
            assert_eq!(read(&secret(1), KEY, row), Err(ReadError::NoCode), "{row}");
        }
        assert_eq!(read(&secret(1), KEY, &"A".repeat(CODE_LEN)), Err(ReadError::WrongCode));
    }

    #[test]
    fn what_the_instance_wrote_must_be_a_record_still() {
        for text in ["", "{}", "null", "{"] {
            assert_eq!(read(&secret(1), KEY, &coded(text)), Err(ReadError::NotARecord), "{text}");
        }
    }
}
