// Providers of identities on loopback: a real one (npm oidc-provider), and one that answers whatever a test wants.
import { createServer } from "node:http";
import { once } from "node:events";
import { strict as assert } from "node:assert";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { ORIGIN } from "./passkey.mjs";

/** Where a provider sends people back. */
export const CALLBACK = `${ORIGIN}/v1/sessions/oidc/callback`;
export const CLIENT_ID = "symbolon console";
export const CLIENT_SECRET = "a client's secret: 100% + spaces";

async function listen(t, server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return server.address().port;
}

/** A key pair as a JWK, for signing. */
export async function jwk(alg, kid) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg, use: "sig" };
}

/**
 * npm oidc-provider. Whoever comes is signed in as `account` at once, or, with `asks`, once they have pressed a button.
 * - `accounts`: claims by subject;
 * - `redirectUri`: where it sends people back;
 * - `alg`: how it signs;
 * - `secret`: the client's; null: it is public;
 * - `inToken`: whether the mail address stands in the ID token.
 */
export async function provider(t, { accounts, redirectUri, alg = "RS256", inToken = false, asks = false, secret = CLIENT_SECRET }) {
  const { Provider } = await import("oidc-provider");
  const state = { account: Object.keys(accounts)[0], anew: 0 };
  const server = createServer((request, response) => state.handle(request, response));
  const issuer = `http://127.0.0.1:${await listen(t, server)}`;
  const client = {
    client_id: CLIENT_ID,
    redirect_uris: [redirectUri],
    response_types: ["code"],
    grant_types: ["authorization_code"],
    id_token_signed_response_alg: alg,
    ...(secret === null ? { token_endpoint_auth_method: "none" } : { client_secret: secret }),
  };
  const op = new Provider(issuer, {
    clients: [client],
    jwks: { keys: [await jwk("RS256", "rsa"), await jwk("ES256", "ec")] },
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    conformIdTokenClaims: !inToken,
    features: { devInteractions: { enabled: false } },
    pkce: { required: () => true },
    cookies: { keys: ["a key for tests"] },
    ttl: { Session: 3600, Interaction: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, sub) => (accounts[sub] === undefined ? undefined : { accountId: sub, claims: () => ({ sub, ...accounts[sub] }) }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope("openid email");
      await grant.save();
      return grant;
    },
  });
  const callback = op.callback();
  state.handle = async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, issuer);
    if (!pathname.startsWith("/interaction/")) return callback(request, response);
    if (asks && !searchParams.has("go")) {
      response.setHeader("content-type", "text/html; charset=utf-8");
      return response.end(`<!doctype html><html lang="en"><title>Login</title><h1>Log in</h1><form><input type="hidden" name="go" value="1"><button>Go on as ${state.account}</button></form>`);
    }
    const { prompt } = await op.interactionDetails(request, response);
    assert.equal(prompt.name, "login");
    state.anew += 1;
    return op.interactionFinished(request, response, { login: { accountId: state.account } });
  };
  return { issuer, state };
}

/** A provider that signs what a test wants, and counts what it is asked. */
export class Forger {
  asked = { discovery: 0, keys: 0, token: [] };
  /** Changes to the discovery document. */
  discovery = {};
  /** What the token endpoint answers instead of a token. */
  answer;
  /** What it says of the person who comes next. */
  claims = {};
  header = {};

  async start(t) {
    this.keys = [await jwk("ES256", "one")];
    this.key = this.keys[0];
    const server = createServer(async (request, response) => {
      const send = (status, body) => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(typeof body === "string" ? body : JSON.stringify(body));
      };
      let text = "";
      for await (const chunk of request) text += chunk;
      const { pathname, searchParams: asked } = new URL(request.url, this.issuer);
      switch (pathname) {
        // A browser is sent straight back.
        case "/authorize": {
          this.nonce = asked.get("nonce");
          const location = `${asked.get("redirect_uri")}?${new URLSearchParams({ code: "c", state: asked.get("state"), iss: this.issuer })}`;
          return response.writeHead(303, { location }).end();
        }
        case "/.well-known/openid-configuration":
          this.asked.discovery += 1;
          return send(200, {
            issuer: this.issuer,
            authorization_endpoint: `${this.issuer}/authorize`,
            token_endpoint: `${this.issuer}/token`,
            jwks_uri: `${this.issuer}/jwks`,
            code_challenge_methods_supported: ["S256"],
            authorization_response_iss_parameter_supported: true,
            ...this.discovery,
          });
        case "/jwks":
          this.asked.keys += 1;
          return send(200, { keys: this.keys.map(({ d, p, q, dp, dq, qi, ...open }) => open) });
        case "/token": {
          this.asked.token.push({ form: Object.fromEntries(new URLSearchParams(text)), authorization: request.headers.authorization });
          if (this.answer !== undefined) return this.answer(response, send);
          return send(200, { token_type: "Bearer", access_token: "unused", id_token: await this.token() });
        }
        default:
          return send(404, {});
      }
    });
    this.issuer = `http://127.0.0.1:${await listen(t, server)}`;
    return this;
  }

  async token() {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: this.issuer, sub: "ada", aud: CLIENT_ID, iat: now, exp: now + 300, nonce: this.nonce, email: "ada@example.com", email_verified: true, ...this.claims };
    for (const [name, value] of Object.entries(claims)) if (value === null) delete claims[name];
    const header = { alg: this.key.alg, kid: this.key.kid, ...this.header };
    if (header.alg === "none" || header.alg === "HS256") {
      const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
      const signed = `${part(header)}.${part(claims)}`;
      if (header.alg === "none") return `${signed}.`;
      // The classic: the public key as the secret of an HMAC.
      const { createHmac } = await import("node:crypto");
      return `${signed}.${createHmac("sha256", JSON.stringify(this.keys[0])).update(signed).digest("base64url")}`;
    }
    return new SignJWT(claims).setProtectedHeader(header).sign(this.key);
  }
}

/** The parts of a cookie jar that matter here: names and values, ended ones taken out. */
export class Jar {
  cookies = new Map();

  take(lines = []) {
    for (const line of [lines].flat()) {
      const [pair] = line.split(";");
      const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
      if (value === "" || /max-age=0(?:;|$)/iu.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }

  header() {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }
}

/** Goes to the provider as a browser would, until it sends back to `redirectUri`; that address. */
export async function visit(location, jar, redirectUri) {
  let url = location;
  for (let hop = 0; hop < 10; hop += 1) {
    if (url.startsWith(redirectUri)) return url;
    const response = await fetch(url, { redirect: "manual", headers: { cookie: jar.header() } });
    jar.take(response.headers.getSetCookie());
    assert.ok([302, 303].includes(response.status), `${url}: ${response.status} ${await response.text()}`);
    url = new URL(response.headers.get("location"), url).href;
  }
  assert.fail("the provider sends in circles");
}

/** A person with a browser: cookies for us, cookies for the provider. */
export class Person {
  ours = new Jar();
  theirs = new Jar();
  csrf;

  constructor(product) {
    this.product = product;
  }

  async send({ method = "GET", path, body, token }) {
    const response = await this.product.send({
      method,
      path,
      body,
      token,
      headers: {
        ...(this.ours.cookies.size > 0 && { cookie: this.ours.header() }),
        ...(method !== "GET" && { origin: ORIGIN, "sec-fetch-site": "same-origin" }),
        ...(method !== "GET" && this.csrf !== undefined && { "x-symbolon-csrf": this.csrf }),
      },
    });
    this.ours.take(response.headers["set-cookie"]);
    if (response.json?.csrf_token !== undefined) this.csrf = response.json.csrf_token;
    return response;
  }

  /** Begins; where the browser is sent. */
  async begin(path = "/v1/sessions/oidc", { token, body = { organization: "acme" } } = {}) {
    const begun = await this.send({ method: "POST", path, body, token });
    assert.equal(begun.status, 200, begun.text);
    return begun.json.location;
  }

  /** Comes back to `url`; where it is sent then. */
  async arrive(url) {
    const { pathname, search } = new URL(url);
    const response = await this.send({ path: pathname + search });
    assert.equal(response.status, 303, response.text);
    // The page that is opened next asks for its session's token.
    await this.send({ path: "/v1/sessions/current" });
    return response.headers.location;
  }

  /** There and back. */
  async through(...begin) {
    return this.arrive(await visit(await this.begin(...begin), this.theirs, CALLBACK));
  }
}
