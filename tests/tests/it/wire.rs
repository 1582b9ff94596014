//! Messages as the vectors write them, and policies that say no more than the standards do.

use serde::Deserialize;
use symbolon::signature::{
    BodyPresence, Candidate, Labels, Message, Policy, Request, Requirement, Response, Selection, SignatureError,
    Target, Window, parse_signatures,
};
use symbolon::time::Timestamp;

/// A field line as the vectors have it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Line(pub(crate) String, pub(crate) String);

/// Borrows field lines.
pub(crate) fn lines(fields: &[Line]) -> Vec<(&str, &[u8])> {
    fields.iter().map(|Line(name, value)| (name.as_str(), value.as_bytes())).collect()
}

/// A message read from its text: start line, field lines, an empty line, content.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) start: String,
    pub(crate) fields: Vec<Line>,
}

impl Text {
    pub(crate) fn parse(text: &str) -> Self {
        let head = text.split("\n\n").next().unwrap_or_default();
        let mut all = head.lines();
        let start = all.next().unwrap_or_default().to_owned();
        let fields = all.map(|line| line.split_once(':').unwrap()).map(|(name, value)| Line(name.into(), value.into()));
        Self { start, fields: fields.collect() }
    }

    /// The target of a request whose start line has the origin form, by its `Host` and over `https`.
    pub(crate) fn target(&self) -> Target {
        let host = self.fields.iter().find(|line| line.0.eq_ignore_ascii_case("host")).map_or("", |line| line.1.trim());
        Target::parse(&format!("https://{host}{}", self.start.split(' ').nth(1).unwrap())).unwrap()
    }

    pub(crate) fn method(&self) -> &str {
        self.start.split(' ').next().unwrap()
    }

    pub(crate) fn status(&self) -> Option<u16> {
        self.start.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()
    }

    /// Hands this, and the request that it answers, to `with`.
    pub(crate) fn view<T>(&self, answered: Option<&Self>, with: impl FnOnce(&Message<'_>) -> T) -> T {
        let fields = lines(&self.fields);
        match self.status() {
            Some(status) => {
                let target = answered.map(Self::target);
                let request_fields = answered.map(|request| lines(&request.fields)).unwrap_or_default();
                let request = answered.zip(target.as_ref()).map(|(request, target)| Request {
                    method: request.method(),
                    target,
                    fields: &request_fields,
                });
                with(&Response { status, fields: &fields, request }.into())
            }
            None => with(&Request { method: self.method(), target: &self.target(), fields: &fields }.into()),
        }
    }
}

/// Demands nothing but a window of five minutes with clocks that differ by a minute at most.
pub(crate) fn lenient() -> Policy {
    Policy {
        always: Vec::new(),
        with_body: Vec::new(),
        with_body_if_sent: Vec::new(),
        labels: Labels::Any,
        tag: None,
        nonce: Requirement::Optional,
        key_id: Requirement::Optional,
        window: Window {
            max_age_seconds: 300,
            max_lifetime_seconds: 300,
            max_ahead_seconds: 60,
            created: Requirement::Required,
            expires: Requirement::Optional,
        },
    }
}

/// The signature with this label.
pub(crate) fn select(message: &Message<'_>, label: &str) -> Result<Candidate, SignatureError> {
    parse_signatures(message)?.select(&Selection { tag: None, label: Some(label) })
}

/// Seconds since 1970.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// Whether there is content, from the content.
pub(crate) fn presence(body: &[u8]) -> BodyPresence {
    if body.is_empty() { BodyPresence::Absent } else { BodyPresence::Present }
}
