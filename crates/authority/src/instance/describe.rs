//! What the OpenAPI document says of the calls that the instance answers.

use serde_json::json;
use symbolon::problem::Code;
use symbolon::protocol::contract::Operation;
use symbolon::protocol::contract::description::{Description, JSON, Schemas};

use super::body::Founding;
use super::routes::Table;
use crate::organization::founded;

/// What is said of a call; none where the instance does not answer it.
pub(crate) fn describe(operation: Operation, schemas: &mut Schemas) -> Option<Description> {
    let body = json!({
        "setup_code": "0123456789abcdef0123456789abcdef",
        "organization": { "slug": "acme", "name": "Acme", "profile": "symbolon" },
        "owner": { "name": "Ada", "email": "ada@acme.example" },
    });
    Some(match operation {
        Operation::Setup => founded(schemas)
            .refuses(&[Code::UnknownToken, Code::InsufficientPermission, Code::Conflict])
            .reads(JSON, schemas.read::<Founding>(), body),
        Operation::CreateOrganization => {
            founded(schemas).refuses(&[Code::Conflict]).reads(JSON, schemas.read::<Founding>(), body)
        }
        Operation::ReadRoutes => Description::of(200, "The table.", schemas.written::<Table>()),
        Operation::ReplaceRoutes => Description::of(200, "The table as it is now.", schemas.written::<Table>()).reads(
            JSON,
            schemas.read::<Table>(),
            json!({ "routes": [
                { "method": "GET", "path": "/reports/{*rest}", "permission": "api:read" },
                { "method": "GET", "path": "/status", "public": true },
            ] }),
        ),
        _ => return None,
    })
}
