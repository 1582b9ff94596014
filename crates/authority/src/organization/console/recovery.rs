//! Recovery codes: for whoever has lost every passkey. Each is shown once, kept hashed, and works once.

use sha2::{Digest as _, Sha256};
use symbolon::id::MemberId;

use super::super::failure::Result;
use crate::machine::Context;
use crate::store::{Store, Value};

/// How many a member gets at a time.
const COUNT: usize = 10;
/// The characters of a code: 20 of them, 100 bits. Without i, l, o and u, which are easily misread.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LEN: usize = 20;
/// Shown in groups of so many.
const GROUP: usize = 5;
/// The longest text that is looked into, in bytes.
pub(crate) const MAX_TEXT_LEN: usize = 64;

/// Gives a member new codes, in place of all that they had.
pub(crate) fn renew<S: Store>(store: &S, context: &mut Context<'_>, member: MemberId) -> Result<Vec<String>> {
    store.execute("DELETE FROM recovery_code WHERE member = ?1", &[Value::text(&member)])?;
    let mut codes = Vec::with_capacity(COUNT);
    for _ in 0..COUNT {
        let random: [u8; LEN] = context.random();
        let code: String = random
            .iter()
            .filter_map(|byte| ALPHABET.get(usize::from(byte % 32)))
            .map(|char| char::from(*char))
            .collect();
        store.execute(
            "INSERT INTO recovery_code (digest, member) VALUES (?1, ?2)",
            &[digest(member, &code).into(), Value::text(&member)],
        )?;
        codes.push(grouped(&code));
    }
    Ok(codes)
}

/// Uses a code up; false where the member has none such.
pub(crate) fn redeem<S: Store>(store: &S, member: MemberId, text: &str) -> Result<bool> {
    if text.len() > MAX_TEXT_LEN {
        return Ok(false);
    }
    let code: String = text.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_lowercase()).collect();
    let rows = store.execute(
        "DELETE FROM recovery_code WHERE digest = ?1 AND member = ?2 RETURNING 1",
        &[digest(member, &code).into(), Value::text(&member)],
    )?;
    Ok(!rows.is_empty())
}

/// How many codes are left.
pub(crate) fn left<S: Store>(store: &S, member: MemberId) -> Result<u32> {
    let rows = store.execute("SELECT count(*) FROM recovery_code WHERE member = ?1", &[Value::text(&member)])?;
    Ok(rows.first().map_or(Ok(0), |row| row.get(0))?)
}

/// What is kept. A code has 100 random bits, so a fast hash is enough.
fn digest(member: MemberId, code: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"symbolon recovery code 1\0");
    hash.update(member.to_bytes());
    hash.update(code);
    base16ct::lower::encode_string(&hash.finalize())
}

fn grouped(code: &str) -> String {
    let mut text = String::with_capacity(LEN.saturating_add(LEN / GROUP));
    for (index, char) in code.chars().enumerate() {
        if index > 0 && index % GROUP == 0 {
            text.push('-');
        }
        text.push(char);
    }
    text
}
