//! The profiles that come with the product. They are parsed where they are used, like a user's own.

/// The names of the built-in profiles; the first is the default.
pub const BUILTIN_NAMES: &[&str] = &["symbolon", "devguard", "devpilot", "harborguard", "semgrep", "devtron"];

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
    Some(match name {
        "symbolon" => include_str!("../../profiles/symbolon.toml"),
        "devguard" => include_str!("../../profiles/devguard.toml"),
        "devpilot" => include_str!("../../profiles/devpilot.toml"),
        "harborguard" => include_str!("../../profiles/harborguard.toml"),
        "semgrep" => include_str!("../../profiles/semgrep.toml"),
        "devtron" => include_str!("../../profiles/devtron.toml"),
        _ => return None,
    })
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
