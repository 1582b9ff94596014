//! What a verifier demands of a signature. There is no default: every rule is spelled out.

use super::error::SignatureError;
use super::{AcceptSignature, Component, Message, RequestedSignature, SignatureInput, TAG};
use crate::policy::SignatureRules;
use crate::time::Timestamp;

/// Whether something must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// It must be there.
    Required,
    /// It may be absent.
    Optional,
}

/// Whether the message came with content. Said by whoever received it: headers alone do not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyPresence {
    /// There is content, be it of no bytes yet known; its digest must be covered.
    Present,
    /// There is no content.
    Absent,
}

/// Which labels are allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Labels {
    /// Any: labels are not signed, and a conforming verifier looks at none.
    Any,
    /// One of these, for systems whose wire format fixes it.
    OneOf(Vec<String>),
}

/// For how long a signature is good. Clocks that differ are allowed for when a signature is too new, never when it is too
/// old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How long after `created` a signature without `expires` is good, in seconds.
    pub max_age_seconds: u32,
    /// How long after `created` a signature with `expires` is good at most, in seconds: a later `expires` is cut to it.
    pub max_lifetime_seconds: u32,
    /// How far `created` may lie ahead of our clock, in seconds.
    pub max_ahead_seconds: u32,
    /// `created`. Where it is optional and absent, `expires` must be there, and not further ahead than the lifetime.
    pub created: Requirement,
    /// `expires`.
    pub expires: Requirement,
}

/// What a verifier demands of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What every signature must cover.
    pub always: Vec<Component>,
    /// What it must cover besides `content-digest` where there is content; that itself is demanded in any case.
    pub with_body: Vec<Component>,
    /// Fields that it must cover besides, where there is content and the message has them.
    pub with_body_if_sent: Vec<Component>,
    /// Which labels are allowed.
    pub labels: Labels,
    /// A tag that it must have; none where any tag and no tag will do.
    pub tag: Option<String>,
    /// `nonce`. An empty one is none.
    pub nonce: Requirement,
    /// `keyid`.
    pub key_id: Requirement,
    /// For how long it is good.
    pub window: Window,
}

impl Policy {
    /// What our own signers do, and what management calls demand: the full native components and a nonce.
    #[must_use]
    pub fn native(window: Window) -> Self {
        Self {
            always: components(&["@method", "@authority", "@path", "@query"]),
            with_body: Vec::new(),
            with_body_if_sent: components(&["content-type", "content-encoding"]),
            labels: Labels::Any,
            tag: None,
            nonce: Requirement::Required,
            key_id: Requirement::Required,
            window,
        }
    }

    /// What a signature of this message has to cover.
    fn wanted(&self, message: &Message<'_>, body: BodyPresence) -> Vec<Component> {
        let mut wanted = self.always.clone();
        if body == BodyPresence::Present {
            let sent = self.with_body_if_sent.iter().filter(|field| message.has(field.name())).cloned();
            wanted
                .extend(components(&["content-digest"]).into_iter().chain(self.with_body.iter().cloned()).chain(sent));
        }
        wanted
    }

    pub(super) fn check_coverage(
        &self,
        message: &Message<'_>,
        body: BodyPresence,
        input: &SignatureInput,
    ) -> Result<(), SignatureError> {
        let mut missing: Vec<String> = Vec::new();
        for wanted in self.wanted(message, body) {
            let name = wanted.to_string();
            if !input.components().iter().any(|one| one.covers(&wanted)) && !missing.contains(&name) {
                missing.push(name);
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(SignatureError::Uncovered { components: missing }) }
    }

    pub(super) fn check_parameters(&self, label: &str, input: &SignatureInput) -> Result<(), SignatureError> {
        if let Labels::OneOf(allowed) = &self.labels
            && !allowed.iter().any(|one| one == label)
        {
            return Err(SignatureError::Unexpected { what: "label" });
        }
        if self.tag.is_some() && self.tag.as_deref() != input.tag() {
            return Err(SignatureError::Unexpected { what: "tag" });
        }
        let required = |requirement, present, name| match (requirement, present) {
            (Requirement::Required, false) => Err(SignatureError::MissingParameter { name }),
            _ => Ok(()),
        };
        required(self.nonce, input.nonce().is_some_and(|nonce| !nonce.is_empty()), "nonce")?;
        required(self.key_id, input.key_id().is_some(), "keyid")?;
        required(self.window.created, input.created().is_some(), "created")?;
        required(self.window.expires, input.expires().is_some(), "expires")
    }

    /// The `Accept-Signature` that says what to sign (RFC 9421, section 5.1): for a refusal of this message.
    ///
    /// A nonce can be asked for only by giving it; where the policy requires one and none is given here, the signer must
    /// know from elsewhere (the problem document) that it chooses one itself.
    #[must_use]
    pub fn accept_signature(&self, message: &Message<'_>, body: BodyPresence, nonce: Option<&str>) -> AcceptSignature {
        let label = match &self.labels {
            Labels::OneOf(labels) => labels.first().map(String::as_str),
            Labels::Any => None,
        };
        let mut components: Vec<Component> = Vec::new();
        for wanted in self.wanted(message, body) {
            if !components.contains(&wanted) {
                components.push(wanted);
            }
        }
        let requested = RequestedSignature {
            components,
            created: true,
            expires: self.window.expires == Requirement::Required,
            nonce: nonce.map(str::to_owned),
            alg: Some(super::ALGORITHM.to_owned()),
            key_id: None,
            // Our own tag is only proposed, and not to systems with a wire format of their own: it helps to find the
            // signature among others.
            tag: self.tag.clone().or_else(|| (self.labels == Labels::Any).then(|| TAG.to_owned())),
        };
        AcceptSignature::one(label.unwrap_or(super::LABEL), requested)
    }
}

impl TryFrom<&SignatureRules> for Policy {
    type Error = SignatureError;

    /// The policy of a kind's rules, as they are applied.
    ///
    /// `content-type` among the components for bodies means what native signers do: it and `content-encoding` must be
    /// covered where they are sent. All others there must be sent.
    ///
    /// # Errors
    /// [`SignatureError::UnknownComponent`] for a name that is none.
    fn try_from(rules: &SignatureRules) -> Result<Self, SignatureError> {
        let rules = rules.applied();
        let parsed = |names: &[String]| names.iter().map(|name| name.parse()).collect::<Result<Vec<Component>, _>>();
        let mut with_body = parsed(&rules.components_with_body)?;
        // `content-digest` is demanded in any case.
        with_body.retain(|component| component.name() != "content-digest");
        let described = with_body.iter().any(|component| component.name() == "content-type");
        with_body.retain(|component| component.name() != "content-type");
        Ok(Self {
            always: parsed(&rules.components)?,
            with_body,
            with_body_if_sent: if described { components(&["content-type", "content-encoding"]) } else { Vec::new() },
            labels: if rules.labels.is_empty() { Labels::Any } else { Labels::OneOf(rules.labels) },
            tag: rules.tag,
            nonce: if rules.nonce_required { Requirement::Required } else { Requirement::Optional },
            key_id: Requirement::Optional,
            window: Window {
                max_age_seconds: rules.max_age_seconds.into(),
                max_lifetime_seconds: rules.max_window_seconds.into(),
                max_ahead_seconds: rules.max_future_seconds.into(),
                created: Requirement::Required,
                expires: Requirement::Optional,
            },
        })
    }
}

impl Window {
    /// The last moment at which a signature is good, if it is good now.
    pub(super) fn check(&self, input: &SignatureInput, now: Timestamp) -> Result<Timestamp, SignatureError> {
        let created = input.created().map(Timestamp::from_seconds);
        let expires = input.expires().map(Timestamp::from_seconds);
        let lifetime = i64::from(self.max_lifetime_seconds);
        if let Some(created) = created
            && created > now.plus_seconds(self.max_ahead_seconds.into())
        {
            return Err(SignatureError::FromFuture { created, now });
        }
        let end = match (created, expires) {
            (Some(created), Some(expires)) => expires.min(created.plus_seconds(lifetime)),
            (Some(created), None) => created.plus_seconds(self.max_age_seconds.into()),
            // When it was made is unknown: at the latest now, so it may end no later than a lifetime from now.
            (None, Some(expires)) if expires <= now.plus_seconds(lifetime) => expires,
            (None, _) => return Err(SignatureError::MissingParameter { name: "created" }),
        };
        if now > end { Err(SignatureError::Stale { end, now }) } else { Ok(end) }
    }
}

/// Components from their names, for the constant lists here; each of them is valid.
pub(super) fn components(names: &[&str]) -> Vec<Component> {
    names.iter().filter_map(|name| name.parse().ok()).collect()
}
