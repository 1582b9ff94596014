// Signing in at a provider (OpenID Connect), over HTTP: with npm oidc-provider, and with one that lies in every way.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { CALLBACK, CLIENT_ID, CLIENT_SECRET, Forger, Jar, Person, jwk, provider, visit } from "./lib/oidc.mjs";
import { ORIGIN } from "./lib/passkey.mjs";
import { assertProblem, launch } from "./lib/product.mjs";

const bindings = ({ issuer }, more = {}) => ({ OIDC_ISSUER: issuer, OIDC_CLIENT_ID: CLIENT_ID, OIDC_CLIENT_SECRET: CLIENT_SECRET, ...more });
const newest = async (product, token) => (await product.send({ path: "/v1/activity?limit=1", token })).json.items[0];

const accounts = {
  ada: { email: "Ada@example.com", email_verified: true },
  mallory: { email: "ada@example.com", email_verified: false },
  eve: { email: "eve@evil.example", email_verified: true },
};

for (const [alg, inToken, secret] of [["RS256", false, CLIENT_SECRET], ["ES256", true, null]]) {
  test(`a member signs in at oidc-provider, ${alg}${secret === null ? ", as a public client" : ""}`, async (t) => {
    const op = await provider(t, { accounts, redirectUri: CALLBACK, alg, inToken, secret });
    const product = await launch(t, { bindings: bindings(op, { OIDC_CLIENT_SECRET: secret ?? undefined, OIDC_NAME: "Acme Login" }) });
    const { secret: token } = await product.setup();
    assert.deepEqual((await product.send({ path: "/v1/sessions/oidc" })).json, { provider: { name: "Acme Login" } });
    const ada = new Person(product);
    assert.equal(await ada.through(), "/sign-in?problem=unknown_member", "the organisation does not go by addresses");
    assert.equal((await product.send({ method: "PUT", path: "/v1/sign-in", token, body: { link_by_email: true } })).status, 200);

    for (const [who, problem] of [["mallory", "unverified_email"], ["eve", "unknown_member"]]) {
      op.state.account = who;
      const other = new Person(product);
      assert.equal(await other.through(), `/sign-in?problem=${problem}`, who);
      assertProblem(await other.send({ path: "/v1/whoami" }), 401, "missing_credential");
    }
    op.state.account = "ada";
    const fresh = new Person(product);
    assert.equal(await fresh.through("/v1/sessions/oidc", { body: { organization: "acme", next: "/members" } }), "/members");
    const who = await fresh.send({ path: "/v1/whoami" });
    assert.deepEqual([who.status, who.json.principal.email], [200, "ada@example.com"]);
    assert.deepEqual([...fresh.ours.cookies.keys()], ["__Host-symbolon"], "nothing is left of the visit");
    const current = await fresh.send({ path: "/v1/sessions/current" });
    assert.deepEqual([current.json.session.method, current.json.confirm_with], ["oidc", "oidc"]);
    assert.equal((await newest(product, token)).details.method, "oidc");

    // Known by the provider's name for her from now on, whatever addresses say.
    assert.equal((await product.send({ method: "PUT", path: "/v1/sign-in", token, body: { link_by_email: false } })).status, 200);
    assert.equal(await new Person(product).through(), "/tokens");

    // She has just signed in there, and the provider says so: a destructive step is done at once.
    const { token: first } = await product.create(token, { kind: "pat", name: "first", scopes: ["read"] });
    assert.equal((await fresh.send({ method: "DELETE", path: `/v1/tokens/${first.id}` })).status, 200);

    // Later it wants her to sign in there once more, though the provider knows her still.
    const { token: old } = await product.create(token, { kind: "pat", name: "old", scopes: ["read"] });
    product.clock.advance(301);
    const refused = await fresh.send({ method: "DELETE", path: `/v1/tokens/${old.id}` });
    assert.deepEqual([refused.status, refused.json.required], [403, "session:fresh"]);
    product.clock.advance(-301);
    const [before, cookie] = [op.state.anew, fresh.ours.header()];
    assert.equal(await fresh.through("/v1/sessions/current/oidc", { body: { next: `/tokens/${old.id}` } }), `/tokens/${old.id}`);
    assert.equal(op.state.anew, before + 1, "asked there anew");
    assert.notEqual(fresh.ours.header(), cookie, "the session's secret is another");
    assertProblem(await product.send({ path: "/v1/whoami", headers: { cookie } }), 401, "unknown_token");
    assert.equal((await fresh.send({ method: "DELETE", path: `/v1/tokens/${old.id}` })).status, 200);

    // Somebody else who signs in there is not she.
    op.state.account = "eve";
    fresh.theirs = new Jar();
    const again = await fresh.through("/v1/sessions/current/oidc", { body: {} });
    assert.equal(again, "/account?problem=other_identity");
    assert.equal((await fresh.send({ path: "/v1/whoami" })).status, 200, "who was signed in still is");
    assert.ok(!product.logged.some((line) => JSON.stringify(line).includes(CLIENT_SECRET)));
  });
}

test("a member links an identity by themselves, and an invited one too", async (t) => {
  const op = await provider(t, { accounts, redirectUri: CALLBACK });
  const product = await launch(t, { bindings: bindings(op) });
  const { secret: token } = await product.setup();
  op.state.account = "eve";
  const owner = new Person(product);
  assert.equal(await owner.through("/v1/identities", { token, body: { next: "/account" } }), "/account");
  assert.equal(await owner.through(), "/tokens", "by another address than hers, since she said so");

  const invited = await product.send({ method: "POST", path: "/v1/invitations", token, body: { email: "bob@example.com", role: "viewer" } });
  const path = `/v1/invitations/${invited.json.invitation.id}/accept`;
  const accepted = await product.send({ method: "POST", path, body: { secret: invited.json.secret, name: "Bob" } });
  const bob = new Person(product);
  assert.equal(await bob.through("/v1/identities", { token: accepted.json.secret, body: {} }), "/account?problem=taken", "it is the owner's");
  op.state.account = "ada";
  bob.theirs = new Jar();
  assert.equal(await bob.through("/v1/identities", { token: accepted.json.secret, body: { next: "/account" } }), "/account");
  assert.equal(await bob.through(), "/tokens");
  assert.equal((await bob.send({ path: "/v1/whoami" })).json.principal.role, "viewer");
});

/** An instance with a provider that lies, and an organisation that goes by addresses. */
async function forged(t, options = {}) {
  const forger = await new Forger().start(t);
  const product = await launch(t, { bindings: bindings(forger), ...options });
  const { secret: token } = await product.setup();
  assert.equal((await product.send({ method: "PUT", path: "/v1/sign-in", token, body: { link_by_email: true } })).status, 200);
  /** Begins; what was sent. */
  const begin = async (person) => {
    const location = new URL(await person.begin());
    assert.equal(location.origin + location.pathname, `${forger.issuer}/authorize`);
    const sent = Object.fromEntries(location.searchParams);
    forger.nonce = sent.nonce;
    return sent;
  };
  const back = (sent, changes = {}) => `${CALLBACK}?${new URLSearchParams(Object.entries({ code: "c", state: sent.state, iss: forger.issuer, ...changes }).filter(([, value]) => value !== null))}`;
  return { forger, product, token, begin, back };
}

test("an ID token that is not the provider's, not for us, not now or not in answer lets nobody in", async (t) => {
  const { forger, product, begin, back } = await forged(t);
  const now = Math.floor(Date.now() / 1000);
  const [own, [others]] = [forger.key, [await jwk("ES256", "one")]];
  const attempt = async () => {
    const person = new Person(product);
    const sent = await begin(person);
    const location = await person.arrive(back(sent));
    const { status } = await person.send({ path: "/v1/whoami" });
    assert.equal(status, location === "/tokens" ? 200 : 401);
    return location;
  };
  assert.equal(await attempt(), "/tokens");
  for (const [what, changes, problem] of [
    ["another audience", { claims: { aud: "another client" } }, "audience"],
    ["two audiences and no party", { claims: { aud: [CLIENT_ID, "another client"] } }, "audience"],
    ["another authorised party", { claims: { aud: [CLIENT_ID, "another client"], azp: "another client" } }, "audience"],
    ["another issuer", { claims: { iss: "https://login.example" } }, "issuer"],
    ["another nonce", { claims: { nonce: "another" } }, "nonce"],
    ["no nonce", { claims: { nonce: null } }, "nonce"],
    ["expired", { claims: { exp: now - 120 } }, "time"],
    ["from the future", { claims: { iat: now + 600 } }, "time"],
    ["of an hour ago", { claims: { iat: now - 3600 } }, "time"],
    ["nobody", { claims: { sub: null } }, "subject"],
    ["not signed", { header: { alg: "none" } }, "algorithm"],
    ["signed with the public key as a secret", { header: { alg: "HS256" } }, "algorithm"],
    ["another key under the same name", { key: others }, "signature"],
    ["a key that is not in the set", { key: { ...others, kid: "two" } }, "unknown_key"],
    ["an extension that must be understood", { header: { crit: ["b64"], b64: true } }, "malformed"],
    ["an unverified address", { claims: { sub: "other", email_verified: false } }, "unverified_email"],
  ]) {
    Object.assign(forger, { claims: {}, header: {}, key: own, ...changes });
    assert.equal(await attempt(), `/sign-in?problem=${problem}`, what);
  }
  Object.assign(forger, { claims: {}, header: {}, key: own });
  assert.equal(await attempt(), "/tokens");
});

test("only the browser that began ends it, once, with its own provider's answer", async (t) => {
  const { forger, product, begin, back } = await forged(t);
  const ada = new Person(product);
  const sent = await begin(ada);
  const url = back(sent);
  // Another browser, with nothing or with a visit of its own: the victim is never signed in as somebody else.
  assert.equal(await new Person(product).arrive(url), "/sign-in?problem=flow");
  const other = new Person(product);
  await begin(other);
  assert.equal(await other.arrive(url), "/sign-in?problem=flow");
  assert.equal(forger.asked.token.length, 0, "a code that somebody else brings is shown to nobody");

  for (const [changes, problem] of [
    [{ state: "another" }, "flow"],
    [{ state: null }, "flow"],
    [{ iss: "https://login.example" }, "issuer"],
    [{ iss: null }, "issuer"],
    [{ code: null, error: "access_denied" }, "denied"],
  ]) {
    const person = new Person(product);
    const own = await begin(person);
    assert.equal(await person.arrive(back(own, changes)), `/sign-in?problem=${problem}`, JSON.stringify(changes));
  }
  assert.equal(forger.asked.token.length, 0);

  forger.nonce = sent.nonce;
  const cookies = ada.ours.header();
  assert.equal(await ada.arrive(url), "/tokens");
  const [{ form, authorization }] = forger.asked.token;
  assert.equal(form.grant_type, "authorization_code");
  assert.equal(form.redirect_uri, CALLBACK);
  assert.match(form.code_verifier, /^[A-Za-z0-9_-]{43}$/u);
  assert.equal(form.client_secret, undefined);
  const encoded = (text) => new URLSearchParams({ "": text }).toString().slice(1);
  assert.equal(Buffer.from(authorization.slice(6), "base64").toString(), `${encoded(CLIENT_ID)}:${encoded(CLIENT_SECRET)}`);
  assert.ok(!cookies.includes(form.code_verifier), "the verifier is not in the browser");

  // The same return once more, also where the provider would take the code again.
  const replay = new Person(product);
  replay.ours.take(cookies.split("; "));
  assert.equal(await replay.arrive(url), "/sign-in?problem=replayed");
  // And where it does not.
  forger.answer = (_, send) => send(400, { error: "invalid_grant" });
  const third = new Person(product);
  const own = await begin(third);
  assert.equal(await third.arrive(back(own)), "/sign-in?problem=answer");
  delete forger.answer;

  const late = new Person(product);
  const waited = await begin(late);
  product.clock.advance(601);
  assert.equal(await late.arrive(back(waited)), "/sign-in?problem=flow");
  // Nor does another site begin a visit.
  const foreign = await product.send({ method: "POST", path: "/v1/sessions/oidc", body: { organization: "acme" }, headers: { origin: "https://evil.example" } });
  assertProblem(foreign, 403, "insufficient_permission");
});

test("a new sign-in at the provider is new, or the step is not done", async (t) => {
  const { forger, product, token, begin, back } = await forged(t);
  const { token: old } = await product.create(token, { kind: "pat", name: "old", scopes: ["read"] });
  const ada = new Person(product);
  const now = Math.floor(Date.now() / 1000);
  // A provider that says nothing, or that it was long ago, begins a session that is not fresh.
  for (const [claims, expected] of [[{}, "/tokens"], [{ auth_time: now - 700_000 }, "/sign-in?problem=stale"], [{ auth_time: now - 7200 }, "/tokens"]]) {
    forger.claims = claims;
    assert.equal(await ada.arrive(back(await begin(ada))), expected);
  }
  const revoke = () => ada.send({ method: "DELETE", path: `/v1/tokens/${old.id}` });
  assert.equal((await revoke()).json.required, "session:fresh", "signed in there two hours ago");
  const confirm = async (claims) => {
    const location = new URL(await ada.begin("/v1/sessions/current/oidc", { body: { next: "/tokens" } }));
    assert.deepEqual([location.searchParams.get("max_age"), location.searchParams.get("prompt")], ["0", "login"]);
    forger.nonce = location.searchParams.get("nonce");
    forger.claims = claims;
    return ada.arrive(back({ state: location.searchParams.get("state") }));
  };
  assert.equal(await confirm({ auth_time: now - 7200 }), "/account?problem=stale");
  assert.equal(await confirm({}), "/account?problem=no_auth_time", "it must be said");
  assert.equal((await revoke()).status, 403);
  assert.equal(await confirm({ auth_time: Math.floor(Date.now() / 1000) }), "/tokens");
  assert.equal((await revoke()).status, 200);
});

test("keys are replaced, and what a provider answers is bounded", async (t) => {
  const { forger, product, begin, back } = await forged(t);
  const attempt = async () => {
    const person = new Person(product);
    return person.arrive(back(await begin(person)));
  };
  assert.equal(await attempt(), "/tokens");
  assert.equal(await attempt(), "/tokens");
  assert.deepEqual([forger.asked.discovery, forger.asked.keys], [1, 1]);
  const former = forger.key;
  forger.key = await jwk("RS256", "two");
  forger.keys = [forger.key];
  product.clock.advance(11);
  assert.equal(await attempt(), "/tokens");
  assert.equal(forger.asked.keys, 2);
  forger.key = former;
  assert.equal(await attempt(), "/sign-in?problem=unknown_key");
  forger.key = forger.keys[0];

  for (const [what, answer] of [
    ["too much", (_, send) => send(200, `{"id_token":"${"a".repeat(80_000)}"}`)],
    ["never ending", (response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const timer = setInterval(() => response.write("a".repeat(10_000)), 1);
      response.on("close", () => clearInterval(timer));
    }],
    ["a redirect", (response) => {
      response.writeHead(307, { location: `${forger.issuer}/elsewhere` });
      response.end();
    }],
    ["nothing", (response) => response.destroy()],
  ]) {
    forger.answer = answer;
    assert.equal(await attempt(), "/sign-in?problem=unavailable", what);
  }
});

test("a provider that describes itself wrongly is not used, and without one there is none", async (t) => {
  for (const discovery of [
    { issuer: "https://login.example" },
    { token_endpoint: "http://login.example/token" },
    { jwks_uri: "file:///etc/passwd" },
    { code_challenge_methods_supported: ["plain"] },
  ]) {
    const forger = await new Forger().start(t);
    forger.discovery = discovery;
    const product = await launch(t, { bindings: bindings(forger) });
    await product.setup();
    const begun = await new Person(product).send({ method: "POST", path: "/v1/sessions/oidc", body: { organization: "acme" } });
    assertProblem(begun, 503, "authority_unavailable");
  }
  const none = await launch(t);
  assert.deepEqual((await none.send({ path: "/v1/sessions/oidc" })).json, { provider: null });
  assertProblem(await new Person(none).send({ method: "POST", path: "/v1/sessions/oidc", body: { organization: "acme" } }), 404, "not_found");
  assert.equal(await new Person(none).arrive(`${CALLBACK}?code=c&state=s`), "/sign-in?problem=flow");
  const wrong = await launch(t, { bindings: { OIDC_ISSUER: "http://login.example", OIDC_CLIENT_ID: CLIENT_ID } });
  assert.deepEqual((await wrong.send({ path: "/v1/sessions/oidc" })).json, { provider: null });
  assert.equal((await wrong.send({ path: "/healthz" })).status, 200, "nothing else is off");
  assert.ok(wrong.logged.some((line) => JSON.stringify(line).includes("OIDC_ISSUER")));
});
