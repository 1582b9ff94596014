"""http-message-signatures of PyPI: signs or verifies the request that comes in as JSON, and answers with JSON."""

import datetime
import json
import sys

from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms


class Message:
    def __init__(self, method, url, headers):
        self.method, self.url, self.headers = method, url, headers


class Keys(HTTPSignatureKeyResolver):
    def __init__(self, private, public):
        self.private, self.public = private, public

    def resolve_private_key(self, key_id):
        return load_pem_private_key(self.private.encode(), password=None)

    def resolve_public_key(self, key_id):
        return load_pem_public_key(self.public.encode())


task = json.load(sys.stdin)
message = Message(task["method"], task["url"], dict(task["headers"]))
keys = Keys(task.get("private"), task.get("public"))
if task["do"] == "sign":
    signer = HTTPMessageSigner(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=keys)
    signer.sign(message, key_id="k", covered_component_ids=task["components"], nonce="n", tag="symbolon",
                created=datetime.datetime.now(datetime.timezone.utc),
                use_existing_digest="content-digest" in task["components"])
    json.dump(dict(message.headers), sys.stdout)
else:
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=keys)
    results = verifier.verify(message, max_age=datetime.timedelta(minutes=5))
    json.dump({"verified": len(results), "covered": list(results[0].covered_components)}, sys.stdout)
