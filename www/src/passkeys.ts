// WebAuthn, with the JSON forms that browsers read and write themselves (WebAuthn level 3, sections 5.1.8 to 5.1.10).

export function havePasskeys(): boolean {
  return (
    typeof PublicKeyCredential === "function" &&
    "parseCreationOptionsFromJSON" in PublicKeyCredential &&
    "parseRequestOptionsFromJSON" in PublicKeyCredential
  );
}

/** The person closed the browser's question, or let it time out. */
export class PasskeyDismissed extends Error {
  override readonly name = "PasskeyDismissed";
}

/** This authenticator has a passkey of this member already. */
export class PasskeyExists extends Error {
  override readonly name = "PasskeyExists";
}

async function ask(question: Promise<Credential | null>): Promise<PublicKeyCredential> {
  try {
    const credential = await question;
    if (credential instanceof PublicKeyCredential) return credential;
  } catch (error) {
    if (error instanceof DOMException && error.name === "InvalidStateError") throw new PasskeyExists();
    if (!(error instanceof DOMException) || !["NotAllowedError", "AbortError"].includes(error.name)) throw error;
  }
  throw new PasskeyDismissed();
}

export async function registration(options: PublicKeyCredentialCreationOptionsJSON): Promise<unknown> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return (await ask(navigator.credentials.create({ publicKey }))).toJSON();
}

export async function assertion(options: PublicKeyCredentialRequestOptionsJSON): Promise<unknown> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await ask(navigator.credentials.get({ publicKey }))).toJSON();
}
