// Registering a public key, which needs a signature over a challenge.
import { strict as assert } from "node:assert";
import { signText } from "./sign.mjs";

/** Asks for a token whose proof is this key; the response to `POST /v1/tokens`. */
export async function register(product, secret, key, body) {
  const asked = await product.send({ method: "POST", path: "/v1/keys/challenge", token: secret });
  assert.equal(asked.status, 201, asked.text);
  const { challenge } = asked.json;
  const signature = (await signText(key, challenge)).toString("base64");
  return product.send({
    method: "POST",
    path: "/v1/tokens",
    token: secret,
    body: { public_key: key.publicKeyHex, proof: { challenge, signature }, ...body },
  });
}
