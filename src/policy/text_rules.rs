//! What a token's name, description and passphrase may look like: lengths in characters and, for names, the
//! characters themselves, without regular expressions.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A set of ASCII characters in the notation of a bracket expression, without the brackets: `a-z0-9_-`.
///
/// A `-` between two characters is a range, elsewhere itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CharClass {
    text: String,
    ranges: Vec<(char, char)>,
}

/// The text is no [`CharClass`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("characters are listed as in 'a-z0-9_-': 1 to 64 printable ASCII characters, ranges upwards")]
pub struct CharClassError;

impl CharClass {
    /// How long its notation may be, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Whether the character is in the set.
    #[must_use]
    pub fn contains(&self, c: char) -> bool {
        self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&c))
    }
}

impl FromStr for CharClass {
    type Err = CharClassError;

    fn from_str(text: &str) -> Result<Self, CharClassError> {
        if text.is_empty() || text.len() > Self::MAX_LEN || !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return Err(CharClassError);
        }
        let mut ranges = Vec::new();
        let mut rest = text.chars().peekable();
        while let Some(from) = rest.next() {
            let mut ahead = rest.clone();
            let to = match (ahead.next(), ahead.next()) {
                (Some('-'), Some(to)) => {
                    rest = ahead;
                    to
                }
                _ => from,
            };
            if to < from {
                return Err(CharClassError);
            }
            ranges.push((from, to));
        }
        Ok(Self { text: text.to_owned(), ranges })
    }
}

impl fmt::Display for CharClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

crate::text::serde_as_text!(CharClass);

/// Which characters a name is made of: one set for the first, one for those between, one for the last.
///
/// Devtron's `^[a-z0-9][a-z0-9_-]*[a-z0-9]$` is `{ first = "a-z0-9", middle = "a-z0-9_-", last = "a-z0-9" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NamePattern {
    /// The first character.
    pub first: CharClass,
    /// Those between the first and the last.
    pub middle: CharClass,
    /// The last character, of a name of two or more.
    pub last: CharClass,
}

impl NamePattern {
    /// Whether every character of the name is in its set. The empty name is not.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let mut chars = name.chars();
        let first = chars.next().is_some_and(|c| self.first.contains(c));
        let last = chars.next_back().is_none_or(|c| self.last.contains(c));
        first && last && chars.all(|c| self.middle.contains(c))
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "first one of [{}], then of [{}], last of [{}]", self.first, self.middle, self.last)
    }
}

/// What a token's name may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct NameRules {
    /// The fewest characters. 1 where not said.
    pub min: u16,
    /// The most characters, at most 255. 255 where not said.
    pub max: u16,
    /// Which characters; none means all but control characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<NamePattern>,
    /// The name of a token for which none is given; none means that one must be given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

impl Default for NameRules {
    fn default() -> Self {
        Self { min: 1, max: Self::MAX, pattern: None, default: None }
    }
}

impl NameRules {
    /// The most characters that any kind may allow.
    pub const MAX: u16 = 255;
}

/// What a token's description may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct DescriptionRules {
    /// The most characters, at most 4000; 0 means that there is none. 1000 where not said.
    pub max: u16,
    /// Whether one must be given.
    pub required: bool,
}

impl Default for DescriptionRules {
    fn default() -> Self {
        Self { max: 1000, required: false }
    }
}

impl DescriptionRules {
    /// The most characters that any kind may allow.
    pub const MAX: u16 = 4000;
}

/// The passphrase that may be set on a token, and must then come with it at every use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct PassphraseRules {
    /// The fewest characters, at least 8. 8 where not said.
    pub min: u16,
    /// The most characters, at most 255. 255 where not said.
    pub max: u16,
}

impl Default for PassphraseRules {
    fn default() -> Self {
        Self { min: Self::MIN, max: Self::MAX }
    }
}

impl PassphraseRules {
    /// The fewest characters that any kind may allow.
    pub const MIN: u16 = 8;
    /// The most characters that any kind may allow: what Argon2id is asked to hash stays bounded.
    pub const MAX: u16 = 255;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_lists_characters_and_ranges() {
        let class: CharClass = "a-z0-9_-".parse().unwrap();
        for (c, expected) in
            [('a', true), ('z', true), ('5', true), ('_', true), ('-', true), ('A', false), ('.', false)]
        {
            assert_eq!(class.contains(c), expected, "{c}");
        }
        assert_eq!(class.to_string().parse(), Ok(class));
        for text in ["", "z-a", "é", &"a".repeat(65)] {
            assert_eq!(text.parse::<CharClass>(), Err(CharClassError), "{text}");
        }
    }

    #[test]
    fn a_pattern_has_a_first_a_middle_and_a_last() {
        let class = |text: &str| text.parse().unwrap();
        let pattern = NamePattern { first: class("a-z0-9"), middle: class("a-z0-9_-"), last: class("a-z0-9") };
        for (name, expected) in
            [("ab", true), ("a-b_c9", true), ("a", true), ("", false), ("-ab", false), ("ab-", false), ("aBc", false)]
        {
            assert_eq!(pattern.matches(name), expected, "{name}");
        }
    }
}
