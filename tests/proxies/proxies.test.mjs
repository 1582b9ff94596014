// docs/protecting.md's configurations in the real proxies: what passes, what is refused, and what the API is told.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { newKey, signText, signed } from "../workerd/lib/sign.mjs";
import { PROXIES, behind } from "./lib.mjs";

const IDENTITY = ["organization", "token", "kind", "owner", "member-email", "role", "permissions", "scopes"];

for (const name of Object.keys(PROXIES)) {
  test(name, async (t) => {
    const { product, secret, seen, ask, raw } = await behind(t, name);
    const { token, secret: reader } = await product.create(secret, { kind: "key", name: "r", permissions: ["api:read"] });
    const last = () => seen.at(-1);

    await t.test("who may passes, and the API is told who it is", async () => {
      const response = await ask({ path: "/reports/a?b=c%20d", token: reader });
      assert.deepEqual([response.status, response.text], [200, "the API"]);
      assert.equal(last().url, "/reports/a?b=c%20d");
      assert.equal(last().headers["x-symbolon-token"], token.id);
      assert.equal(last().headers["x-symbolon-permissions"], "api:read");
    });

    await t.test("the credential and the proxy's secret stay behind", () => {
      const said = JSON.stringify(last().rawHeaders);
      assert.ok(!said.includes(reader), said);
      assert.ok(!said.includes(PROXIES[name].secret), said);
    });

    await t.test("what a client says of itself does not arrive", async () => {
      const forged = Object.fromEntries(IDENTITY.map((field) => [`X-Symbolon-${field}`, "forged"]));
      for (const [path, credential] of [["/reports/a", reader], ["/status", undefined]]) {
        assert.equal((await ask({ path, token: credential, headers: forged })).status, 200);
        const told = IDENTITY.map((field) => last().headers[`x-symbolon-${field}`] ?? "");
        assert.ok(!told.join().includes("forged"), told.join());
        assert.equal(told.every((value) => value === ""), credential === undefined, "nobody is known on a public route");
      }
    });

    await t.test("no other spelling of it arrives either", async () => {
      // Traefik has no means to take them off; docs/protecting.md says so.
      if (name === "traefik") return;
      const forged = { X_Symbolon_Role: "forged", "X.Symbolon.Role": "forged", "X-Symbolon_Role": "forged" };
      assert.equal((await ask({ path: "/reports/a", token: reader, headers: forged })).status, 200);
      assert.ok(!JSON.stringify(last().rawHeaders).includes("forged"), JSON.stringify(last().rawHeaders));
    });

    await t.test("no client speaks past the proxy in another protocol", async () => {
      const headers = { Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__" };
      const before = seen.length;
      await ask({ path: "/status", headers });
      assert.ok(seen.length === before || last().headers.upgrade === undefined, JSON.stringify(last()));
    });

    await t.test("a target that could be read in two ways reaches nothing", async () => {
      const before = seen.length;
      for (const target of ["http://api.example?/status", "http://api.example#/status", "a:reports/status", "http://other.example/reports/a"]) {
        const answer = await raw(`GET ${target} HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n\r\n`);
        assert.ok(!answer.includes("the API"), `${target}: ${answer}`);
      }
      assert.equal(seen.length, before);
    });

    await t.test("no client hides what is said of it as a matter of its connection", async () => {
      const fields = IDENTITY.map((field) => `X-Symbolon-${field}`).join(", ");
      const response = await ask({ path: "/reports/a", token: reader, headers: { Connection: `close, ${fields}` } });
      if (name === "caddy") return assert.equal(response.status, 400);
      assert.equal(response.status, 200);
      assert.equal(last().headers["x-symbolon-token"], token.id);
      assert.equal(last().headers["x-symbolon-permissions"], "api:read");
    });

    await t.test("what a client says of the request does not count", async () => {
      const before = seen.length;
      for (const headers of [
        { "X-Original-URL": "http://api.example/status", "X-Original-Method": "GET" },
        { "X-Forwarded-Uri": "/status", "X-Forwarded-Method": "GET" },
        { "X-Forwarded-Host": "other.example", "X-Symbolon-Proxy-Secret": "guessed" },
      ]) {
        assert.equal((await ask({ path: "/reports/a", headers })).status, 401, JSON.stringify(headers));
      }
      assert.equal(seen.length, before);
    });

    await t.test("who may not is told why", async () => {
      const before = seen.length;
      const missing = await ask({ path: "/reports/a" });
      assert.equal(missing.status, 401);
      assert.match(missing.headers["www-authenticate"], /^Bearer\b/u);
      assert.equal((await ask({ path: "/reports/a", token: `${reader.slice(0, -1)}x` })).status, 401);
      const other = await ask({ method: "POST", path: "/teams/a/b/c/deploys", token: reader, body: "{}" });
      assert.equal(other.status, 403);
      assert.equal(seen.length, before, "nothing of it arrived");
    });

    await t.test("a path in another spelling does not get past its route", async () => {
      const before = seen.length;
      for (const path of ["/status/../reports/a", "/status/%2e%2e/reports/a", "//reports/a", "/reports%2fa", "/reports/a;x", "/status/"]) {
        const { status } = await ask({ path });
        assert.ok(status >= 300, `${path}: ${status}`);
      }
      assert.equal(seen.length, before);
    });

    await t.test("a signed request passes; with a body it is refused, for nobody has checked that", async () => {
      const key = await newKey();
      const challenge = await product.send({ method: "POST", path: "/v1/keys/challenge", token: secret, body: {} });
      const proof = (await signText(key, challenge.json.challenge)).toString("base64url");
      const made = await product.create(secret, { kind: "key", name: "s", permissions: ["api:read", "api:write"], public_key: key.publicKeyHex, proof });
      const { organization } = (await product.send({ path: "/v1/whoami", token: secret })).json;
      const keyid = `${organization.short_id}.${made.token.fingerprint}`;
      const now = Math.floor(Date.now() / 1000);
      const get = await signed(key, { path: "/reports/a", host: "api.example" }, { keyid, now });
      assert.equal((await ask(get)).status, 200);
      assert.equal(last().headers["x-symbolon-token"], made.token.id);
      const post = await signed(key, { method: "POST", path: "/reports", host: "api.example", body: "{}" }, { keyid, now });
      assert.equal((await ask(post)).status, 401);
    });

    await t.test("a body arrives whole", async () => {
      const { secret: writer } = await product.create(secret, { kind: "key", name: "w", permissions: ["api:write"] });
      const body = "x".repeat(300_000);
      assert.equal((await ask({ method: "POST", path: "/reports", token: writer, body })).status, 200);
      assert.equal(last().body, body);
    });

    await t.test("a revoked token is refused at once", async () => {
      assert.equal((await ask({ path: "/reports/a", token: reader })).status, 200);
      assert.equal((await product.send({ method: "DELETE", path: `/v1/tokens/${token.id}`, token: secret })).status, 200);
      assert.equal((await ask({ path: "/reports/a", token: reader })).status, 401);
    });
  });
}
