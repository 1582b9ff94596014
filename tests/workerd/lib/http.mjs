// Requests as they are written: any host name, no normalising, no following.
import { request } from "node:http";

/**
 * Sends `{method, path, host, headers, body}` to workerd at `address`. A header with a list of values is sent as so many
 * lines.
 * @returns {Promise<{status: number, headers: Record<string, string>, text: string, json: any}>}
 */
export function send(address, { method, path, host, headers, body }) {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, method, path, headers: { host, ...headers }, agent: false }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        const isJson = /^application\/(?:problem\+)?json\b/u.test(response.headers["content-type"] ?? "");
        resolve({ status: response.statusCode, headers: response.headers, text, json: isJson && text !== "" ? JSON.parse(text) : undefined });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
