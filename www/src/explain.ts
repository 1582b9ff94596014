// What went wrong, in sentences for people: by its code, and with what the server says besides.

import { ApiProblem } from "./api/problem";
import { PasskeyDismissed, PasskeyExists } from "./passkeys";
import { count, t } from "./text";

const PROBLEMS: Readonly<Record<string, readonly [string, string?]>> = {
  network: ["The server cannot be reached.", "Check the connection, and try again."],
  unexpected: ["The server gave an answer that the console does not understand.", "Try again. If it stays so, reload the page."],
  missing_credential: ["You are not signed in.", "Sign in, and try again."],
  malformed_credential: ["This is not a token.", "Check that it was copied whole, without spaces."],
  unknown_token: ["The server does not know this credential.", "It may be mistyped, or belong to another instance."],
  expired: ["This has expired."],
  revoked: ["This token was revoked."],
  inactive: ["This token is switched off."],
  owner_suspended: ["The member whose it is was suspended or removed."],
  insufficient_permission: ["You may not do this."],
  passphrase_required: ["This token needs its passphrase."],
  passphrase_wrong: ["The passphrase is wrong."],
  signature_invalid: ["The signature is not valid."],
  signature_stale: ["The signature is too old, or from the future.", "Check the clock of the machine that signs."],
  digest_mismatch: ["The body is not the one that was signed."],
  replayed: ["This signed request was used before.", "Sign a new one."],
  locked: ["The token is locked, after too many wrong passphrases."],
  rate_limited: ["Too many tries."],
  authority_unavailable: ["The server is busy taking over. Nothing was lost."],
  invalid_request: ["Something in the form is not right."],
  not_found: ["This was not found.", "It may have been removed, or is not for you to see."],
  conflict: ["This conflicts with what is there."],
  not_editable: ["This cannot be changed."],
  too_large: ["This is too large."],
  method_not_allowed: ["This server cannot do that."],
  internal: ["Something went wrong on our side.", "Try again."],
};

/** Why a visit to the provider has led nowhere, by the server's name for it. */
export const VISITS: Readonly<Record<string, readonly [string, string?]>> = {
  unknown_member: ["You are not known here yet.", "Ask an owner of the organisation to invite you, or sign in otherwise and connect your account."],
  unverified_email: ["Your mail address is not verified there.", "Verify it with the provider, and sign in again."],
  suspended: ["You are suspended in this organisation."],
  other_identity: ["Somebody else is signed in there.", "Sign in there as yourself, and try again."],
  taken: ["This account is connected with another member already, or you with another account."],
  stale: ["You were not asked to sign in there anew.", "Try again. If it stays so, tell whoever runs this instance."],
  no_auth_time: [
    "The provider does not say when you signed in there.",
    "So nothing shows that it is still you. Tell whoever runs this instance: the provider must put the claim auth_time into its ID tokens, as OpenID Connect asks of it.",
  ],
  denied: ["The sign-in was broken off."],
  flow: ["The sign-in was not begun in this browser, or took longer than ten minutes.", "Begin again from this page."],
  replayed: ["This sign-in was used already.", "Begin again from this page."],
  ended: ["Your session has ended meanwhile."],
  rate_limited: ["Too many tries.", "Wait some minutes."],
  unavailable: ["The provider cannot be reached.", "Try again in a moment."],
  other: ["The provider's answer was not accepted.", "Try again. If it stays so, tell whoever runs this instance."],
};

/** With a full stop, which what comes from elsewhere often lacks. */
export function sentence(text: string): string {
  return /[.!?:…]$/.test(text) ? text : `${text}.`;
}

/** What is wrong with a profile, whose place stands before it as `line:column`. */
export function placed(message: string): string {
  const [, line, column, text] = /^(\d+):(\d+): (.*)$/s.exec(message) ?? [];
  return line === undefined || column === undefined || text === undefined ? message : t.setup.profileAt(line, column, text);
}

/** What went wrong, for people. */
export function explain(error: unknown): { title: string; detail?: string } {
  if (error instanceof PasskeyDismissed) {
    return { title: "The passkey was not used.", detail: "The browser's question was closed, or took too long. Try again." };
  }
  if (error instanceof PasskeyExists) {
    return { title: "There is a passkey on this device already.", detail: "Use another device or security key." };
  }
  if (!(error instanceof ApiProblem)) {
    return { title: "Something went wrong in this page.", ...(error instanceof Error && { detail: error.message }) };
  }
  const [title, next] = PROBLEMS[error.code] ?? [error.message];
  const parts = [error.detail === undefined ? next : sentence(error.detail)];
  if (error.required === "session:fresh") parts.push("It needs you to have signed in, or shown yourself, within the last five minutes.");
  else if (error.required === "session") parts.push("Sign in with your passkey, or at a provider: a token does not do.");
  else if (error.required !== undefined) parts.push(`It needs ${error.required}.`);
  if (error.retryAfter !== undefined) parts.push(`Try again in ${count(error.retryAfter, "second", "seconds")}.`);
  const detail = parts.filter((part) => part !== undefined).join(" ");
  return detail === "" ? { title } : { title, detail: detail.charAt(0).toUpperCase() + detail.slice(1) };
}
