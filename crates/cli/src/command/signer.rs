//! How a request is signed: the flags that `request` and `sign-proxy` share.

use clap::Args;
use symbolon::id::ShortId;
use symbolon::policy::{Proof, SignatureRules};
use symbolon::signature::Component;

use crate::failure::Failure;
use crate::signing::Options;

use super::profile::load;

/// How a request is signed.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "How it is signed")]
pub(crate) struct Signer {
    /// Sign as this profile's clients do: a built-in one by name, or a file
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// The kind of the profile, where several can be signed
    #[arg(long, requires = "profile")]
    kind: Option<String>,
    /// Cover this component, such as @method or content-digest, in place of those of the form; may be repeated
    #[arg(long = "component", value_name = "COMPONENT")]
    components: Vec<Component>,
    /// The signature's label
    #[arg(long)]
    label: Option<String>,
    /// The signature's tag
    #[arg(long)]
    tag: Option<String>,
    /// The signature's keyid, in place of the organisation and the key's thumbprint
    #[arg(long = "keyid", value_name = "KEYID")]
    key_id: Option<String>,
}

impl Signer {
    /// Whether anything was said about how to sign.
    pub(crate) const fn is_said(&self) -> bool {
        self.profile.is_some()
            || !self.components.is_empty()
            || self.label.is_some()
            || self.tag.is_some()
            || self.key_id.is_some()
    }

    /// The rules of the kind that was named; none where no profile was.
    ///
    /// # Errors
    /// [`Failure::Input`] where there is no such profile or kind, or it is not signed.
    pub(crate) fn rules(&self) -> Result<Option<SignatureRules>, Failure> {
        self.profile.as_deref().map(|profile| rules(profile, self.kind.as_deref())).transpose()
    }

    /// What is signed, and how.
    ///
    /// # Errors
    /// As [`Signer::rules`].
    pub(crate) fn options(&self, organization: Option<ShortId>) -> Result<Options, Failure> {
        Ok(Options {
            rules: self.rules()?,
            components: self.components.clone(),
            label: self.label.clone(),
            tag: self.tag.clone(),
            organization,
            key_id: self.key_id.clone(),
        })
    }
}

/// The rules of a profile's kind, or of the one kind that can be signed where none is named.
///
/// # Errors
/// [`Failure::Input`].
pub(crate) fn rules(profile: &str, kind: Option<&str>) -> Result<SignatureRules, Failure> {
    let loaded = load(profile)?;
    let signed: Vec<_> = loaded.kinds().iter().filter(|kind| kind.has_proof(Proof::Signature)).collect();
    let names = signed.iter().map(|kind| kind.name.to_string()).collect::<Vec<_>>().join(", ");
    let found = match kind {
        Some(name) => signed.iter().find(|kind| kind.name == *name),
        None => signed.first().filter(|first| signed.iter().all(|kind| kind.signature == first.signature)),
    };
    found.map(|kind| kind.signature.clone()).ok_or_else(|| {
        if names.is_empty() {
            Failure::input(format!("The profile {profile} has no kind that is signed"))
        } else {
            Failure::input(format!("Which kind of the profile {profile}? Say --kind with one of {names}"))
        }
    })
}
