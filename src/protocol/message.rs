//! The calls between gate and authority, and their answers, as JSON.
//!
//! Both run in one Worker but not always in one version of it: a new member of a message is optional, and an old one
//! is not given a new meaning.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{MemberId, OrganizationId, ShortId, TokenId};
use crate::key::Thumbprint;
use crate::policy::{GrantSet, Rate};
use crate::problem::Problem;
use crate::protocol::identity::Returned;
use crate::protocol::imported::{Try, Upgrade};
use crate::protocol::session::SignIn;
use crate::protocol::{Epoch, Network, Record, Version};
use crate::time::Timestamp;
use crate::token::Digest;

/// What the authority of an organisation can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationCall {
    /// Find and confirm a record, renew a lease, bring use counts: any of them, in one call. Answered by [`Answer`].
    Ask(Ask),
    /// Reserve one try of a token's passphrase before hashing it. Answered by [`Attempted`].
    Attempt {
        /// Whose passphrase.
        token: TokenId,
        /// From where it is tried.
        #[serde(default)]
        client: Client,
    },
    /// How a reserved try ended. Answered by [`Done`].
    Settle {
        /// Whose passphrase.
        token: TokenId,
        /// Whether it was right.
        right: bool,
        /// From where it was tried.
        client: Client,
    },
    /// Reserve one try of a secret against imported bcrypt hashes. Answered by [`Tried`](super::imported::Tried).
    Try(Try),
    /// Replace an imported bcrypt hash by a SHA-256. Answered by [`Upgraded`](super::imported::Upgraded).
    Upgrade(Upgrade),
    /// A management call by an authenticated principal. Answered by an [`HttpResponse`].
    Manage(Manage),
    /// May somebody do something to the instance: asked by the instance alone. Answered by [`Authorized`].
    Authorize(Authorize),
    /// Make the token of a login that a member has approved; it is being collected now. Answered by
    /// an [`HttpResponse`]: 201 with a [`LoginToken`](super::login::LoginToken), 202 where the approval has not been
    /// written yet, or a problem.
    CollectLogin {
        /// The token that was promised.
        token: TokenId,
    },
    /// Somebody who was invited becomes a member: the secret in the body is all that they show. Answered by an
    /// [`HttpResponse`].
    AcceptInvitation {
        /// What was asked.
        request: HttpRequest,
    },
    /// Somebody signs in to the console, or gets back in. Answered by an [`HttpResponse`].
    SignIn(Box<SignIn>),
    /// Somebody comes back from the provider at which they signed in. Answered by
    /// [`Recognised`](super::identity::Recognised).
    Returned(Box<Returned>),
    /// Make the organisation, from the instance alone; the same call twice makes it once. Answered by [`Founded`].
    Found(Box<Found>),
}

/// A question of an edge to an authority.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// The record wanted, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup: Option<Lookup>,
    /// The epoch that the edge held when it asked: changes since then are wanted. None: it holds none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Epoch>,
    /// Whether a lease is wanted.
    #[serde(default)]
    pub lease: bool,
    /// Use counts since the last batch that was acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<UseBatch>,
    /// Whether the edge has still all that it was told as of `since`, so that what is the same need not be told again.
    /// Only the instance goes by it: [`Routes`].
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub keeps: bool,
    /// Where whoever shows what is looked up is, if it counts against that where nobody has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_by: Option<Network>,
}

/// By what a record is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookup {
    /// The SHA-256 of a bearer secret.
    Digest(Digest),
    /// The RFC 7638 thumbprint of a key.
    Thumbprint(Thumbprint),
    /// Any other name under which a locator found it, such as a fingerprint of another system.
    Alias(String),
    /// The token itself.
    Token(TokenId),
    /// The SHA-256 of the secret of a session in the console. Only the cookie leads here.
    Session(Digest),
}

/// The authority's answer to an [`Ask`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The epoch of which everything in this answer is true.
    pub epoch: Epoch,
    /// The record that was asked for. None: there is none, or none was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Box<Record>>,
    /// What changed between the edge's epoch and this one.
    pub changes: Changes,
    /// How long the edge may go on believing what it has confirmed, in milliseconds from when it sent the question;
    /// 0: not at all.
    #[serde(default)]
    pub lease_millis: u64,
    /// How much longer the organisation lets an edge decide when the authority cannot be reached, in milliseconds.
    #[serde(default)]
    pub stale_millis: u64,
    /// The batch of use counts that is now counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<u64>,
    /// How many verifications may fail, where the organisation's profile has another limit than the usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Rate>,
    /// Which of those that this question is about have had as many failed verifications, over all edges, as there may be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limited: Vec<Limited>,
}

/// Somebody of whom no further failed verification is told for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limited {
    /// Who.
    pub who: Failing,
    /// For how many seconds from when this was said.
    pub seconds: u32,
}

/// Against whom a failed verification counts.
///
/// Against a token and its member only what fails after possession was proved: whoever merely names a token, or guesses
/// at its secret, is a stranger, and counts against nothing but where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failing {
    /// A token.
    Token(TokenId),
    /// The member whose token it is.
    Member(MemberId),
    /// Where whoever has a token that fails is.
    Holder(Network),
    /// Where somebody is whose credential is nobody's, or whose signature does not hold.
    Stranger(Network),
}

/// What changed at an authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changes {
    /// All tokens that changed after the epoch `since`, up to the answer's.
    Since {
        /// The epoch that the edge said it held.
        since: Epoch,
        /// The tokens, each once.
        tokens: Vec<TokenId>,
    },
    /// Too many, or too long ago, or the edge held none: drop everything.
    StartOver,
}

/// Use counts of one isolate: numbered from 1, frozen once sent until it is acknowledged, so that a message that
/// arrives twice counts once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UseBatch {
    /// The isolate's random name: 32 hexadecimal digits.
    pub isolate: String,
    /// The number of this batch.
    pub number: u64,
    /// Tokens that were used.
    pub uses: Vec<Use>,
    /// Refusals that the activity log wants, added up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<Refusal>,
}

/// How often a token was used and when last.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Use {
    /// Which token.
    pub token: TokenId,
    /// How often since the last batch.
    pub count: u64,
    /// When last, on the edge's clock.
    pub last_at: Timestamp,
    /// From where last.
    pub client: Client,
    /// The version of the record with which it was used, so that a rotation's grace can end with the new secret's
    /// first use.
    pub version: Version,
    /// Whether the newest of its secrets was used at least once.
    #[serde(default)]
    pub newest: bool,
}

/// How often a token was refused for one cause.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Refusal {
    /// Which token.
    pub token: TokenId,
    /// Why.
    pub code: crate::problem::Code,
    /// How often since the last batch.
    pub count: u64,
    /// When last, on the edge's clock.
    pub last_at: Timestamp,
    /// From where last: all from the same network.
    pub client: Client,
    /// Whether a resource server or a proxy passed them on, so that they count against nobody.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub passed_on: bool,
}

/// Who asks, as far as the connection tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Client {
    /// The address, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The user agent, cut to 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

impl Client {
    /// Where it is, as limits count it.
    #[must_use]
    pub fn network(&self) -> Network {
        self.address.as_deref().map_or(Network::UNKNOWN, Network::of)
    }
}

/// Whether a passphrase may be tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempted {
    /// Yes, and the try is counted as wrong until it is settled.
    Reserved,
    /// No: too many were wrong.
    Locked {
        /// Until when.
        until: Timestamp,
    },
    /// No: too many were wrong of this member's tokens, or from this address.
    Limited {
        /// For how many seconds.
        seconds: u32,
    },
    /// No such token any more.
    Unknown,
}

/// A call was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The epoch after it.
    pub epoch: Epoch,
}

/// A management call whose credential the gate has verified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manage {
    /// Which token was presented, or which session of the console: both are named by the record that the authority gave.
    /// It reads them again in its own transaction.
    pub token: TokenId,
    /// Whether possession was proved by a signature.
    pub signed: bool,
    /// The Argon2id hash, in PHC form, of the `passphrase` in the body. The gate makes it, because it is slow, and only
    /// after [`HttpResponse::WANTS_HASH`]; the authority checks the passphrase's length in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase_hash: Option<String>,
    /// What was asked.
    pub request: HttpRequest,
}

/// What somebody wants to do to the instance. The organisation that was made by setup decides about it, and writes it
/// down: the instance has no members, tokens or activity log of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorize {
    /// Which token was presented, or which session of the console.
    pub token: TokenId,
    /// What is to be done.
    pub act: InstanceAct,
    /// What the activity log says of it; null: nothing will change, and nothing is written down.
    pub details: serde_json::Value,
    /// Who asks.
    pub client: Client,
}

/// Something that is done to the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceAct {
    /// A further organisation is made.
    CreateOrganization,
    /// The route table is replaced.
    ReplaceRoutes,
}

/// The answer to [`Authorize`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "authorized", rename_all = "snake_case")]
pub enum Authorized {
    /// It may be done, and is written down.
    Granted,
    /// It may not.
    Refused {
        /// Why.
        problem: Box<Problem>,
    },
}

/// An HTTP request as the authority sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// The method, upper case.
    pub method: String,
    /// Scheme and authority: `https://tokens.example`.
    pub origin: String,
    /// The path, still percent-encoded.
    pub path: String,
    /// The query without its `?`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The few fields that management reads, names in lower case: `content-type`, `idempotency-key`.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default)]
    pub body: String,
    /// Who asks.
    #[serde(default)]
    pub client: Client,
}

/// An HTTP response.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The fields, names in lower case.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default)]
    pub body: String,
}

impl HttpResponse {
    /// The status of an answer to [`Manage`] that sets a passphrase and comes without its hash: everything else was
    /// judged, the hash is paid for, and the same call is to come again with it. It never leaves the gate.
    pub const WANTS_HASH: u16 = 102;
}

/// Makes an organisation with its owner and its first token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Its identifier.
    pub id: OrganizationId,
    /// Its name in credentials.
    pub short_id: ShortId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// A built-in profile's name, or the text of one's own.
    pub profile: String,
    /// The owner's name.
    pub owner_name: String,
    /// The owner's mail address.
    pub owner_email: String,
    /// Who asks, for the activity log.
    pub client: Client,
}

/// The answer to [`Found`]: what `POST /v1/setup` returns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Founded {
    /// Made, or asked for again before the token was first used (which makes a new secret for the same token).
    Made {
        /// The document with `organization`, `owner`, `token` and `secret`.
        document: serde_json::Value,
    },
    /// Refused.
    Refused {
        /// Why.
        problem: Box<Problem>,
    },
}

/// What the instance can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceCall {
    /// The first organisation: `POST /v1/setup`, no credential but the setup code in the body. Answered by an
    /// [`HttpResponse`].
    Setup {
        /// What was asked.
        request: HttpRequest,
    },
    /// A management call of the instance: `/v1/organizations`, `/v1/routes`. Answered by an [`HttpResponse`].
    Manage {
        /// The organisation of the token.
        organization: OrganizationId,
        /// The token that was presented.
        token: TokenId,
        /// What it may do, confirmed for this very request.
        effective: GrantSet,
        /// What was asked.
        request: HttpRequest,
    },
    /// The route table, with the same lease as an organisation's records. Answered by [`Routes`].
    Routes(Ask),
    /// Which organisation has this name in addresses. Answered by [`Named`].
    Locate {
        /// The name.
        slug: String,
    },
}

/// The instance's answer to [`InstanceCall::Locate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The organisation; none: nobody has the name.
    pub organization: Option<ShortId>,
}

/// The instance's answer to [`InstanceCall::Routes`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Routes {
    /// Epoch, changes and lease, as for records.
    pub answer: Answer,
    /// The table, first match wins. None: it is the one that the edge said it has, as of the epoch that it named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<Route>>,
    /// The organisations that the table names; the founding one, which it means where it names none, without a name.
    #[serde(default)]
    pub organizations: BTreeMap<String, ShortId>,
}

/// What a request to the protected side needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Route"))]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The method, or `*` for any.
    pub method: String,
    /// The path pattern: parts joined by `/`; `{name}` takes one part and names it, a last `{*name}` takes the rest.
    pub path: String,
    /// Whether it is let through without a credential.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub public: bool,
    /// The permission that is needed; required unless public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<crate::policy::Permission>,
    /// The resource that the permission is needed on, with `{name}` from the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// A stricter freshness than the kind's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freshness: Option<crate::policy::Freshness>,
    /// Whose tokens are known here: the organisation of this name in addresses, or [`Self::ANY_ORGANIZATION`]; none: the
    /// one that was made by setup. What a permission means is each organisation's own to say: its profile declares it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
}

impl Route {
    /// The organisation of a route on which every organisation's tokens are known.
    pub const ANY_ORGANIZATION: &str = "*";
}

/// What a locator can be asked. It says which organisation a credential belongs to, where the credential does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocatorCall {
    /// Which organisation has this. Answered by [`Located`].
    Find {
        /// The credential's name: see [`Lookup::locator_key`].
        key: String,
        /// Where it comes from, if it counts there that nobody has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shown_by: Option<Network>,
    },
    /// Whose bcrypt hashes have this public prefix. Answered by [`Candidates`](super::imported::Candidates).
    Candidates {
        /// The prefix's name: see [`candidates_key`](super::imported::candidates_key).
        key: String,
        /// Where the secret comes from, if it counts there that nobody has one like it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shown_by: Option<Network>,
    },
    /// Take this name for a token if nobody has it. Answered by [`Claimed`].
    Claim {
        /// The credential's name.
        key: String,
        /// For whom.
        place: Place,
        /// Which claim of that organisation it is: they are counted.
        #[serde(default)]
        claim: u64,
    },
    /// Give the name up, if that token has it. Answered by [`Claimed`].
    Release {
        /// The credential's name.
        key: String,
        /// Who gives it up.
        place: Place,
        /// Up to which claim of that organisation: what was claimed anew since stays.
        #[serde(default)]
        claim: u64,
    },
}

/// Where a credential's record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Which authority.
    pub organization: ShortId,
    /// Which token.
    pub token: TokenId,
}

/// The answer to [`LocatorCall::Find`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// Where it is; none: nobody has it.
    pub place: Option<Place>,
    /// For how many seconds there have been too many from where it comes from, if there have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited: Option<u32>,
}

/// The answer to [`LocatorCall::Claim`] and [`LocatorCall::Release`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    /// Whether the asker has it now (or, after a release, has it no more).
    pub done: bool,
    /// Whether nobody has it, but there is no room: as many bcrypt hashes as may have this public prefix already.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub full: bool,
}

/// What a replay memory can be asked: has this signed request been accepted before?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayCall {
    /// SHA-256 over token and nonce, or token and the signature's canonical form: 64 hexadecimal digits.
    pub key: String,
    /// When the request's window began, on the signer's clock.
    pub created: Timestamp,
    /// When the request's window ends, skew included: the memory forgets the entry after it.
    pub until: Timestamp,
}

/// The answer to [`ReplayCall`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replayed {
    /// The first time: it is remembered now.
    Fresh,
    /// It was accepted before.
    Seen,
    /// Its window has ended on the memory's clock, or is longer than it remembers: it might have been forgotten.
    OutsideWindow,
}

/// Whether a call to an organisation or to the instance changes nothing, so that it may be sent again when it is not
/// known whether it arrived. A text that is no call does not.
#[must_use]
pub fn only_asks(call: &str) -> bool {
    let name = crate::json::parse(call).ok().and_then(|call| call.as_object()?.keys().next().cloned());
    name.is_some_and(|name| matches!(name.as_str(), "ask" | "routes" | "locate"))
}

impl Lookup {
    /// The name under which locator and directory know this credential; at most 100 bytes.
    #[must_use]
    pub fn locator_key(&self) -> Option<String> {
        match self {
            Self::Digest(digest) => Some(format!("d:{digest}")),
            Self::Thumbprint(thumbprint) => Some(format!("t:{thumbprint}")),
            Self::Alias(alias) => Some(format!("a:{alias}")),
            // A session is known to its authority alone.
            Self::Token(_) | Self::Session(_) => None,
        }
    }
}
