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

/// The formats of the built-in profiles' tokens that do not prove themselves, with prefix and hexadecimal digits: an edge
/// knows them without reading the profiles.
const HEX_FORMATS: &[(&str, u8)] = &[("dvg_", 64), ("hg_pat_", 48), ("hg_ak_", 48)];

/// The formats of all built-in profiles that are not native ones, which are known by themselves.
#[must_use]
pub fn builtin_hex_formats() -> Vec<Format> {
    let format = |(prefix, digits): &(&str, u8)| Format::new(prefix, SecretFormat::Hex(*digits)).ok();
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
                if let SecretFormat::Hex(digits) = kind.format {
                    formats.push((kind.prefix.clone(), digits));
                }
            }
        }
        let known: Vec<_> = HEX_FORMATS.iter().map(|(prefix, digits)| ((*prefix).to_owned(), *digits)).collect();
        assert_eq!(known, formats);
        assert_eq!(builtin_hex_formats().len(), HEX_FORMATS.len());
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
