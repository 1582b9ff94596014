//! Semgrep: what its command line asks to see whether a token is good. Its login is the gate's and the login objects'.

use sha2::{Digest as _, Sha256};
use symbolon::problem::Code;

use super::documents::{Deployment, SemgrepDeployment, SemgrepIdentity};
use super::{Call, answered, maybe, part, text};
use crate::organization::failure::Result;
use crate::organization::http::Outcome;
use crate::organization::session::Session;
use crate::store::Store;

pub(super) fn handle<S: Store>(session: &mut Session<'_, '_, S>, rest: &[&str]) -> Result<Outcome> {
    let me = |session: &mut Session<'_, '_, S>| Call::new("GET", "/v1/whoami").run(session, None);
    match (session.request.method.as_str(), rest) {
        ("GET", ["deployments", "current"]) => {
            let number = number(&session.head.id.to_string());
            answered(me(session)?, 200, |me| {
                let organization = part(me, "organization");
                let (name, display_name) = (text(&organization, "slug"), text(&organization, "name"));
                SemgrepDeployment { deployment: Deployment { id: number, name, display_name } }
            })
        }
        ("GET", ["identity"]) => answered(me(session)?, 200, |me| {
            let (principal, token) = (part(me, "principal"), part(me, "token"));
            SemgrepIdentity {
                identity: maybe(&principal, "name"),
                token: maybe(&token, "name"),
                organization: text(&part(me, "organization"), "slug"),
            }
        }),
        _ => Err(Code::NotFound.into()),
    }
}

/// A number for the organisation, always the same: its clients expect one.
fn number(id: &str) -> u32 {
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(id));
    u32::from_be_bytes([a & 0x7f, b, c, d])
}
