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
