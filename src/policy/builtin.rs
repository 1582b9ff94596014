//! The profiles that come with the product. They are parsed where they are used, like a user's own.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Profile;

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
