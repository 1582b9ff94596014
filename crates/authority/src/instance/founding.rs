//! Making organisations.

use serde_json::{Value as Json, json};
use symbolon::id::{OrganizationId, ShortId};
use symbolon::problem::{Code, Problem};
use symbolon::protocol::message::{Found, Founded, HttpRequest, HttpResponse, Named, OrganizationCall};

use super::body::Founding as Body;
use super::{Instance, Refusal, Waiting, http};
use crate::answer;
use crate::machine::{CallId, Context, Effect, Target, Unreachable};
use crate::store::{Store, StoreError};

/// A call that waits for the authority of a new organisation.
pub(super) struct Founding {
    pub(super) call: CallId,
    organization: OrganizationId,
}

/// An organisation as the instance knows it.
pub(super) struct Known {
    pub(super) id: OrganizationId,
    pub(super) short_id: ShortId,
    asked: String,
}

impl<S: Store> Instance<S> {
    /// `POST /v1/setup`: the founding organisation, for whoever knows the setup code.
    pub(super) fn setup(
        &mut self,
        context: &mut Context<'_>,
        call: CallId,
        request: &HttpRequest,
    ) -> Result<Vec<Effect>, Refusal> {
        let Some(expected) = context.config.setup_code.clone() else {
            let detail = "Setup is closed: this instance is configured without a setup code of 16 bytes or more.";
            return Err(Problem::new(Code::InsufficientPermission).detail(detail).into());
        };
        if request.method != "POST" {
            return Ok(vec![http::reply(call, http::method_not_allowed("POST"))]);
        }
        let body = Body::read(request)?;
        if !expected.is(body.setup_code.as_deref().unwrap_or_default()) {
            return Err(Problem::new(Code::UnknownToken).detail("The setup code is not this instance's.").into());
        }
        let mut effects: Vec<Effect> = self.prepare(context.now)?.into_iter().collect();
        let asked = body.hash();
        let known = match self.known("founding = 1", "")? {
            Some(known) if known.asked == asked => known,
            Some(_) => return Err(conflict("This instance has been set up already.")),
            None => self.insert(context, &body, asked, true)?,
        };
        effects.push(self.ask(call, &known, body, request)?);
        Ok(effects)
    }

    /// `POST /v1/organizations`: a further one, for whoever may.
    pub(super) fn create(
        &mut self,
        context: &mut Context<'_>,
        call: CallId,
        request: &HttpRequest,
    ) -> Result<Vec<Effect>, Refusal> {
        let body = Body::read(request)?;
        let asked = body.hash();
        let known = match self.known("slug = ?1", &body.organization.slug)? {
            Some(known) if known.asked == asked => known,
            Some(_) => return Err(conflict("There is an organization with this slug.")),
            None => self.insert(context, &body, asked, false)?,
        };
        Ok(vec![self.ask(call, &known, body, request)?])
    }

    /// What is written down of a further organisation; null where the same was asked for before.
    pub(super) fn describe_creation(&self, request: &HttpRequest) -> Result<Json, Refusal> {
        let body = Body::read(request)?;
        match self.known("slug = ?1", &body.organization.slug)? {
            None => Ok(json!({ "slug": body.organization.slug, "name": body.organization.name })),
            Some(known) if known.asked == body.hash() => Ok(Json::Null),
            Some(_) => Err(conflict("There is an organization with this slug.")),
        }
    }

    /// What the authority said of it.
    pub(super) fn founded(
        &self,
        waiting: &Founding,
        answer: Result<String, Unreachable>,
    ) -> Result<HttpResponse, Refusal> {
        let id = [waiting.organization.to_string().into()];
        let Ok(answer) = answer else {
            // It may have been made or not: the row stays, and the same body asks again.
            let problem = Problem::new(Code::AuthorityUnavailable).detail("Send the same request again.");
            return Err(Problem { retry_after: Some(1), ..problem }.into());
        };
        match answer::read(&answer)? {
            Founded::Made { document } => {
                self.store.execute("UPDATE organization SET done = 1 WHERE id = ?1", &id)?;
                Ok(http::document(201, &document)?)
            }
            Founded::Refused { problem } => {
                // An authority that was made answers nothing else to the body that it was made with: so there is none,
                // and the name is free for a better body.
                if problem.code == Code::InvalidRequest {
                    self.store.execute("DELETE FROM organization WHERE id = ?1 AND done = 0", &id)?;
                }
                Err(Refusal::Problem(problem))
            }
        }
    }

    /// The organisation whose tokens administer the instance, once it is made.
    pub(super) fn founding_organization(&self) -> Result<Option<Known>, StoreError> {
        if !self.leases.is_open() {
            return Ok(None);
        }
        self.known("founding = 1 AND done = 1", "")
    }

    /// The organisation of this name, once it is made.
    pub(super) fn named(&self, slug: &str) -> Result<Named, StoreError> {
        // An empty name is no parameter to what follows.
        let organization = if self.leases.is_open() && !slug.is_empty() {
            self.known("slug = ?1 AND done = 1", slug)?.map(|known| known.short_id)
        } else {
            None
        };
        Ok(Named { organization })
    }

    fn known(&self, condition: &str, slug: &str) -> Result<Option<Known>, StoreError> {
        let sql = format!("SELECT id, short_id, asked FROM organization WHERE {condition}");
        let params = [slug.into()];
        let rows = self.store.execute(&sql, if slug.is_empty() { &[] } else { &params })?;
        let read =
            |row: &crate::store::Row| Ok(Known { id: row.parsed(0)?, short_id: row.parsed(1)?, asked: row.get(2)? });
        rows.first().map(read).transpose()
    }

    fn insert(&self, context: &mut Context<'_>, body: &Body, asked: String, founding: bool) -> Result<Known, Refusal> {
        let id = OrganizationId::new(context.now, &context.random());
        let short_id = ShortId::from_random(&context.random())
            .ok_or_else(|| StoreError::database("too few of the random bytes could be used"))?;
        let sql = "INSERT INTO organization (id, short_id, slug, asked, founding, done) VALUES (?1, ?2, ?3, ?4, ?5, 0)
            ON CONFLICT DO NOTHING RETURNING 1";
        let inserted = self.store.execute(
            sql,
            &[
                id.to_string().into(),
                short_id.as_str().into(),
                (&body.organization.slug).into(),
                (&asked).into(),
                founding.into(),
            ],
        )?;
        if inserted.is_empty() {
            // The slug was looked up before, unless this is setup: then it is another organisation's.
            return Err(conflict("There is an organization with this slug."));
        }
        Ok(Known { id, short_id, asked })
    }

    fn ask(&mut self, call: CallId, known: &Known, body: Body, request: &HttpRequest) -> Result<Effect, StoreError> {
        let found = OrganizationCall::Found(Box::new(Found {
            id: known.id,
            short_id: known.short_id,
            slug: body.organization.slug,
            name: body.organization.name,
            profile: body.organization.profile,
            owner_name: body.owner.name,
            owner_email: body.owner.email,
            client: request.client.clone(),
        }));
        let json = answer::json(&found)?;
        let id = self.ids.next();
        self.waiting.insert(id, Waiting::Founding(Founding { call, organization: known.id }));
        Ok(Effect::Ask { id, target: Target::Organization(known.short_id), json })
    }
}

fn conflict(detail: &str) -> Refusal {
    Problem::new(Code::Conflict).detail(detail).into()
}
