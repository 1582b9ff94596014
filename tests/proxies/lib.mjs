// The proxies of docs/protecting.md, configured as it says, in front of an API that notes what reaches it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { connect, createServer as createSocket } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { strict as assert } from "node:assert";
import { send } from "../workerd/lib/http.mjs";
import { launch, until } from "../workerd/lib/product.mjs";

const document = await readFile(new URL("../../docs/protecting.md", import.meta.url), "utf8");

/** The first block of docs/protecting.md in this language, below this heading. */
export function block(heading, language) {
  const section = document.split(`\n### ${heading}\n`)[1] ?? document.split(`\n## ${heading}\n`)[1];
  const found = new RegExp(`\`\`\`${language}\n(.*?)\n\`\`\``, "su").exec(section ?? "");
  assert.ok(found !== null, `docs/protecting.md has a block of ${language} below ${heading}`);
  return found[1];
}

/** Each proxy: where its configuration stands, what else it needs around that, and how it is started. */
export const PROXIES = {
  nginx: {
    secret: "nginx:0123456789abcdef",
    configuration: () => block("nginx", "nginx").replace("listen 80;", "listen 127.0.0.1:PORT;"),
    async start(folder, configuration) {
      const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`);
      await writeFile(join(folder, "nginx.conf"), [
        // Else root's workers would become somebody who cannot read the folder.
        ...(userInfo().uid === 0 ? ["user root;"] : []),
        `pid ${folder}/pid;`,
        "events {}",
        "http {",
        "access_log off;",
        ...paths,
        configuration,
        "}",
      ].join("\n"));
      return [process.env.SYMBOLON_NGINX, ["-p", folder, "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"]];
    },
  },
  caddy: {
    secret: "caddy:0123456789abcdef",
    // The name of a site holds its port.
    configuration: () => block("Caddy", "caddyfile").replace("http://api.example {", "http://api.example:PORT {"),
    async start(folder, configuration) {
      await writeFile(join(folder, "Caddyfile"), `{\n\tadmin off\n}\n${configuration}`);
      return [process.env.SYMBOLON_CADDY, ["run", "--config", join(folder, "Caddyfile"), "--adapter", "caddyfile"]];
    },
  },
  traefik: {
    secret: "traefik:0123456789abcdef",
    configuration: () => block("Traefik", "yaml"),
    async start(folder, configuration, port) {
      await writeFile(join(folder, "dynamic.yaml"), configuration);
      return [process.env.SYMBOLON_TRAEFIK, [
        `--entryPoints.web.address=127.0.0.1:${port}`,
        `--providers.file.filename=${join(folder, "dynamic.yaml")}`,
        "--global.checkNewVersion=false",
        "--global.sendAnonymousUsage=false",
        "--log.level=ERROR",
      ]];
    },
  },
};

async function freePort() {
  const server = createSocket().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** An API that answers everything with 200 and notes what reached it. */
async function api(t) {
  const seen = [];
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const { method, url, headers, rawHeaders } = request;
      seen.push({ method, url, headers, rawHeaders, body: Buffer.concat(chunks).toString("utf8") });
      response.end("the API");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return { seen, port: server.address().port };
}

/**
 * Symbolon with the routes of docs/protecting.md, an API, and this proxy between: `{product, secret, seen, ask, raw}`; `ask` sends a request to the proxy
 * as a client of `api.example` would, `raw` one that no client would, and gives the answer as it came. All of it ends with the test.
 */
export async function behind(t, name) {
  const { secret: shown, configuration, start } = PROXIES[name];
  const product = await launch(t, { flavour: "worker", bindings: { PROXY_SECRET: shown } });
  const { secret } = await product.setup();
  const { routes } = JSON.parse(block("The route table", "json"));
  routes.push({ method: "POST", path: "/reports", permission: "api:write" });
  const put = await product.send({ method: "PUT", path: "/v1/routes", token: secret, body: { routes } });
  assert.equal(put.status, 200, put.text);
  const { seen, port: origin } = await api(t);
  const folder = await mkdtemp(join(tmpdir(), "symbolon-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  // What stands for the reader's own: where Symbolon and the API are, the secret, and the port.
  const text = configuration()
    .replaceAll("PORT", port)
    .replaceAll("https://tokens.example", product.url())
    .replaceAll("127.0.0.1:9000", `127.0.0.1:${origin}`)
    .replaceAll(`${name}:…`, shown);
  const [program, options] = await start(folder, text, port);
  const proxy = spawn(program, options, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, HOME: folder } });
  const said = [];
  for (const stream of [proxy.stdout, proxy.stderr]) stream.on("data", (chunk) => said.push(chunk));
  const ended = once(proxy, "exit");
  t.after(async () => {
    // Not SIGKILL: nginx ends its workers itself.
    proxy.kill("SIGTERM");
    await ended;
  });
  const ask = ({ method = "GET", path, token, headers = {}, body }) => {
    const all = { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    return send(`http://127.0.0.1:${port}`, { method, path, host: "api.example", headers: all, body });
  };
  await until(`${name} serves`, async () => {
    assert.equal(proxy.exitCode, null, `${name}: ${Buffer.concat(said)}`);
    // Traefik answers 404 until it has read its file.
    return (await ask({ path: "/status" }).catch(() => ({ status: 404 }))).status !== 404;
  });
  const raw = async (text) => {
    const socket = connect(port, "127.0.0.1");
    socket.end(text);
    const chunks = [];
    for await (const chunk of socket) chunks.push(chunk);
    return Buffer.concat(chunks).toString("latin1");
  };
  return { product, secret, seen, ask, raw };
}
