//! What a token may do: permissions, patterns, grants, and the profiles that declare them.
//!
//! One formula holds for every profile: *effective = granted ∩ ceiling*. [`GrantSet`] is both sides of it. No system
//! has code of its own here: what tells one from another is its TOML file.

mod builtin;
mod check;
mod check_kind;
mod decide;
mod edge_rules;
mod grant;
mod kind;
mod name;
mod parse;
mod product;
mod profile;
#[cfg(feature = "schema")]
mod schema;
mod signature_rules;
mod text_rules;
mod view;

pub use builtin::{BUILTIN_NAMES, builtin, builtin_hex_formats};
pub use decide::{
    Actor, Approved, Asked, AskedGrant, Caution, CautionCode, Change, Chosen, Creation, Edit, Edited, ExpiryAsked,
    LoginAsk, LoginGiven, Missing, Shift, State, Subject, Verb, Via,
};
pub use edge_rules::EdgeRules;
pub use grant::{Grant, GrantError, GrantSet, Permission, ResourcePattern};
pub use kind::{
    Access, CautionTexts, CeilingSource, Count, ExpiryRules, Field, Freshness, Grantable, Header, Kind, Least, Needed,
    Ownership, Proof, RotateRules, SecretFormat, Verbs,
};
pub use name::{Name, NameError};
pub use parse::{ProfileError, ProfileErrors};
pub use product::Product;
pub use profile::{Adapter, Family, Leases, Limits, Lock, PermissionInfo, Profile, Rate, Role, Scope, Service};
#[cfg(feature = "schema")]
pub use schema::schema;
pub use signature_rules::{Replay, SignatureRules};
pub use text_rules::{CharClass, CharClassError, DescriptionRules, NamePattern, NameRules, PassphraseRules};
pub use view::{PublicKind, PublicProfile, PublicRole, PublicScope};
