//! The permissions for the product itself, which every profile has without declaring them.
//!
//! A profile gives them to its roles and scopes like its own.

use super::grant::Permission;

macro_rules! product {
    ($($(#[$doc:meta])* $variant:ident = $text:literal;)+) => {
        /// A permission for something that Symbolon itself does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Product {
            $($(#[$doc])* $variant,)+
        }

        impl Product {
            /// All of them, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its text, such as `tokens:create`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

product! {
    /// To see tokens, within what the kind lets one see.
    TokensView = "tokens:view";
    /// To make a token.
    TokensCreate = "tokens:create";
    /// To edit a token, or switch it on or off.
    TokensEdit = "tokens:edit";
    /// To rotate or regenerate a token.
    TokensRotate = "tokens:rotate";
    /// To revoke a token.
    TokensRevoke = "tokens:revoke";
    /// To bring in tokens with the hashes of their secrets.
    TokensImport = "tokens:import";
    /// To see members.
    MembersView = "members:view";
    /// To invite a member.
    MembersInvite = "members:invite";
    /// To change a member's role or status.
    MembersEdit = "members:edit";
    /// To remove a member.
    MembersRemove = "members:remove";
    /// To read, check and export the activity log.
    ActivityView = "activity:view";
    /// To read the profile as it was written.
    ProfileView = "profile:view";
    /// To replace the profile.
    ProfileEdit = "profile:edit";
    /// To read the route table.
    RoutesView = "routes:view";
    /// To replace the route table.
    RoutesEdit = "routes:edit";
    /// To make further organisations; of tokens of the founding organisation alone.
    OrganizationsCreate = "organizations:create";
    /// To verify others' credentials (`POST /v1/verify`, RFC 7662).
    CredentialsVerify = "credentials:verify";
}

impl Product {
    /// The permission.
    #[must_use]
    pub fn permission(self) -> Permission {
        // Every text above is a permission (tested); any other would be one that nobody has.
        self.as_str().parse().unwrap_or_else(|_| Permission::any())
    }

    /// Whether a permission is one of the product itself, and none of the application's.
    #[must_use]
    pub fn is_own(permission: &Permission) -> bool {
        Self::ALL.iter().any(|own| own.as_str() == permission.as_str())
    }

    /// What it permits, for people.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::TokensView => "See tokens",
            Self::TokensCreate => "Create tokens",
            Self::TokensEdit => "Edit tokens, and switch them on and off",
            Self::TokensRotate => "Rotate and regenerate tokens",
            Self::TokensRevoke => "Revoke tokens",
            Self::TokensImport => "Import tokens",
            Self::MembersView => "See members",
            Self::MembersInvite => "Invite members",
            Self::MembersEdit => "Change members' roles, and suspend them",
            Self::MembersRemove => "Remove members",
            Self::ActivityView => "Read and export the activity log",
            Self::ProfileView => "Read the profile's file",
            Self::ProfileEdit => "Replace the profile",
            Self::RoutesView => "Read the route table",
            Self::RoutesEdit => "Replace the route table",
            Self::OrganizationsCreate => "Make further organisations, with the founding one's tokens",
            Self::CredentialsVerify => "Verify credentials that others present",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_a_permission() {
        for product in Product::ALL {
            assert_eq!(product.permission().as_str(), product.as_str());
            assert!(Product::is_own(&product.permission()));
        }
        for other in ["api:read", "tokens:*", "*:*"] {
            assert!(!Product::is_own(&other.parse().unwrap()));
        }
    }
}
