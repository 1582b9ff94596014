// An authenticator in software (WebAuthn Level 3), written from the standard, and a browser that keeps one cookie.
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { strict as assert } from "node:assert";
import { HOST } from "./product.mjs";

/** The origin of management in tests: they speak plain HTTP to workerd. */
export const ORIGIN = `http://${HOST}`;

const sha256 = (data) => createHash("sha256").update(data).digest();
const base64url = (data) => Buffer.from(data).toString("base64url");

const PRESENT = 0x01;
const VERIFIED = 0x04;
const HAS_CREDENTIAL = 0x40;

/** A passkey: what `navigator.credentials` and an authenticator would do together. */
export class Passkey {
  id = randomBytes(24);
  count = 1;
  origin = ORIGIN;
  rpId = HOST;
  flags = PRESENT | VERIFIED;
  #pair = generateKeyPairSync("ec", { namedCurve: "P-256" });

  #clientData(type, challenge) {
    return Buffer.from(JSON.stringify({ type, challenge, origin: this.origin, crossOrigin: false }));
  }

  #data(flags, rest = Buffer.alloc(0)) {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(this.count);
    return Buffer.concat([sha256(this.rpId), Buffer.from([flags]), count, rest]);
  }

  /** Answers `PublicKeyCredentialCreationOptionsJSON`. */
  create(options) {
    assert.equal(options.rp.id, this.rpId);
    assert.deepEqual(options.pubKeyCredParams, [{ type: "public-key", alg: -7 }]);
    assert.equal(options.authenticatorSelection.userVerification, "required");
    this.handle = options.user.id;
    const { x, y } = this.#pair.publicKey.export({ format: "jwk" });
    const key = Buffer.concat([
      Buffer.from("a5010203262001215820", "hex"),
      Buffer.from(x, "base64url"),
      Buffer.from("225820", "hex"),
      Buffer.from(y, "base64url"),
    ]);
    const data = this.#data(this.flags | HAS_CREDENTIAL, Buffer.concat([Buffer.alloc(16), Buffer.from([0, this.id.length]), this.id, key]));
    const attestation = Buffer.concat([
      Buffer.from([0xa3, 0x63]), Buffer.from("fmt"), Buffer.from([0x64]), Buffer.from("none"),
      Buffer.from([0x67]), Buffer.from("attStmt"), Buffer.from([0xa0]),
      Buffer.from([0x68]), Buffer.from("authData"), Buffer.from([0x58, data.length]), data,
    ]);
    return this.#credential({
      clientDataJSON: base64url(this.#clientData("webauthn.create", options.challenge)),
      attestationObject: base64url(attestation),
      transports: ["internal"],
    });
  }

  /** Answers `PublicKeyCredentialRequestOptionsJSON`. */
  get(options) {
    this.count += 1;
    const client = this.#clientData("webauthn.get", options.challenge);
    const data = this.#data(this.flags);
    return this.#credential({
      clientDataJSON: base64url(client),
      authenticatorData: base64url(data),
      signature: base64url(sign("sha256", Buffer.concat([data, sha256(client)]), this.#pair.privateKey)),
      userHandle: this.handle,
    });
  }

  #credential(response) {
    const id = base64url(this.id);
    return { id, rawId: id, type: "public-key", clientExtensionResults: {}, response };
  }
}

/** A browser on a page of ours: it keeps the cookie, and sends what browsers and the console send. */
export class Browser {
  #product;
  cookie;
  csrf;

  constructor(product) {
    this.#product = product;
  }

  async send({ method = "GET", path, body, headers = {}, token }) {
    const unsafe = !["GET", "HEAD"].includes(method);
    const response = await this.#product.send({
      method,
      path,
      body,
      token,
      headers: {
        ...(this.cookie !== undefined && { cookie: `__Host-symbolon=${this.cookie}` }),
        ...(unsafe && { origin: ORIGIN, "sec-fetch-site": "same-origin" }),
        ...(unsafe && this.csrf !== undefined && { "x-symbolon-csrf": this.csrf }),
        ...headers,
      },
    });
    const [set, ...others] = response.headers["set-cookie"] ?? [];
    assert.equal(others.length, 0, "one cookie at a time");
    if (set !== undefined) {
      this.setCookie = set;
      const value = /^__Host-symbolon=([^;]*)/u.exec(set)[1];
      this.cookie = value === "" ? undefined : value;
    }
    if (response.json?.csrf_token !== undefined) this.csrf = response.json.csrf_token;
    return response;
  }

  /** Registers a passkey: with a token, or in the session. */
  async register(passkey, { token, name = "Laptop" } = {}) {
    const options = await this.send({ method: "POST", path: "/v1/passkeys/options", token });
    assert.equal(options.status, 200, options.text);
    const { challenge_id, public_key } = options.json;
    return this.send({ method: "POST", path: "/v1/passkeys", token, body: { challenge_id, name, credential: passkey.create(public_key) } });
  }

  /** What to send to sign in, or to confirm. */
  async assertion(passkey) {
    const options = await this.send({ method: "POST", path: "/v1/sessions/options", body: {} });
    assert.equal(options.status, 200, options.text);
    return { challenge_id: options.json.challenge_id, credential: passkey.get(options.json.public_key) };
  }

  async signIn(passkey) {
    return this.send({ method: "POST", path: "/v1/sessions", body: await this.assertion(passkey) });
  }

  async confirm(passkey) {
    return this.send({ method: "POST", path: "/v1/sessions/current/confirm", body: await this.assertion(passkey) });
  }
}

/** A browser in which the owner of this token has just signed in, with a passkey of their own: `browser.passkey`. */
export async function signedIn(product, token) {
  const browser = new Browser(product);
  const passkey = new Passkey();
  const added = await browser.register(passkey, { token });
  assert.equal(added.status, 201, added.text);
  const session = await browser.signIn(passkey);
  assert.equal(session.status, 201, session.text);
  return Object.assign(browser, { passkey });
}
