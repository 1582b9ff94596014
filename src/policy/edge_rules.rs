//! What an edge must know of a kind to judge a request: the part of [`Kind`] that goes with every record.

use serde::{Deserialize, Serialize};

use super::kind::{Count, Freshness, Header, Kind, Proof};
use super::signature_rules::SignatureRules;

/// The rules of a kind for requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeRules {
    /// How possession may be proved.
    pub proofs: Vec<Proof>,
    /// Which header fields may carry the secret.
    pub headers: Vec<Header>,
    /// How fresh an edge's knowledge must be.
    pub freshness: Freshness,
    /// What a signed request must look like; strict mode already applied.
    pub signature: SignatureRules,
    /// What is counted of its uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<Count>,
}

impl EdgeRules {
    /// The rules of revoked tokens whose kind the profile has no more: whoever proves possession in any native form is
    /// told that the token was revoked. Nothing is counted.
    #[must_use]
    pub fn of_no_kind() -> Self {
        Self {
            proofs: vec![Proof::Bearer, Proof::Signature],
            headers: Header::ALL.to_vec(),
            freshness: Freshness::Immediate,
            signature: SignatureRules::default(),
            counts: Vec::new(),
        }
    }
}

impl Kind {
    /// The rules that go with every record of this kind.
    #[must_use]
    pub fn edge_rules(&self) -> EdgeRules {
        EdgeRules {
            proofs: self.proofs.clone(),
            headers: self.headers.clone(),
            freshness: self.freshness,
            signature: self.signature.clone().applied(),
            counts: self.counts.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{BUILTIN_NAMES, Profile, Replay, builtin};

    #[test]
    fn the_rules_of_every_kind_survive_the_wire() {
        for profile in BUILTIN_NAMES {
            for kind in Profile::parse(builtin(profile).unwrap()).unwrap().kinds() {
                let rules = kind.edge_rules();
                let json = serde_json::to_string(&rules).unwrap();
                assert_eq!(serde_json::from_str::<EdgeRules>(&json).unwrap(), rules, "{json}");
            }
        }
    }

    #[test]
    fn devguards_form_is_what_its_clients_send() {
        let profile = Profile::parse(builtin("devguard").unwrap()).unwrap();
        let rules = profile.kind("pat").unwrap().edge_rules().signature;
        assert_eq!(rules.components, ["@method", "content-digest"]);
        assert_eq!(rules.labels, ["sig77"]);
        assert_eq!((rules.max_age_seconds, rules.max_future_seconds), (10, 2));
        assert_eq!(rules.replay, Replay::Once);
        assert!(rules.fingerprint_header && !rules.nonce_required && rules.tag.is_none());
    }
}
