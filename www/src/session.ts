// Who is signed in, and what their organisation's profile lets them do.

import * as client from "./api/client";
import { call } from "./api/client";
import { ApiProblem } from "./api/problem";
import type { Profile, RequestOptions, SignedIn, WhoAmI } from "./api/types";
import { createStore } from "./store";
import { assertion } from "./passkeys";

export type SessionState =
  | { readonly state: "unknown" }
  | { readonly state: "out"; readonly ended?: boolean }
  /** Nobody knows: the server did not say. */
  | { readonly state: "failed"; readonly error: unknown }
  | { readonly state: "in"; readonly me: WhoAmI; readonly profile: Profile; /** By a recovery code, just now. */ readonly recovered?: true };

export const session = createStore<SessionState>({ state: "unknown" });

/** With what the one who is signed in shows that they are still there, as of now. */
export async function confirmsWith(): Promise<SignedIn["confirm_with"]> {
  return (await call<SignedIn>("GET", "/v1/sessions/current")).confirm_with;
}

/** Shows the pages of whoever the credential is. */
export async function enter(how: { readonly recovered?: true } = {}): Promise<void> {
  const [me, profile] = await Promise.all([call<WhoAmI>("GET", "/v1/whoami"), call<Profile>("GET", "/v1/kinds")]);
  session.set({ state: "in", me, profile, ...how });
}

/** Takes up the session whose cookie the browser has, if any. */
export async function resume(): Promise<void> {
  try {
    // All at once: on a phone each trip is half a second.
    const [current, me, profile] = await Promise.all([
      call<SignedIn>("GET", "/v1/sessions/current", { anonymous: "cookie" }),
      call<WhoAmI>("GET", "/v1/whoami", { anonymous: "cookie" }),
      call<Profile>("GET", "/v1/kinds", { anonymous: "cookie" }),
    ]);
    client.holdSession(current.csrf_token);
    session.set({ state: "in", me, profile });
  } catch (error) {
    client.holdNothing();
    const refused = error instanceof ApiProblem && error.status >= 400 && error.status < 500 && error.code !== "rate_limited";
    session.set(refused ? { state: "out" } : { state: "failed", error });
  }
}

/** Signs in with a passkey; the browser offers those that it has for this host. */
export async function signInWithPasskey(): Promise<void> {
  const options = await call<RequestOptions>("POST", "/v1/sessions/options", { body: {}, anonymous: true });
  const credential = await assertion(options.public_key);
  const body = { challenge_id: options.challenge_id, credential };
  const signedIn = await call<SignedIn>("POST", "/v1/sessions", { body, anonymous: "cookie" });
  client.holdSession(signedIn.csrf_token);
  await enter();
}

/** Begins a session with a recovery code, in which a passkey can be made, and shows no page of those who are signed in. */
export async function beginWithRecoveryCode(organization: string, email: string, code: string): Promise<void> {
  const body = { organization, email, recovery_code: code };
  const signedIn = await call<SignedIn>("POST", "/v1/sessions/recover", { body, anonymous: "cookie" });
  client.holdSession(signedIn.csrf_token);
}

export async function signInWithRecoveryCode(organization: string, email: string, code: string): Promise<void> {
  await beginWithRecoveryCode(organization, email, code);
  await enter({ recovered: true });
}

/** Signs in with an access token, kept in memory until the page is left. */
export async function signInWithToken(secret: string): Promise<void> {
  client.holdToken(secret);
  try {
    await enter();
  } catch (error) {
    client.holdNothing();
    throw error;
  }
}

/** Asks for the passkey anew, which makes the session fresh. */
export async function confirmWithPasskey(): Promise<void> {
  const options = await call<RequestOptions>("POST", "/v1/sessions/options", { body: {} });
  const credential = await assertion(options.public_key);
  const body = { challenge_id: options.challenge_id, credential };
  const confirmed = await call<Partial<SignedIn>>("POST", "/v1/sessions/current/confirm", { body });
  if (confirmed.csrf_token !== undefined) client.holdSession(confirmed.csrf_token);
}

export async function signOut(): Promise<void> {
  try {
    if (client.credentialType() === "session") await call("DELETE", "/v1/sessions/current");
  } finally {
    client.holdNothing();
    session.set({ state: "out" });
  }
}

client.onSignedOut(() => session.set({ state: "out", ended: true }));

/** Whether the one who is signed in may do this, on every resource. */
export function may(me: WhoAmI, permission: string): boolean {
  const [resource, action] = permission.split(":");
  return me.permissions.some((granted) => {
    const [grantedResource, grantedAction] = granted.split(":");
    const meets = (part: string | undefined, wanted: string | undefined) => part === "*" || part === wanted;
    return meets(grantedResource, resource) && meets(grantedAction, action);
  });
}
