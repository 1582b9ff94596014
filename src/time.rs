//! Points in time and lengths of time, as the product speaks of them.
//!
//! The core reads no clock: a [`Timestamp`] is always handed in. On the wire a time is RFC 3339 in UTC with
//! millisecond precision; a length of time is whole milliseconds, and says so in its name.

use core::fmt;
use core::str::FromStr;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// Always between year 0 and year 9999, so that it can always be written as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a text or a number is no [`Timestamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time in RFC 3339 such as 2026-01-31T12:00:00Z, between the years 0 and 9999")]
pub struct TimestampError;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The earliest time that can be written: 0000-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// The latest time that can be written: 9999-12-30T22:00:00Z, the last that every offset of `jiff` can show.
    pub const MAX: Self = Self(253_402_207_200_000);

    /// The time so many milliseconds after 1970-01-01T00:00:00Z, held within [`Timestamp::MIN`] and [`Timestamp::MAX`].
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        if millis < Self::MIN.0 {
            Self::MIN
        } else if millis > Self::MAX.0 {
            Self::MAX
        } else {
            Self(millis)
        }
    }

    /// The time so many seconds after 1970-01-01T00:00:00Z, held within bounds.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This time moved later (or, below zero, earlier), held within bounds.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// This time moved later (or, below zero, earlier), held within bounds.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_millis(seconds.saturating_mul(1000))
    }

    /// How many milliseconds this is after `earlier`; below zero if it is before.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) if self.0 % 1000 == 0 => write!(f, "{time:.0}"),
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => Err(fmt::Error),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Reads RFC 3339, any offset; fractions below a millisecond are cut off.
    ///
    /// # Errors
    /// [`TimestampError`] where the text is not RFC 3339 (section 5.6), or outside the bounds.
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        // jiff also reads forms that RFC 3339 does not have (a time zone in brackets, a space before the offset).
        let shape =
            text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'-' | b'+' | b':' | b'.' | b'T' | b't' | b'Z' | b'z'));
        if !shape || text.len() < "2026-01-31T12:00:00Z".len() {
            return Err(TimestampError);
        }
        let time: jiff::Timestamp = text.parse().map_err(|_| TimestampError)?;
        let millis = time.as_millisecond();
        let held = Self::from_millis(millis);
        if held.0 == millis { Ok(held) } else { Err(TimestampError) }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

crate::text::serde_as_text!(Timestamp);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_goes_in_and_out() {
        for (text, millis, printed) in [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
            ("2023-11-14T22:13:20Z", 1_700_000_000_000, "2023-11-14T22:13:20Z"),
            ("2023-11-14T23:13:20.5+01:00", 1_700_000_000_500, "2023-11-14T22:13:20.500Z"),
            ("2023-11-14T22:13:20.0019Z", 1_700_000_000_001, "2023-11-14T22:13:20.001Z"),
        ] {
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(time.as_millis(), millis, "{text}");
            assert_eq!(time.to_string(), printed, "{text}");
            assert_eq!(printed.parse::<Timestamp>(), Ok(time), "{text}");
        }
    }

    #[test]
    fn what_is_not_rfc3339_is_refused() {
        for text in [
            "",
            "now",
            "2023-11-14",
            "2023-11-14T22:13:20",
            "2023-13-14T22:13:20Z",
            "1700000000",
            "2023-11-14T22:13:20Z[UTC]",
            "-000001-01-01T00:00:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(TimestampError), "{text}");
        }
    }

    #[test]
    fn every_bound_can_be_written_and_read() {
        for time in [Timestamp::MIN, Timestamp::MAX, Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX)]
        {
            assert_eq!(time.to_string().parse(), Ok(time));
        }
    }
}
