//! What a kind's tokens look like, and how one is made.

use core::fmt::Write as _;

use zeroize::Zeroizing;

use super::secret::TAG_LEN;
use super::{
    InstanceSecret, MAX_HEX_DIGITS, MAX_PREFIX_LEN, MAX_SHOWN, MIN_HEX_DIGITS, Secret, SecretFormat, TokenError, base62,
};
use crate::id::ShortId;
use crate::policy::Kind;

/// The random characters of a native body: 190 bits.
const RANDOM_CHARS: usize = 32;
/// The characters of the checksum: 62^6 is above 2^32.
const CHECKSUM_LEN: usize = 6;
/// What names the organisation: its short id and the tag.
const ORGANIZATION_LEN: usize = ShortId::LEN + TAG_LEN;
/// How many characters of the random part are shown, where the kind does not say.
const USUALLY_SHOWN: usize = 4;

/// What the tokens of a kind look like: a prefix, and what follows it.
///
/// ```
/// use symbolon::token::{Format, InstanceSecret, SecretFormat, parse};
///
/// let format = Format::new("sym_pat_", SecretFormat::Native)?;
/// let instance = InstanceSecret::new(b"32 bytes from a source of randomness")?;
/// let organization = "Acme42".parse().unwrap();
///
/// let secret = format.generate(&organization, &instance, &[7; 64])?;
/// let parsed = parse(secret.expose(), [&format], &instance)?;
/// assert_eq!(parsed.organization, Some(organization));
/// assert_eq!(parsed.digest, secret.digest());
/// # Ok::<(), symbolon::token::TokenError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    prefix: String,
    body: SecretFormat,
    shown: usize,
}

/// A text after its prefix, taken apart; everything about it holds that can be seen without the instance's secret.
pub(super) enum Structure<'t> {
    Native { organization: ShortId, tag: &'t str },
    Hex,
}

impl Format {
    /// Tokens with this prefix and body.
    ///
    /// # Errors
    /// [`TokenError::NotAPrefix`], [`TokenError::NotADigitCount`].
    pub fn new(prefix: &str, body: SecretFormat) -> Result<Self, TokenError> {
        let chars = prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        // Without an underscore at its end it could not be told from a base62 body that follows.
        if !chars || !prefix.ends_with('_') || prefix.len() > MAX_PREFIX_LEN {
            return Err(TokenError::NotAPrefix);
        }
        if let SecretFormat::Hex(digits) = body
            && (digits % 2 != 0 || !(MIN_HEX_DIGITS..=MAX_HEX_DIGITS).contains(&usize::from(digits)))
        {
            return Err(TokenError::NotADigitCount);
        }
        Ok(Self { prefix: prefix.to_owned(), body, shown: USUALLY_SHOWN })
    }

    /// The format that a profile's kind declares. Its display length counts the prefix and characters of the random
    /// part; the ten that name the organisation in a native token are public, and shown besides.
    ///
    /// # Errors
    /// Those of [`Format::new`], for a kind that no profile was checked with.
    pub fn of_kind(kind: &Kind) -> Result<Self, TokenError> {
        let format = Self::new(&kind.prefix, kind.format)?;
        Ok(format.showing(kind.display_length().saturating_sub(kind.prefix.len())))
    }

    /// The same, of whose random part so many characters may be shown, 4 where this is not said; more than
    /// [`MAX_SHOWN`](super::MAX_SHOWN) are never shown.
    #[must_use]
    pub fn showing(mut self, chars: usize) -> Self {
        self.shown = chars.min(MAX_SHOWN);
        self
    }

    /// What its tokens begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What follows the prefix.
    #[must_use]
    pub const fn body(&self) -> SecretFormat {
        self.body
    }

    /// How many characters its tokens have, prefix included.
    #[must_use]
    pub fn token_len(&self) -> usize {
        let body = match self.body {
            SecretFormat::Native => ORGANIZATION_LEN.saturating_add(RANDOM_CHARS).saturating_add(CHECKSUM_LEN),
            SecretFormat::Hex(digits) => usize::from(digits),
        };
        self.prefix.len().saturating_add(body)
    }

    /// A new token from the bytes of a cryptographic source of randomness. [`RANDOM_LEN`](super::RANDOM_LEN) bytes
    /// suffice for every format; they must be used for nothing else.
    ///
    /// All tokens are equally likely: for a native one, bytes that would favour some characters are passed over.
    ///
    /// # Errors
    /// [`TokenError::TooLittleRandomness`] where too few bytes are left: take fresh ones.
    pub fn generate(
        &self,
        organization: &ShortId,
        instance: &InstanceSecret,
        random: &[u8],
    ) -> Result<Secret, TokenError> {
        // Room for all of it from the start, since a text that grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(self.token_len()));
        text.push_str(&self.prefix);
        match self.body {
            SecretFormat::Native => {
                text.push_str(organization.as_str());
                text.extend(instance.tag(organization)?.map(char::from));
                text.extend(base62::random_chars(random).take(RANDOM_CHARS));
                let checksum = checksum(&text);
                text.extend(checksum.map(char::from));
            }
            SecretFormat::Hex(digits) => {
                for byte in random.iter().take(usize::from(digits) / 2) {
                    write!(text, "{byte:02x}").map_err(|_| TokenError::TooLittleRandomness)?;
                }
            }
        }
        if text.len() != self.token_len() {
            return Err(TokenError::TooLittleRandomness);
        }
        Ok(Secret::from_zeroizing(text))
    }

    /// The part of a token of this format that may be shown, so that its owner recognises it; of a text that is none,
    /// as much as it has of that.
    ///
    /// ```
    /// # use symbolon::token::{Format, SecretFormat};
    /// let format = Format::new("hg_pat_", SecretFormat::Hex(48))?.showing(3);
    /// assert_eq!(format.display_prefix("hg_pat_0123456789abcdef0123456789abcdef0123456789abcdef"), "hg_pat_012");
    /// assert!(format.is_display_prefix("hg_pat_012") && !format.is_display_prefix("hg_pat_01"));
    /// # Ok::<(), symbolon::token::TokenError>(())
    /// ```
    #[must_use]
    pub fn display_prefix<'t>(&self, token: &'t str) -> &'t str {
        let public = match self.body {
            SecretFormat::Native => ORGANIZATION_LEN,
            SecretFormat::Hex(_) => 0,
        };
        let length = self.prefix.len().saturating_add(public).saturating_add(self.shown);
        token.get(..length).unwrap_or_default()
    }

    /// Whether a text is what [`Format::display_prefix`] gives of some token of this format, whose body is hexadecimal: of a
    /// native one no other system knows a part.
    #[must_use]
    pub fn is_display_prefix(&self, text: &str) -> bool {
        let hexadecimal = matches!(self.body, SecretFormat::Hex(_));
        text.strip_prefix(self.prefix.as_str()).is_some_and(|digits| {
            hexadecimal
                && digits.len() == self.shown
                && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    }

    /// Takes a text of this format apart, and compares its checksum.
    pub(super) fn structure<'t>(&self, token: &'t str) -> Result<Structure<'t>, TokenError> {
        let body = token.strip_prefix(self.prefix.as_str()).ok_or(TokenError::UnknownPrefix)?;
        if token.len() != self.token_len() {
            return Err(TokenError::WrongLength);
        }
        match self.body {
            SecretFormat::Hex(_) => {
                if !body.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
                    return Err(TokenError::WrongAlphabet);
                }
                Ok(Structure::Hex)
            }
            SecretFormat::Native => {
                if !body.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                    return Err(TokenError::WrongAlphabet);
                }
                // Both places are there, since the length is right and every character is one byte.
                let (covered, sum) = token
                    .len()
                    .checked_sub(CHECKSUM_LEN)
                    .and_then(|at| token.split_at_checked(at))
                    .ok_or(TokenError::WrongLength)?;
                if checksum(covered) != sum.as_bytes() {
                    return Err(TokenError::WrongChecksum);
                }
                let (short, rest) = body.split_at_checked(ShortId::LEN).ok_or(TokenError::WrongLength)?;
                let organization = short.parse().map_err(|_| TokenError::WrongAlphabet)?;
                Ok(Structure::Native { organization, tag: rest.get(..TAG_LEN).ok_or(TokenError::WrongLength)? })
            }
        }
    }
}

/// CRC-32 (ISO-HDLC, as in zlib), without a table.
const CRC: crc::Crc<u32, crc::NoTable> = crc::Crc::<u32, crc::NoTable>::new(&crc::CRC_32_ISO_HDLC);

/// The checksum in six characters.
fn checksum(covered: &str) -> [u8; CHECKSUM_LEN] {
    base62::digits(u64::from(CRC.checksum(covered.as_bytes())))
}
