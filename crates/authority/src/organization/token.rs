//! A token's row, what proves it, and the record that edges get of it.

use symbolon::id::{MemberId, TokenId};
use symbolon::policy::{Chosen, EdgeRules, Freshness, Kind, Name, Profile, State};
use symbolon::protocol::{Epoch, Owner, Proof, ProofKind, Record, RecordState};
use symbolon::time::Timestamp;

use super::failure::{Failure, Result};
use super::head::Head;
use super::member::{Member, Status};
use crate::store::{Row, Store, Value};

/// What a list can be filtered by, besides what the columns say: how a token stands now. The order decides which is
/// told where several apply. `?1` is the time.
pub(crate) const STATUS: &str = "CASE
    WHEN token.revoked_at IS NOT NULL THEN 'revoked'
    WHEN token.active = 0 OR coalesce(owner.status, 'active') <> 'active' THEN 'inactive'
    WHEN token.expires_at <= ?1 THEN 'expired'
    WHEN token.locked_until > ?1 THEN 'locked'
    ELSE 'active' END";

const COLUMNS: &str = "token.id, token.version, token.kind, token.name, token.description, token.prefix,
    token.created_by_member, creator.name, token.created_by_token, token.choice, token.service, token.fingerprint,
    token.passphrase, token.wrong_tries, token.locked_until, token.active, token.created_at, token.issued_at,
    token.expires_at, token.not_before, token.revoked_at, token.last_used_at, token.last_used_ip, token.use_count,
    owner.id, owner.name, owner.email, owner.role, owner.status, owner.created_at, token.tried_at, token.eventual,
    token.last_used_agent";

const FROM: &str = "FROM token LEFT JOIN member AS owner ON owner.id = token.owner
    LEFT JOIN member AS creator ON creator.id = token.created_by_member";

/// `SELECT` for [`Token::read`], to be followed by conditions. `?1` is the time; [`STATUS`] is the last column.
pub(crate) fn select() -> String {
    format!("SELECT {COLUMNS}, {STATUS} AS status {FROM}")
}

/// A token as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) id: TokenId,
    pub(crate) version: Epoch,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) prefix: String,
    /// The member whose it is; none: the organisation's.
    pub(crate) owner: Option<Member>,
    pub(crate) created_by_member: Option<(MemberId, String)>,
    pub(crate) created_by_token: Option<TokenId>,
    pub(crate) chosen: Chosen,
    pub(crate) service: Option<Name>,
    pub(crate) fingerprint: Option<String>,
    /// The Argon2id hash in PHC form.
    pub(crate) passphrase: Option<String>,
    pub(crate) wrong_tries: u32,
    /// When a passphrase was last tried.
    pub(crate) tried_at: Option<Timestamp>,
    pub(crate) locked_until: Option<Timestamp>,
    pub(crate) active: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) last_used_ip: Option<String>,
    pub(crate) last_used_agent: Option<String>,
    pub(crate) use_count: u64,
    /// Whether its kind was `eventual` once and is so no more.
    pub(crate) was_eventual: bool,
    /// How it stands: `active`, `inactive`, `expired`, `revoked` or `locked`.
    pub(crate) status: String,
}

impl Token {
    /// Reads a row of [`select`].
    pub(crate) fn read(row: &Row) -> Result<Self> {
        let owner = match row.parsed_or_null(24)? {
            None => None,
            Some(id) => Some(Member {
                id,
                name: row.get(25)?,
                email: row.get(26)?,
                role: row.get(27)?,
                status: row.parsed(28)?,
                created_at: row.get(29)?,
            }),
        };
        let creator = row.parsed_or_null(6)?;
        let description: String = row.get(4)?;
        Ok(Self {
            id: row.parsed(0)?,
            version: Epoch::new(row.get(1)?),
            kind: row.get(2)?,
            name: row.get(3)?,
            description: Some(description).filter(|text| !text.is_empty()),
            prefix: row.get(5)?,
            owner,
            created_by_member: match creator {
                None => None,
                Some(id) => Some((id, row.get::<Option<String>>(7)?.unwrap_or_default())),
            },
            created_by_token: row.parsed_or_null(8)?,
            chosen: row.json(9)?,
            service: row.parsed_or_null(10)?,
            fingerprint: row.get(11)?,
            passphrase: row.get(12)?,
            wrong_tries: row.get(13)?,
            locked_until: row.get(14)?,
            active: row.get(15)?,
            created_at: row.get(16)?,
            issued_at: row.get(17)?,
            expires_at: row.get(18)?,
            not_before: row.get(19)?,
            revoked_at: row.get(20)?,
            last_used_at: row.get(21)?,
            last_used_ip: row.get(22)?,
            use_count: row.get(23)?,
            tried_at: row.get(30)?,
            was_eventual: row.get(31)?,
            last_used_agent: row.get(32)?,
            status: row.get(33)?,
        })
    }

    /// The token of this id.
    pub(crate) fn find<S: Store>(store: &S, now: Timestamp, id: TokenId) -> Result<Option<Self>> {
        let rows = store.execute(&format!("{} WHERE token.id = ?2", select()), &[now.into(), Value::text(&id)])?;
        rows.first().map(Self::read).transpose()
    }

    /// The member whose it is.
    pub(crate) fn owner_id(&self) -> Option<MemberId> {
        self.owner.as_ref().map(|owner| owner.id)
    }

    /// The current role of the member whose it is.
    pub(crate) fn owner_role(&self) -> Option<&str> {
        self.owner.as_ref().map(|owner| owner.role.as_str())
    }

    /// The role that bounds it, for people: the one fixed at creation, or its owner's.
    pub(crate) fn role(&self) -> Option<&str> {
        self.chosen.role.as_ref().map(Name::as_str).or_else(|| self.owner_role())
    }

    /// Its kind's rules.
    pub(crate) fn kind<'p>(&self, profile: &'p Profile) -> Result<&'p Kind> {
        profile.kind(&self.kind).ok_or(Failure::Broken("a token names a kind that the profile does not have"))
    }

    /// Its kind's rules; none where it was revoked, and the profile has its kind no more: only what lives stands in the
    /// way of a profile.
    pub(crate) fn kind_or_gone<'p>(&self, profile: &'p Profile) -> Result<Option<&'p Kind>> {
        match self.kind(profile) {
            Ok(kind) => Ok(Some(kind)),
            Err(_) if self.revoked_at.is_some() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Whether an edge may decide by what the directory says of it, so that nobody can say when a change of it holds
    /// everywhere: its kind is `eventual`, or was once, for nobody knows what the directory gives whom, and when.
    pub(crate) fn is_eventual(&self, profile: &Profile) -> Result<bool> {
        Ok(self.was_eventual || self.kind_or_gone(profile)?.is_some_and(|kind| kind.freshness == Freshness::Eventual))
    }

    /// What of it can be edited.
    pub(crate) fn state(&self) -> State {
        State {
            name: self.name.clone(),
            description: self.description.clone(),
            chosen: self.chosen.clone(),
            expires_at: self.expires_at,
            issued_at: self.issued_at,
            active: self.active,
            has_passphrase: self.passphrase.is_some(),
            service: self.service.clone(),
        }
    }

    /// Whether it lives, as an edge is told.
    pub(crate) fn record_state(&self) -> RecordState {
        let owner_active = self.owner.as_ref().is_none_or(|owner| owner.status == Status::Active);
        if self.revoked_at.is_some() {
            RecordState::Revoked
        } else if !owner_active {
            RecordState::OwnerSuspended
        } else if !self.active {
            RecordState::Inactive
        } else {
            RecordState::Active
        }
    }

    /// What an edge gets of it.
    pub(crate) fn record<S: Store>(&self, store: &S, head: &Head, profile: &Profile) -> Result<Record> {
        let kind = self.kind_or_gone(profile)?;
        Ok(Record {
            token: self.id,
            organization: head.id,
            short_id: head.short_id,
            profile: head.profile_name.clone(),
            version: self.version,
            kind: self.kind.clone(),
            name: self.name.clone(),
            prefix: self.prefix.clone(),
            owner: match &self.owner {
                None => Owner::Organization,
                Some(owner) => Owner::Member { id: owner.id, name: owner.name.clone(), email: owner.email.clone() },
            },
            state: self.record_state(),
            not_before: self.not_before,
            expires_at: self.expires_at,
            locked_until: self.locked_until,
            granted: profile.granted(&self.chosen),
            ceiling: kind.map(|kind| profile.ceiling(kind, &self.chosen, self.owner_role())).unwrap_or_default(),
            role: self.role().map(str::to_owned),
            scopes: self.chosen.scopes.iter().map(ToString::to_string).collect(),
            proofs: proofs(store, self.id)?,
            passphrase: self.passphrase.clone(),
            rules: kind.map_or_else(EdgeRules::of_no_kind, Kind::edge_rules),
        })
    }
}

/// What proves possession of a token, the newest first.
pub(crate) fn proofs<S: Store>(store: &S, token: TokenId) -> Result<Vec<Proof>> {
    let rows = store
        .execute("SELECT proof, until FROM proof WHERE token = ?1 ORDER BY generation DESC", &[Value::text(&token)])?;
    rows.iter().map(|row| Ok(Proof { kind: row.json::<ProofKind>(0)?, until: row.get(1)? })).collect()
}

/// The token that has a credential of this name.
pub(crate) fn by_key<S: Store>(store: &S, key: &str) -> Result<Option<TokenId>> {
    let rows = store.execute("SELECT token FROM credential WHERE key = ?1", &[key.into()])?;
    Ok(rows.first().map(|row| row.parsed(0)).transpose()?)
}

/// Gives a token one more proof, which becomes its newest, and the names by which it is found.
pub(crate) fn add_proof<S: Store>(
    store: &S,
    epoch: Epoch,
    token: TokenId,
    proof: &ProofKind,
    keys: &[String],
) -> Result<()> {
    let json = serde_json::to_string(proof).map_err(|_| Failure::Broken("a proof cannot be written"))?;
    store.execute(
        "INSERT INTO proof (token, generation, epoch, proof)
            SELECT ?1, coalesce(MAX(generation), 0) + 1, ?2, ?3 FROM proof WHERE token = ?1",
        &[Value::text(&token), Value::count(epoch.get())?, json.into()],
    )?;
    for key in keys {
        store.execute("INSERT INTO credential (key, token) VALUES (?1, ?2)", &[key.into(), Value::text(&token)])?;
    }
    Ok(())
}

/// Which of a token's proofs this is.
pub(crate) fn generation_of<S: Store>(store: &S, token: TokenId, proof: &ProofKind) -> Result<Option<u64>> {
    let rows = store.execute("SELECT generation, proof FROM proof WHERE token = ?1", &[Value::text(&token)])?;
    for row in rows {
        if row.json::<ProofKind>(1)? == *proof {
            return Ok(Some(row.get(0)?));
        }
    }
    Ok(None)
}

/// Writes another proof of the same secret in one's place.
pub(crate) fn replace_proof<S: Store>(store: &S, token: TokenId, generation: u64, proof: &ProofKind) -> Result<()> {
    let json = serde_json::to_string(proof).map_err(|_| Failure::Broken("a proof cannot be written"))?;
    store.execute(
        "UPDATE proof SET proof = ?3 WHERE token = ?1 AND generation = ?2",
        &[Value::text(&token), Value::count(generation)?, json.into()],
    )?;
    Ok(())
}
