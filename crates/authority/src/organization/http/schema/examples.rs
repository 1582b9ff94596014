//! Bodies as they could be sent.

use serde_json::{Value, json};
use symbolon::protocol::contract::Operation;

pub(super) fn create_token() -> Value {
    json!({
        "kind": "key", "name": "reporting", "description": "Reads reports at night", "permissions": ["api:read"],
        "expires_at": "2027-06-30T12:00:00Z",
    })
}

pub(super) fn edit_token() -> Value {
    json!({ "name": "reporting, nightly", "description": null })
}

pub(super) fn import() -> Value {
    json!({ "tokens": [{
        "kind": "key", "name": "from the old system", "permissions": ["api:read"],
        "sha256": "aad2ad7b65f202f2952ba3e0715db8e8c41dad6ca5e0cc8a266b5146efbe37c5",
    }] })
}

pub(super) fn member() -> Value {
    json!({ "name": "Bea", "email": "bea@acme.example", "role": "developer" })
}

pub(super) fn accept() -> Value {
    json!({ "secret": "sym_inv_…", "name": "Bea" })
}

pub(super) fn add_passkey() -> Value {
    json!({
        "challenge_id": "…", "name": "laptop",
        "credential": {
            "id": "…", "rawId": "…", "type": "public-key", "clientExtensionResults": {},
            "response": { "clientDataJSON": "…", "attestationObject": "…", "transports": ["internal"] },
        },
    })
}

pub(super) fn assertion() -> Value {
    json!({
        "challenge_id": "…",
        "credential": {
            "id": "…", "rawId": "…", "type": "public-key", "clientExtensionResults": {},
            "response": { "clientDataJSON": "…", "authenticatorData": "…", "signature": "…", "userHandle": "…" },
        },
    })
}

pub(super) fn recover() -> Value {
    json!({ "organization": "acme", "email": "ada@acme.example", "recovery_code": "…" })
}

pub(super) fn devguard() -> Value {
    json!({ "description": "pipeline", "scopes": "scan", "expiryDateUnix": 1_800_000_000 })
}

pub(super) fn harborguard(operation: Operation) -> Value {
    match operation {
        Operation::HarborguardCreateKey => json!({ "name": "pipeline", "role": "ci" }),
        _ => json!({ "name": "laptop", "permissions": ["scans:view"] }),
    }
}

pub(super) fn devtron() -> Value {
    json!({ "name": "nightly", "description": "The nightly build", "expireAtInMs": 0 })
}
