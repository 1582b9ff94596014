//! What the gate wants of its host, and what the host answers: plain data.
//!
//! The gate decides and does nothing by itself. Whatever needs I/O, another object or the host's cryptography is an
//! [`Effect`]; the host carries it out in any order, beside others, and hands back the [`Answer`] that the effect's
//! description names. Both go over the border as JSON, bytes in base64.
//!
//! A host must
//! - answer every effect once, and give up by itself what takes too long ([`Answer::Failed`]): the gate has no timers;
//! - read a request's body at most once, and give digests, text and what is forwarded from that one reading;
//! - read the clock after an answer has arrived, not when it was asked for.

use serde::{Deserialize, Serialize};

/// The name of an effect within its task; from 1 upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectId(pub u32);

/// What the host is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Send a message to another object. Answered by [`Answer::Text`] with its reply, or [`Answer::Failed`] where it
    /// could not be reached in time; then it is not known whether the message was acted upon.
    Ask {
        /// Whom.
        target: Target,
        /// The message of `symbolon::protocol::message`, as JSON.
        message: String,
    },
    /// Read the directory (Workers KV). Answered by [`Answer::Text`], [`Answer::Absent`] where there is no such key, or
    /// [`Answer::Failed`].
    Directory {
        /// The key, at most 100 bytes.
        key: String,
    },
    /// Check a signature: ECDSA over P-256 with SHA-256, high and low s alike. Answered by [`Answer::Verdict`], or
    /// [`Answer::Failed`] where the host's cryptography is out of order.
    VerifyP256 {
        /// x and y as 128 hexadecimal digits.
        public_key: String,
        /// What was signed.
        #[serde(with = "base64_bytes")]
        message: Vec<u8>,
        /// r and s, 32 bytes each.
        #[serde(with = "base64_bytes")]
        signature: Vec<u8>,
    },
    /// Check a signature: RSASSA-PKCS1-v1_5 with SHA-256. Answered by [`Answer::Verdict`], or [`Answer::Failed`] where
    /// the host's cryptography is out of order.
    VerifyRs256 {
        /// The modulus in base64url.
        modulus: String,
        /// The exponent in base64url.
        exponent: String,
        /// What was signed.
        #[serde(with = "base64_bytes")]
        message: Vec<u8>,
        /// The signature.
        #[serde(with = "base64_bytes")]
        signature: Vec<u8>,
    },
    /// Ask a server elsewhere, following no redirect and sending nothing but what stands here. Answered by
    /// [`Answer::Fetched`], [`Answer::TooLarge`], [`Answer::NotText`], or [`Answer::Failed`] where it could not be
    /// reached or took too long; a POST may have been acted upon then.
    Fetch {
        /// The method.
        method: Method,
        /// The absolute URL.
        url: String,
        /// The header fields, names in lower case.
        headers: Vec<(String, String)>,
        /// The body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        /// The most bytes that the answer may have.
        limit: u32,
        /// How long it may take, in milliseconds, its body included.
        timeout_millis: u32,
    },
    /// Digest the request's body, an absent one as no bytes. Answered by [`Answer::Digests`], [`Answer::TooLarge`], or
    /// [`Answer::Failed`] where the body broke off.
    BodyDigests {
        /// Whether SHA-256 is wanted.
        sha256: bool,
        /// Whether SHA-512 is wanted.
        sha512: bool,
        /// The most bytes that the body may have.
        limit: u32,
    },
    /// Read the request's body as text. Answered by [`Answer::Text`], [`Answer::TooLarge`], [`Answer::NotText`] where
    /// it is not UTF-8, or [`Answer::Failed`] where it broke off.
    BodyText {
        /// The most bytes that the body may have.
        limit: u32,
    },
    /// Wait. Answered by [`Answer::Absent`] once the time has passed.
    Sleep {
        /// How long, in milliseconds.
        millis: u32,
    },
}

/// How a server elsewhere is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
}

/// Another object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "at", content = "name", rename_all = "snake_case")]
pub enum Target {
    /// The authority of the organisation with this short id.
    Organization(String),
    /// The instance.
    Instance,
    /// The locator that holds this key.
    Locator(String),
    /// The replay memory that holds this key.
    Replay(String),
    /// The logins of this shard.
    Login(u8),
}

/// What an effect came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// A text: a reply, a value, a body.
    Text {
        /// The text.
        text: String,
    },
    /// There is nothing; or the time has passed.
    Absent,
    /// Whether a signature is right.
    Verdict {
        /// Whether it is.
        matches: bool,
    },
    /// What a server elsewhere answered.
    Fetched {
        /// Its status.
        status: u16,
        /// The body.
        text: String,
    },
    /// Digests of the body: those that were wanted.
    Digests {
        /// SHA-256.
        #[serde(default, with = "base64_option", skip_serializing_if = "Option::is_none")]
        sha256: Option<Vec<u8>>,
        /// SHA-512.
        #[serde(default, with = "base64_option", skip_serializing_if = "Option::is_none")]
        sha512: Option<Vec<u8>>,
    },
    /// The body is longer than the limit.
    TooLarge,
    /// The body is not UTF-8.
    NotText,
    /// It could not be done, or not in time.
    Failed,
}

mod base64_bytes {
    use base64ct::{Base64, Encoding as _};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Base64::encode_string(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        Base64::decode_vec(&text).map_err(|_| D::Error::custom("not base64"))
    }
}

mod base64_option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Bytes(#[serde(with = "super::base64_bytes")] Vec<u8>);

    pub(super) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        bytes.clone().map(Bytes).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        Ok(Option::<Bytes>::deserialize(deserializer)?.map(|Bytes(bytes)| bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_and_answers_are_json_with_bytes_in_base64() {
        let effect =
            Effect::VerifyP256 { public_key: "ab".to_owned(), message: b"hi".to_vec(), signature: vec![0xff; 2] };
        let json = serde_json::json!(
            {"effect": "verify_p256", "public_key": "ab", "message": "aGk=", "signature": "//8="});
        assert_eq!(serde_json::to_value(&effect).unwrap(), json);
        assert_eq!(serde_json::from_value::<Effect>(json).unwrap(), effect);

        let ask = Effect::Ask { target: Target::Organization("Acme42".to_owned()), message: "{}".to_owned() };
        let json = serde_json::json!(
            {"effect": "ask", "target": {"at": "organization", "name": "Acme42"}, "message": "{}"});
        assert_eq!(serde_json::to_value(&ask).unwrap(), json);
        let ask = Effect::Ask { target: Target::Instance, message: "{}".to_owned() };
        assert_eq!(serde_json::to_value(&ask).unwrap()["target"], serde_json::json!({"at": "instance"}));

        let answer = Answer::Digests { sha256: Some(b"hi".to_vec()), sha512: None };
        let json = serde_json::json!({"answer": "digests", "sha256": "aGk="});
        assert_eq!(serde_json::to_value(&answer).unwrap(), json);
        assert_eq!(serde_json::from_value::<Answer>(json).unwrap(), answer);
        assert!(serde_json::from_str::<Answer>(r#"{"answer":"digests","sha256":"*"}"#).is_err());
        assert_eq!(serde_json::from_str::<Answer>(r#"{"answer":"failed"}"#).unwrap(), Answer::Failed);
    }
}
