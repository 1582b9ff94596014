//! Slow hashes: Argon2 for passphrases, bcrypt for secrets that were imported.
//!
//! They are made for guessable secrets, cost tens to hundreds of milliseconds, and block the isolate meanwhile. So nothing
//! here is called before the authority has reserved the try.

use argon2::{Argon2, PasswordVerifier as _};
use subtle::ConstantTimeEq as _;
use symbolon::token::Bcrypt;

/// Whether a passphrase is the one of this Argon2 hash in PHC form, with the parameters that it names. No, where it is no
/// such hash.
#[must_use]
pub fn passphrase_matches(given: &[u8], hash: &str) -> bool {
    Argon2::default().verify_password(given, hash).is_ok()
}

/// Whether a secret is the one of this bcrypt hash. Of a secret longer than [`Bcrypt::MAX_SECRET_LEN`] the rest is not
/// looked at, as whoever made the hash did not.
#[must_use]
pub fn bcrypt_matches(secret: &[u8], hash: &Bcrypt) -> bool {
    // The function takes the secret with the NUL that ends it, as far as both have room.
    let key: Vec<u8> = secret.iter().copied().chain([0]).take(Bcrypt::MAX_SECRET_LEN).collect();
    let found = bcrypt::bcrypt(hash.cost(), *hash.salt(), &key);
    // The last of the 24 bytes is not kept in the text.
    found.get(..Bcrypt::HASH_LEN).is_some_and(|found| found.ct_eq(hash.hash()).into())
}
