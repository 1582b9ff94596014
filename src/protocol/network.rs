//! Where a client is, as limits count it.
//!
//! An address of IPv4 is one party's, or that of a few behind one translator. Of IPv6 everybody has at least a /64 (RFC
//! 6177; RFC 4291, section 2.5.4), so whoever counts whole addresses counts nothing: 2^64 of them cost nobody anything.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What limits are counted by: an address of IPv4, or a /64 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    V4(Ipv4Addr),
    V6([u16; 4]),
    /// Where it cannot be told: all of those are one.
    Unknown,
}

impl Network {
    /// That of a client for which the connection tells no address, or none that can be read.
    pub const UNKNOWN: Self = Self(Kind::Unknown);

    /// That of an address. One of IPv4 that is written as IPv6 (RFC 4291, section 2.5.5.2) is the same.
    #[must_use]
    pub fn of(address: &str) -> Self {
        Self(match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
            Ok(IpAddr::V4(address)) => Kind::V4(address),
            Ok(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                Kind::V6([a, b, c, d])
            }
            Err(_) => Kind::Unknown,
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::V4(address) => address.fmt(f),
            Kind::V6([a, b, c, d]) => write!(f, "{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)),
            Kind::Unknown => f.write_str("unknown"),
        }
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self::of(text.strip_suffix("/64").unwrap_or(&text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_survives_the_wire() {
        for address in ["192.0.2.1", "2001:db8:1:2:3:4:5:6", "::1", ""] {
            let network = Network::of(address);
            let json = serde_json::to_string(&network).unwrap();
            assert_eq!(serde_json::from_str::<Network>(&json).unwrap(), network, "{json}");
        }
    }

    #[test]
    fn an_address_is_counted_with_those_of_the_same_party() {
        for (address, network) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:DB8:1:2::9", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
            ("::1", "::/64"),
            ("", "unknown"),
            ("192.0.2.1, 192.0.2.2", "unknown"),
            ("[::1]", "unknown"),
        ] {
            assert_eq!(Network::of(address).to_string(), network, "{address}");
        }
        assert_ne!(Network::of("192.0.2.1"), Network::of("192.0.2.2"));
    }
}
