//! Numbers and random bytes as base62.

use crate::id::BASE62;

/// Bytes below this give each of the 62 characters equally often; those above are passed over.
const UNBIASED: u8 = 248;

/// `N` characters of a number, the most significant first; what does not fit is cut off.
pub(super) fn digits<const N: usize>(mut number: u64) -> [u8; N] {
    let mut text = [b'0'; N];
    for slot in text.iter_mut().rev() {
        let digit = usize::try_from(number % 62).unwrap_or_default();
        *slot = BASE62.get(digit).copied().unwrap_or_default();
        number /= 62;
    }
    text
}

/// The characters that random bytes give, all equally likely.
pub(super) fn random_chars(random: &[u8]) -> impl Iterator<Item = char> {
    let usable = random.iter().filter(|byte| **byte < UNBIASED);
    usable.filter_map(|byte| BASE62.get(usize::from(byte % 62))).map(|char| char::from(*char))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_leading_zeros() {
        assert_eq!(&digits::<6>(0), b"000000");
        assert_eq!(&digits::<6>(61), b"00000z");
        assert_eq!(&digits::<6>(62), b"000010");
        assert_eq!(&digits::<6>(u64::from(u32::MAX)), b"4gfFC3");
        assert_eq!(&digits::<2>(62 * 62 + 1), b"01");
    }

    #[test]
    fn every_character_comes_from_as_many_bytes() {
        let all: Vec<u8> = (0..=255).collect();
        let chars: Vec<char> = random_chars(&all).collect();
        assert_eq!(chars.len(), 248);
        for each in BASE62 {
            assert_eq!(chars.iter().filter(|char| **char == char::from(*each)).count(), 4, "{each}");
        }
    }
}
