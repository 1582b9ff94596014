//! From a text that somebody presents to what can be known of it without asking anybody.

use super::format::Structure;
use super::{Digest, Format, InstanceSecret, MAX_CREDENTIAL_LEN, TokenError};
use crate::id::ShortId;

/// A token of this instance, as far as its text can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parsed<'f, 't> {
    /// The format that it has.
    pub format: &'f Format,
    /// The organisation that it belongs to, where its format names one.
    pub organization: Option<ShortId>,
    /// What its record is found by.
    pub digest: Digest,
    /// The part of it that may be shown and logged.
    pub display_prefix: &'t str,
}

/// A token whose form is right, and whose instance was not looked at: as much as a client can tell.
#[derive(Clone, Copy)]
pub struct Inspected<'f, 't> {
    format: &'f Format,
    token: &'t str,
    organization: Option<ShortId>,
    tag: Option<&'t str>,
}

/// Looks whether a text has the form of a token: its prefix, its length, its characters, and where its format has one
/// its checksum. Nothing is looked up, and no secret is needed. Of several prefixes that fit, the longest counts.
///
/// # Errors
/// [`TokenError::TooLong`], [`TokenError::UnknownPrefix`], [`TokenError::WrongLength`], [`TokenError::WrongAlphabet`],
/// [`TokenError::WrongChecksum`]: all of them [`Code::MalformedCredential`](crate::problem::Code).
pub fn inspect<'f, 't>(
    token: &'t str,
    formats: impl IntoIterator<Item = &'f Format>,
) -> Result<Inspected<'f, 't>, TokenError> {
    if token.len() > MAX_CREDENTIAL_LEN {
        return Err(TokenError::TooLong);
    }
    let format = formats
        .into_iter()
        .filter(|format| token.starts_with(format.prefix()))
        .max_by_key(|format| format.prefix().len())
        .ok_or(TokenError::UnknownPrefix)?;
    Ok(match format.structure(token)? {
        Structure::Hex => Inspected { format, token, organization: None, tag: None },
        Structure::Native { organization, tag } => {
            Inspected { format, token, organization: Some(organization), tag: Some(tag) }
        }
    })
}

/// Reads a token that was presented to this instance: all that [`inspect`] looks at, and then whether this instance can
/// have named that organisation.
///
/// # Errors
/// Those of [`inspect`], and [`TokenError::ForeignOrganization`], which is
/// [`Code::UnknownToken`](crate::problem::Code::UnknownToken).
pub fn parse<'f, 't>(
    token: &'t str,
    formats: impl IntoIterator<Item = &'f Format>,
    instance: &InstanceSecret,
) -> Result<Parsed<'f, 't>, TokenError> {
    let inspected = inspect(token, formats)?;
    if let (Some(organization), Some(tag)) = (&inspected.organization, inspected.tag)
        && !instance.is_tag(organization, tag)
    {
        return Err(TokenError::ForeignOrganization);
    }
    Ok(Parsed {
        format: inspected.format,
        organization: inspected.organization,
        digest: Digest::of(token),
        display_prefix: inspected.display_prefix(),
    })
}

impl<'f, 't> Inspected<'f, 't> {
    /// The format that it has.
    #[must_use]
    pub const fn format(&self) -> &'f Format {
        self.format
    }

    /// The organisation that it says it belongs to; anybody can write that.
    #[must_use]
    pub const fn claimed_organization(&self) -> Option<ShortId> {
        self.organization
    }

    /// The part of it that may be shown.
    #[must_use]
    pub fn display_prefix(&self) -> &'t str {
        self.format.display_prefix(self.token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;
    use crate::token::{MAX_SHOWN, RANDOM_LEN, Secret, SecretFormat};

    fn instance() -> InstanceSecret {
        InstanceSecret::new(&[1; 32]).unwrap()
    }

    fn organization() -> ShortId {
        "AAAAAA".parse().unwrap()
    }

    fn native(prefix: &str) -> Format {
        Format::new(prefix, SecretFormat::Native).unwrap()
    }

    fn formats() -> [Format; 5] {
        let hex = |prefix, digits| Format::new(prefix, SecretFormat::Hex(digits)).unwrap();
        [native("sym_"), native("sym_pat_"), hex("dvg_", 64), hex("hg_pat_", 48).showing(3), hex("hg_ak_", 48)]
    }

    fn made(format: &Format) -> Secret {
        format
            .generate(
                &organization(),
                &instance(),
                &core::array::from_fn::<u8, RANDOM_LEN, _>(|i| u8::try_from(i).unwrap()),
            )
            .unwrap()
    }

    fn check(token: &str, expected: Result<(&str, Option<ShortId>, &str), TokenError>) {
        let formats = formats();
        let parsed = parse(token, &formats, &instance());
        if let Ok(parsed) = &parsed {
            assert_eq!(parsed.digest, Digest::of(token));
        }
        let seen = parsed.map(|parsed| (parsed.format.prefix(), parsed.organization, parsed.display_prefix));
        assert_eq!(seen, expected, "{token}");
        let inspected = inspect(token, &formats).map(|inspected| {
            (inspected.format().prefix(), inspected.claimed_organization(), inspected.display_prefix())
        });
        match expected {
            Err(TokenError::ForeignOrganization) => assert!(inspected.is_ok(), "{token}"),
            expected => assert_eq!(inspected, expected, "{token}"),
        }
    }

    /// The whole text, so that a change of the format is seen. The checksum was computed with Python's zlib, the tag
    /// with its hmac.
    const NATIVE: &str = "sym_pat_AAAAAAz7r10123456789ABCDEFGHIJKLMNOPQRSTUV0Xtf5C";

    #[test]
    fn a_native_token_is_read_back() {
        let format = native("sym_pat_");
        assert_eq!(made(&format).expose(), NATIVE);
        assert_eq!(NATIVE.len(), format.token_len());
        let shown = NATIVE.get(..22).unwrap();
        check(NATIVE, Ok(("sym_pat_", Some(organization()), shown)));
    }

    #[test]
    fn the_forms_of_other_systems_are_read() {
        let digits = "0123456789abcdef".repeat(4);
        check(&format!("dvg_{digits}"), Ok(("dvg_", None, "dvg_0123")));
        let digits = digits.get(..48).unwrap();
        check(&format!("hg_pat_{digits}"), Ok(("hg_pat_", None, "hg_pat_012")));
        check(&format!("hg_ak_{digits}"), Ok(("hg_ak_", None, "hg_ak_0123")));
        check(&format!("dvg_{digits}"), Err(TokenError::WrongLength));
        check(&format!("hg_ak_{digits}0"), Err(TokenError::WrongLength));
        check(&format!("hg_ak_{}", digits.to_uppercase()), Err(TokenError::WrongAlphabet));
        check(&format!("hg_ak_g{}", digits.get(1..).unwrap()), Err(TokenError::WrongAlphabet));
        check(&format!("HG_AK_{digits}"), Err(TokenError::UnknownPrefix));
    }

    #[test]
    fn what_is_no_token_is_told_apart() {
        check("", Err(TokenError::UnknownPrefix));
        check("Bearer", Err(TokenError::UnknownPrefix));
        check("sym_pat_", Err(TokenError::WrongLength));
        check(NATIVE.get(1..).unwrap(), Err(TokenError::UnknownPrefix));
        check(NATIVE.get(..55).unwrap(), Err(TokenError::WrongLength));
        check(&format!("{NATIVE} "), Err(TokenError::WrongLength));
        check(&NATIVE.replace("AAAAAA", "AAAA-A"), Err(TokenError::WrongAlphabet));
        // As many bytes, fewer characters.
        check(&NATIVE.replace("AAAAAA", "AAAAé"), Err(TokenError::WrongAlphabet));
        check(&NATIVE.replace("AAAAAA", "AAAAAB"), Err(TokenError::WrongChecksum));
        check(&format!("sym_pat_{}", "a".repeat(248)), Err(TokenError::WrongLength));
        check(&format!("sym_pat_{}", "a".repeat(249)), Err(TokenError::TooLong));
    }

    #[test]
    fn the_longest_prefix_counts() {
        // As a token of the shorter prefix it has a character too many; it is never read as one.
        let shorter = made(&native("sym_"));
        check(shorter.expose(), Ok(("sym_", Some(organization()), shorter.expose().get(..18).unwrap())));
        let both = [native("sym_pat_"), native("sym_")];
        assert_eq!(inspect(NATIVE, &both).unwrap().format().prefix(), "sym_pat_");
        assert_eq!(inspect(NATIVE, [&both[1]]).err(), Some(TokenError::WrongLength));
    }

    #[test]
    fn another_instance_cannot_name_an_organisation() {
        let format = native("sym_pat_");
        let other = InstanceSecret::new(&[2; 32]).unwrap();
        let foreign = format.generate(&organization(), &other, &[0; RANDOM_LEN]).unwrap();
        check(foreign.expose(), Err(TokenError::ForeignOrganization));
        assert!(parse(foreign.expose(), [&format], &other).is_ok());
    }

    #[test]
    fn codes_tell_a_typing_error_from_an_unknown_token() {
        assert_eq!(TokenError::ForeignOrganization.code(), Code::UnknownToken);
        for error in [
            TokenError::TooLong,
            TokenError::UnknownPrefix,
            TokenError::WrongLength,
            TokenError::WrongAlphabet,
            TokenError::WrongChecksum,
        ] {
            assert_eq!(error.code(), Code::MalformedCredential);
        }
    }

    #[test]
    fn generation_says_when_it_lacks_bytes() {
        let made = |format: &Format, random: &[u8]| format.generate(&organization(), &instance(), random).err();
        let lacking = Some(TokenError::TooLittleRandomness);
        assert_eq!(made(&native("a_"), &[0; 31]), lacking);
        assert_eq!(made(&native("a_"), &[0; 32]), None);
        assert_eq!(made(&native("a_"), &[248; RANDOM_LEN]), lacking);
        let hex = Format::new("a_", SecretFormat::Hex(128)).unwrap();
        assert_eq!(made(&hex, &[255; 63]), lacking);
        assert_eq!(made(&hex, &[255; RANDOM_LEN]), None);
    }

    #[test]
    fn formats_are_bounded() {
        let of = |prefix: &str, body| Format::new(prefix, body).err();
        for prefix in ["", "a", "a-_", "é_", "a_b", &format!("{}_", "a".repeat(32))] {
            assert_eq!(of(prefix, SecretFormat::Native), Some(TokenError::NotAPrefix), "{prefix}");
        }
        assert_eq!(of(&format!("{}_", "a".repeat(31)), SecretFormat::Native), None);
        for (digits, good) in [(0, false), (30, false), (32, true), (33, false), (128, true), (130, false)] {
            let expected = (!good).then_some(TokenError::NotADigitCount);
            assert_eq!(of("a_", SecretFormat::Hex(digits)), expected, "{digits}");
        }
    }

    #[test]
    fn little_of_the_random_part_is_ever_shown() {
        let format = Format::new("a_", SecretFormat::Hex(32)).unwrap().showing(usize::MAX);
        let token = made(&format);
        assert_eq!(format.display_prefix(token.expose()).len(), 2 + MAX_SHOWN);
        assert_eq!(format.display_prefix("a_0"), "");
        assert_eq!(native("a_").showing(0).display_prefix(NATIVE).len(), 12);
    }
}
