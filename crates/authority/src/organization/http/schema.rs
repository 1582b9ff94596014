//! What the OpenAPI document says of the calls that an organisation's authority answers: their bodies, parameters and
//! documents, and the causes for which they are refused besides those of every call.

mod examples;

use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};
use symbolon::policy::PublicProfile;
use symbolon::problem::Code;
use symbolon::protocol::contract::Operation;
use symbolon::protocol::contract::description::{Description, JSON, Parameter, Schemas, text};
use symbolon::protocol::identity::Visit;

use super::contract::*;
use super::wire::documents::*;
use super::{activity, list, members};
use crate::organization::activity::Verification;
use crate::organization::http::body::Optional;

/// The schema of an object whose members are said one by one.
pub(crate) struct Object {
    documentation: &'static [&'static str],
    properties: Map<String, Value>,
    required: Vec<Value>,
}

impl Object {
    pub(crate) fn new(documentation: &'static [&'static str]) -> Self {
        Self { documentation, properties: Map::new(), required: Vec::new() }
    }

    pub(crate) fn member(&mut self, name: &str, required: bool, documentation: &[&str], schema: Schema) {
        let mut schema = schema.to_value();
        if let Some(object) = schema.as_object_mut() {
            object.insert("description".to_owned(), text(documentation).into());
        }
        self.properties.insert(name.to_owned(), schema);
        if required {
            self.required.push(name.into());
        }
    }

    pub(crate) fn finish(self) -> Schema {
        let mut object = Map::new();
        object.insert("description".to_owned(), text(self.documentation).into());
        object.insert("type".to_owned(), "object".into());
        object.insert("properties".to_owned(), self.properties.into());
        if !self.required.is_empty() {
            object.insert("required".to_owned(), self.required.into());
        }
        object.insert("additionalProperties".to_owned(), false.into());
        object.into()
    }
}

const LOCATION: (&str, &str) = ("Location", "The token's address.");
const COOKIE: (&str, &str) = ("Set-Cookie", "The session's secret, which no script can read.");
const CLEARED: (&str, &str) = ("Set-Cookie", "Takes the cookie away, where it was this session's.");
const FLOW: (&str, &str) = ("Set-Cookie", "The visit that is under way, sealed.");
const NEXT: (&str, &str) = ("Link", "The next part, with `rel=\"next\"`; absent on the last.");

/// What is said of a call; none where this authority does not answer it.
pub(crate) fn describe(operation: Operation, schemas: &mut Schemas) -> Option<Description> {
    let s = schemas;
    Some(match operation {
        Operation::WhoAmI => ok::<WhoAmI>(s, "Who the credential is."),
        Operation::ListKinds => ok::<PublicProfile<'_>>(s, "The profile, as whoever asks sees it."),
        Operation::ListTokens => ok::<Page<TokenDocument>>(s, "A page of tokens.").query(list::Parameters::describe()),
        Operation::CreateToken => {
            let made = made::<CreatedToken>(s, "The token, and its secret.").with(&[LOCATION]);
            made.header(idempotency_key()).refuses(&[Code::Conflict]).takes::<CreateToken>(s, examples::create_token())
        }
        Operation::ImportTokens => made::<ImportedTokens>(s, "The tokens, in the order of the request.")
            .header(idempotency_key())
            .refuses(&[Code::Conflict])
            .takes::<ImportTokens>(s, examples::import()),
        Operation::RevokeByKey => ok::<Changed<TokenDocument>>(s, "The token as it is now.").refuses(&[Code::NotFound]),
        Operation::ReadToken => ok::<TokenDocument>(s, "The token.").refuses(&[Code::NotFound]),
        Operation::EditToken => ok::<Changed<TokenDocument>>(s, "The token as it is now.")
            .refuses(&[Code::NotFound, Code::Conflict, Code::NotEditable])
            .takes::<EditToken>(s, examples::edit_token()),
        Operation::RevokeToken => ok::<Changed<TokenDocument>>(s, "The token as it is now.").refuses(&[Code::NotFound]),
        Operation::RotateToken => ok::<CreatedToken>(s, "The token, and its new secret.")
            .refuses(&[Code::NotFound, Code::Conflict, Code::NotEditable])
            .takes::<RotateToken>(s, serde_json::json!({ "grace_seconds": 3600 })),
        Operation::RegenerateToken => ok::<CreatedToken>(s, "The token, and its new secret.")
            .refuses(&[Code::NotFound, Code::Conflict, Code::NotEditable])
            .takes::<RegenerateToken>(s, serde_json::json!({ "expires_at": "2027-06-30T12:00:00Z" })),
        Operation::CreateChallenge => made::<Challenge>(s, "What to sign."),
        Operation::ListMembers => {
            ok::<Page<MemberDocument>>(s, "A page of members, by name.").query(members::Parameters::describe())
        }
        Operation::CreateMember => made::<MemberDocument>(s, "The member.")
            .header(idempotency_key())
            .refuses(&[Code::Conflict])
            .takes::<CreateMember>(s, examples::member()),
        Operation::EditMember => ok::<Changed<MemberDocument>>(s, "The member as they are now.")
            .refuses(&[Code::NotFound, Code::Conflict])
            .takes::<EditMember>(s, serde_json::json!({ "role": "viewer" })),
        Operation::RemoveMember => {
            ok::<Changed<MemberDocument>>(s, "The member as they are now.").refuses(&[Code::NotFound, Code::Conflict])
        }
        Operation::ReadProfile => ok::<ProfileDocument<'_>>(s, "The profile."),
        Operation::ReplaceProfile => ok::<Changed<ProfileDocument<'_>>>(s, "The profile as it is now.")
            .refuses(&[Code::Conflict])
            .takes::<ReplaceProfile>(s, serde_json::json!({ "profile": "symbolon" })),
        Operation::ListActivity => {
            ok::<Page<symbolon::activity::Entry>>(s, "A page of entries.").query(activity::Filters::describe())
        }
        Operation::VerifyActivity => ok::<Verification>(s, "What the check found."),
        Operation::ExportActivity => {
            let lines = serde_json::json!({ "type": "string", "description": "One ActivityEntry a line." });
            Description::default()
                .and(200, "Entries, one JSON object a line.", Some(("application/x-ndjson", lines)))
                .with(&[NEXT])
                .query(activity::ExportParameters::describe())
        }
        Operation::ShowDevice => ok::<AskingDocument>(s, "What asks.")
            .refuses(&[Code::NotFound, Code::Conflict])
            .query(super::device::Parameters::describe()),
        Operation::ApproveDevice => {
            ok::<AskingDocument>(s, "What asked.")
                .refuses(&[Code::NotFound, Code::Conflict])
                .takes::<DecideDevice>(s, serde_json::json!({ "user_code": "BCDF-GHJK", "name": "laptop" }))
        }
        Operation::DenyDevice => ok::<AskingDocument>(s, "What asked.")
            .refuses(&[Code::NotFound, Code::Conflict])
            .takes::<DecideDevice>(s, serde_json::json!({ "user_code": "BCDF-GHJK" })),
        Operation::Onboard => made::<OnboardedDocument>(s, "The token, its secret, and how to use it.")
            .with(&[LOCATION])
            .header(idempotency_key())
            .refuses(&[Code::NotFound, Code::Conflict])
            .takes::<Onboard>(s, serde_json::json!({ "repository": "acme/checkout" })),
        Operation::ListInvitations => {
            ok::<Page<InvitationDocument>>(s, "The invitations that are open or were accepted, the newest first.")
        }
        Operation::CreateInvitation => made::<InvitedDocument>(s, "The invitation, and its link.")
            .header(idempotency_key())
            .refuses(&[Code::Conflict])
            .takes::<CreateInvitation>(s, serde_json::json!({ "email": "bea@acme.example", "role": "developer" })),
        Operation::AcceptInvitation => {
            made::<AcceptedDocument>(s, "The member, and their first token or recovery codes.")
                .refuses(&[Code::InsufficientPermission, Code::UnknownToken, Code::NotFound, Code::Conflict])
                .takes::<AcceptInvitation>(s, examples::accept())
        }
        Operation::ListPasskeys => ok::<Passkeys>(s, "Your passkeys."),
        Operation::AddPasskey => made::<AddedPasskey>(s, "The passkey.")
            .refuses(&[Code::Conflict])
            .takes::<AddPasskey>(s, examples::add_passkey()),
        Operation::BeginPasskey => ok::<PasskeyOptions>(s, "What to ask the browser for.").refuses(&[Code::Conflict]),
        Operation::RenewRecoveryCodes => made::<RecoveryCodes>(s, "The codes.").refuses(&[Code::Conflict]),
        Operation::RemovePasskey => {
            ok::<PasskeyDocument>(s, "The passkey that was removed.").refuses(&[Code::NotFound])
        }
        Operation::ListSessions => ok::<Page<SessionDocument>>(s, "Your sessions, the one used last first."),
        Operation::SignIn => {
            made::<CurrentSession>(s, "The session.").with(&[COOKIE]).takes::<CreateSession>(s, examples::assertion())
        }
        Operation::RecoverSession => {
            made::<CurrentSession>(s, "The session.").with(&[COOKIE]).takes::<RecoverSession>(s, examples::recover())
        }
        Operation::BeginIdentity | Operation::BeginConfirm => ok::<Visit>(s, "Where to send the browser.")
            .with(&[FLOW])
            .refuses(&[Code::NotFound, Code::Conflict])
            .takes::<BeginVisit>(s, serde_json::json!({ "next": "/account" })),
        Operation::ListIdentities => ok::<Page<IdentityDocument>>(s, "Your identities."),
        Operation::RemoveIdentity => {
            ok::<IdentityDocument>(s, "The identity that was removed.").refuses(&[Code::NotFound])
        }
        Operation::ReadSignIn => ok::<SignInDocument>(s, "How members sign in."),
        Operation::ReplaceSignIn => ok::<SignInDocument>(s, "How members sign in now.")
            .takes::<ReplaceSignIn>(s, serde_json::json!({ "link_by_email": false })),
        Operation::RevokeInvitation => {
            ok::<InvitationDocument>(s, "The invitation that was withdrawn.").refuses(&[Code::NotFound, Code::Conflict])
        }
        Operation::ReadSession => ok::<CurrentSession>(s, "The session."),
        Operation::EndCurrentSession => {
            ok::<SessionDocument>(s, "The session that ended.").with(&[CLEARED]).refuses(&[Code::NotFound])
        }
        Operation::EndSession => {
            ok::<SessionDocument>(s, "The session that ended.").with(&[CLEARED]).refuses(&[Code::NotFound])
        }
        Operation::ConfirmSession => ok::<CurrentSession>(s, "The session, with another secret.")
            .with(&[COOKIE])
            .takes::<ConfirmSession>(s, examples::assertion()),
        Operation::DevguardListTokens => ok::<Vec<DevguardToken>>(s, "Your tokens.").refuses(&[Code::NotFound]),
        Operation::DevguardCreateToken => ok::<DevguardToken>(s, "The token, and its secret.")
            .refuses(&[Code::NotFound, Code::Conflict])
            .takes::<DevguardNewToken>(s, examples::devguard()),
        Operation::DevguardRevokeToken => ok::<Nothing>(s, "It is revoked.").refuses(&[Code::NotFound]),
        Operation::DevguardWhoAmI => ok::<DevguardActor>(s, "Who acts.").refuses(&[Code::NotFound]),
        Operation::HarborguardListTokens | Operation::HarborguardListKeys => {
            ok::<Data<Vec<HarborguardToken>>>(s, "Those that you may see.").refuses(&[Code::NotFound])
        }
        Operation::HarborguardCreateToken | Operation::HarborguardCreateKey => {
            made::<Data<HarborguardToken>>(s, "It, and its secret.")
                .refuses(&[Code::NotFound, Code::Conflict])
                .takes::<HarborguardNewToken>(s, examples::harborguard(operation))
        }
        Operation::HarborguardRevokeToken | Operation::HarborguardRevokeKey => {
            ok::<Data<HarborguardRevoked>>(s, "It is revoked.").refuses(&[Code::NotFound])
        }
        Operation::SemgrepReadDeployment => ok::<SemgrepDeployment>(s, "The organisation.").refuses(&[Code::NotFound]),
        Operation::SemgrepReadIdentity => ok::<SemgrepIdentity>(s, "Whose it is.").refuses(&[Code::NotFound]),
        Operation::DevtronListTokens => ok::<Envelope<Vec<DevtronToken>>>(s, "The tokens.").refuses(&[Code::NotFound]),
        Operation::DevtronCreateToken => ok::<Envelope<DevtronMade>>(s, "The token's secret.")
            .refuses(&[Code::NotFound, Code::Conflict])
            .takes::<DevtronNewToken>(s, examples::devtron()),
        Operation::DevtronEditToken => ok::<Envelope<DevtronDone>>(s, "It is changed; its secret, if that is new.")
            .refuses(&[Code::NotFound, Code::Conflict, Code::NotEditable])
            .takes::<DevtronEdit>(s, serde_json::json!({ "description": "nightly", "expireAtInMs": 0 })),
        Operation::DevtronRevokeToken => ok::<Envelope<DevtronDone>>(s, "It is revoked.").refuses(&[Code::NotFound]),
        Operation::DevguardRevokeByPrivateKey
        | Operation::SemgrepCollectToken
        | Operation::RevokeSelf
        | Operation::Health
        | Operation::Setup
        | Operation::CreateOrganization
        | Operation::ReadRoutes
        | Operation::ReplaceRoutes
        | Operation::Verify
        | Operation::ForwardAuth
        | Operation::ForwardAuthPath
        | Operation::SignInOptions
        | Operation::ReadProvider
        | Operation::SignInAtProvider
        | Operation::ReturnFromProvider
        | Operation::AuthorizeDevice
        | Operation::CollectToken
        | Operation::Introspect
        | Operation::ReadMetadata => return None,
    })
}

/// What a creation can be repeated by.
fn idempotency_key() -> Parameter {
    Parameter {
        name: "Idempotency-Key",
        documentation: &[
            "1 to 255 visible ASCII characters that name this request: repeated within a day by the same \
            principal, it finds what was made the first time, without its secret.",
        ],
        required: false,
        schema: serde_json::json!({ "type": "string", "pattern": "^[!-~]{1,255}$" }),
    }
}

/// What setup answers, here and by way of the instance.
pub(crate) fn founded(schemas: &mut Schemas) -> Description {
    made::<FoundedDocument<'_>>(schemas, "The organisation, its owner, its first token and that token's secret.")
}

fn ok<T: JsonSchema>(schemas: &mut Schemas, meaning: &'static str) -> Description {
    Description::of(200, meaning, schemas.written::<T>())
}

fn made<T: JsonSchema>(schemas: &mut Schemas, meaning: &'static str) -> Description {
    Description::of(201, meaning, schemas.written::<T>())
}

/// A body of one of the types of `request!`.
trait Takes {
    fn takes<T: JsonSchema + Optional>(self, schemas: &mut Schemas, example: Value) -> Self;
}

impl Takes for Description {
    fn takes<T: JsonSchema + Optional>(self, schemas: &mut Schemas, example: Value) -> Self {
        let schema = schemas.read::<T>();
        if T::OPTIONAL { self.may_read(JSON, schema, example) } else { self.reads(JSON, schema, example) }
    }
}
