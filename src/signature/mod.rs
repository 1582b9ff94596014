//! Signed requests: RFC 9421 (HTTP Message Signatures) with `ecdsa-p256-sha256`, and the digests of RFC 9530.
//!
//! In scope: signing requests, verifying them (and, as far as components go, responses), `Accept-Signature`,
//! `Content-Digest` and `Repr-Digest`. Out of scope: algorithms other than ECDSA P-256, trailers, and any I/O. Signing
//! and verifying both have two steps, so that a key which never leaves its host, or a check that answers by promise,
//! fits between them:
//!
//! ```text
//! signing     SignSpec ── prepare ──▶ SignatureBase ── attach(64 bytes) ──▶ SignatureHeaders
//! verifying   parse_signatures ─▶ Candidates ── select ──▶ Candidate ── check(policy, now) ──▶ Pending ── finish ──▶ Verified
//! ```
//!
//! A policy has no default and a [`Verified`] is made here alone. What cannot be rebuilt exactly is refused.
//!
//! Structured fields (RFC 8941, RFC 9651) are read and written by the crate `sfv`.
//!
//! ```
//! use symbolon::key::PrivateKey;
//! use symbolon::signature::{
//!     BodyPresence, KeyId, Message, Policy, Request, Requirement, Selection, SignSpec, Target, Window, verify,
//! };
//! use symbolon::time::Timestamp;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = Timestamp::from_seconds(1_700_000_000);
//! let key = PrivateKey::from_random(&[7; 32])?; // of a cryptographic random source, in earnest
//! let target = Target::parse("https://api.example.com/v1/whoami?verbose")?;
//! let request = Message::from(Request { method: "GET", target: &target, fields: &[] });
//!
//! let key_id = KeyId::Thumbprint(key.public_key().thumbprint());
//! let spec = SignSpec::native(&request, BodyPresence::Absent, &key_id, now, 60, "2SVfXbGmAbPHoP0Pjd2Rpw");
//! let headers = spec.sign(&request, &key)?;
//!
//! let fields = [
//!     ("Signature-Input", headers.signature_input.as_bytes()),
//!     ("Signature", headers.signature.as_bytes()),
//! ];
//! let received = Message::from(Request { method: "GET", target: &target, fields: &fields });
//! let policy = Policy::native(Window {
//!     max_age_seconds: 60,
//!     max_lifetime_seconds: 300,
//!     max_ahead_seconds: 5,
//!     created: Requirement::Required,
//!     expires: Requirement::Optional,
//! });
//! let verified = verify(&received, None, &Selection::NATIVE, &policy, now, |_| Some(key.public_key()))?;
//! assert_eq!(verified.key_id(), Some(key_id));
//! # Ok(())
//! # }
//! ```

mod accept;
mod base;
mod component;
mod digest;
mod error;
mod fields;
mod keyid;
mod message;
mod params;
mod policy;
mod sign;
mod target;
mod verify;

pub use accept::{AcceptSignature, RequestedSignature};
pub use base::signature_base;
pub use component::{Component, Derived};
pub use digest::{BodyDigests, ContentDigest, DigestAlgorithm, DigestError};
pub use error::SignatureError;
pub use keyid::KeyId;
pub use message::{Field, Message, Request, Response};
pub use params::{Parameter, SignatureInput};
pub use policy::{BodyPresence, Labels, Policy, Requirement, Window};
pub use sign::{SignSpec, SignatureBase, SignatureHeaders};
pub use target::{Scheme, Target, TargetError};
pub use verify::{
    Candidate, Candidates, KeyCheck, P256Verifier, Pending, ReplayKey, RustCrypto, Selection, Verified,
    parse_signatures, verify,
};

/// The one algorithm that is spoken (RFC 9421, section 3.3.4).
pub const ALGORITHM: &str = "ecdsa-p256-sha256";
/// The tag of our own signers (RFC 9421, section 2.3).
pub const TAG: &str = "symbolon";
/// The label of our own signers. Labels are not signed and mean nothing.
pub const LABEL: &str = "sig";

/// How many signatures a message may carry: a client's and some proxies'.
pub const MAX_SIGNATURES: usize = 8;
/// How many components one signature may cover; more than a request has fields worth signing.
pub const MAX_COMPONENTS: usize = 64;
/// How many parameters a signature or a component may have; RFC 9421 defines six and five.
pub const MAX_PARAMETERS: usize = 16;
/// How long any field that is parsed here may be, all its lines together; what servers allow for a header.
pub const MAX_FIELD_BYTES: usize = 16 * 1024;
/// How many keys a dictionary, or the parameters of one of its members, may have: what RFC 9651, section 3, asks readers
/// to support of a dictionary.
pub const MAX_MEMBERS: usize = 1024;
/// How long a signature base may become.
pub const MAX_BASE_BYTES: usize = 64 * 1024;
/// How long a `nonce`, `keyid`, `tag` or label may be. They are kept, compared and shown.
pub const MAX_PARAMETER_BYTES: usize = 256;
/// How long a target (scheme, authority, path and query) may be.
pub const MAX_TARGET_BYTES: usize = 16 * 1024;
