//! What a token may do: permissions, patterns, grants, and the profiles that declare them.
//!
//! One formula holds for every profile: *effective = granted ∩ ceiling*. [`GrantSet`] is both sides of it.

mod grant;

pub use grant::{Grant, GrantError, GrantSet, Permission, ResourcePattern};
