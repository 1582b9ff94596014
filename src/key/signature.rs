//! A signature, apart from how it travels.

use core::fmt;

use super::KeyError;

/// An ECDSA signature over P-256: r and s, each from 1 to n − 1.
///
/// With (r, s) also (r, n − s) verifies, and anyone can turn one into the other; both are accepted. So neither the
/// bytes of a signature nor `==` tell whether it was seen before: [`Signature::replay_key`] does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub(super) p256::ecdsa::Signature);

impl Signature {
    /// How many bytes it has: r||s, each of 32 in big-endian order.
    pub const LEN: usize = 64;

    /// Reads the 64 bytes r||s of RFC 9421, section 3.3.4 (IEEE P1363).
    ///
    /// # Errors
    /// [`KeyError::WrongLength`]; [`KeyError::ScalarOutOfRange`] where r or s is zero or not below n.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes: &[u8; Self::LEN] =
            bytes.try_into().map_err(|_| KeyError::WrongLength { expected: Self::LEN, actual: bytes.len() })?;
        p256::ecdsa::Signature::from_bytes(bytes.into()).map(Self).map_err(|_| KeyError::ScalarOutOfRange)
    }

    /// Reads the DER form (RFC 3279, section 2.2.3), strictly: for keys and hardware that answer in it, and for test
    /// vectors. It is refused wherever RFC 9421 is spoken.
    ///
    /// # Errors
    /// [`KeyError::NotDerSignature`], also where r or s is zero or not below n.
    pub fn from_der(bytes: &[u8]) -> Result<Self, KeyError> {
        p256::ecdsa::Signature::from_der(bytes).map(Self).map_err(|_| KeyError::NotDerSignature)
    }

    /// The 64 bytes r||s.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        self.0.to_bytes().into()
    }

    /// What the replay memory knows this signature by: r with the smaller of s and n − s. It is the same for both
    /// signatures that anyone can make of one.
    #[must_use]
    pub fn replay_key(&self) -> [u8; Self::LEN] {
        self.0.normalize_s().to_bytes().into()
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", base16ct::lower::encode_string(&self.to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order of the group (FIPS 186-5 with SP 800-186, section 3.2.1.3).
    const N: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    const N_MINUS_1: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550";
    const ONE: &str = "0000000000000000000000000000000000000000000000000000000000000001";
    const ZERO: &str = "0000000000000000000000000000000000000000000000000000000000000000";

    fn bytes(r: &str, s: &str) -> Vec<u8> {
        base16ct::lower::decode_vec(format!("{r}{s}")).unwrap()
    }

    #[test]
    fn both_halves_are_in_range() {
        for (r, s) in [(ZERO, ONE), (ONE, ZERO), (N, ONE), (ONE, N), (ZERO, ZERO)] {
            assert_eq!(Signature::from_bytes(&bytes(r, s)), Err(KeyError::ScalarOutOfRange), "{r} {s}");
        }
        for (r, s) in [(ONE, ONE), (N_MINUS_1, ONE), (ONE, N_MINUS_1)] {
            assert_eq!(Signature::from_bytes(&bytes(r, s)).unwrap().to_bytes().as_slice(), bytes(r, s));
        }
    }

    #[test]
    fn it_has_64_bytes() {
        let good = bytes(ONE, ONE);
        for other in [&good[..63], &[&good[..], &[0]].concat(), &[]] {
            let expected = KeyError::WrongLength { expected: 64, actual: other.len() };
            assert_eq!(Signature::from_bytes(other), Err(expected));
        }
    }

    #[test]
    fn both_signatures_of_one_have_one_replay_key() {
        let low = Signature::from_bytes(&bytes(N_MINUS_1, ONE)).unwrap();
        let high = Signature::from_bytes(&bytes(N_MINUS_1, N_MINUS_1)).unwrap();
        assert_ne!(low, high);
        assert_eq!(low.replay_key(), high.replay_key());
        assert_eq!(low.replay_key(), low.to_bytes());
        assert_ne!(low.replay_key(), Signature::from_bytes(&bytes(ONE, ONE)).unwrap().replay_key());
    }

    #[test]
    fn der_is_read_strictly() {
        let der = [0x30, 6, 2, 1, 5, 2, 1, 7];
        let signature = Signature::from_der(&der).unwrap();
        assert_eq!((signature.to_bytes()[31], signature.to_bytes()[63]), (5, 7));
        for other in [
            &[&der[..], &[0]].concat()[..],
            &der[..7],
            &[0x30, 7, 2, 2, 0, 5, 2, 1, 7],
            &[0x30, 6, 2, 1, 0x85, 2, 1, 7],
            &[0x30, 6, 2, 1, 0, 2, 1, 7],
            &[0x30, 0x81, 6, 2, 1, 5, 2, 1, 7],
            &[],
        ] {
            assert_eq!(Signature::from_der(other), Err(KeyError::NotDerSignature), "{other:?}");
        }
    }
}
