//! The profiles that come with the product. They are parsed where they are used, like a user's own.

use super::kind::SecretFormat;
use crate::token::Format;

/// The names of the built-in profiles; the first is the default.
pub const BUILTIN_NAMES: &[&str] = &["symbolon", "devguard", "devpilot", "harborguard", "semgrep", "devtron"];

/// Their files, in the same order: a table, so that no code asks which profile it is.
const FILES: [&str; BUILTIN_NAMES.len()] = [
    include_str!("../../profiles/symbolon.toml"),
    include_str!("../../profiles/devguard.toml"),
    include_str!("../../profiles/devpilot.toml"),
    include_str!("../../profiles/harborguard.toml"),
    include_str!("../../profiles/semgrep.toml"),
    include_str!("../../profiles/devtron.toml"),
];

/// The file of a built-in profile.
///
/// ```
/// use symbolon::policy::{Profile, builtin};
///
/// let profile = Profile::parse(builtin("symbolon").unwrap()).unwrap();
/// assert!(profile.kind("pat").is_some());
/// ```
#[must_use]
pub fn builtin(name: &str) -> Option<&'static str> {
    BUILTIN_NAMES.iter().zip(FILES).find(|(known, _)| **known == name).map(|(_, file)| file)
}

/// The formats of the built-in profiles' tokens that do not prove themselves, with prefix, hexadecimal digits, and how many
/// of them are public: an edge knows them without reading the profiles.
const HEX_FORMATS: &[(&str, u8, usize)] = &[("dvg_", 64, 4), ("hg_pat_", 48, 3), ("hg_ak_", 48, 4)];

/// The formats of all built-in profiles that are not native ones, which are known by themselves.
#[must_use]
pub fn builtin_hex_formats() -> Vec<Format> {
    let format = |(prefix, digits, shown): &(&str, u8, usize)| {
        Format::new(prefix, SecretFormat::Hex(*digits)).ok().map(|format| format.showing(*shown))
    };
    HEX_FORMATS.iter().filter_map(format).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Profile;

    #[test]
    fn the_formats_are_those_of_the_profiles() {
        let mut formats = Vec::new();
        for name in BUILTIN_NAMES {
            let profile = Profile::parse(builtin(name).unwrap()).unwrap();
            for kind in profile.kinds() {
                if matches!(kind.format, SecretFormat::Hex(_)) {
                    formats.push(Format::of_kind(kind).unwrap());
                }
            }
        }
        assert_eq!(builtin_hex_formats(), formats);
    }

    #[test]
    fn every_built_in_profile_is_valid_and_has_its_name() {
        for name in BUILTIN_NAMES {
            match Profile::parse(builtin(name).unwrap()) {
                Ok(profile) => assert_eq!(profile.name(), name),
                Err(errors) => panic!("{name}: {errors}"),
            }
        }
        assert_eq!(builtin("other"), None);
    }
}
