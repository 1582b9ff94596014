// Signing in at a provider of identities (OpenID Connect). The server makes the address and keeps what is under way in
// a cookie of its own; the page only goes there.

import { call } from "./api/client";

export interface Provider {
  readonly name: string;
}

let asked: Promise<Provider | undefined> | undefined;

/** The provider of this instance, if it has one. */
export function provider(): Promise<Provider | undefined> {
  asked ??= call<{ provider: Provider | null }>("GET", "/v1/sessions/oidc", { anonymous: true }).then(
    ({ provider: found }) => found ?? undefined,
    () => {
      asked = undefined;
      return undefined;
    },
  );
  return asked;
}

/** Leaves for the provider, and stays busy until the browser has gone. */
async function leave(path: string, body: Readonly<Record<string, string>>, anonymous: boolean): Promise<void> {
  const { location } = await call<{ location: string }>("POST", path, { body, takesCookie: true, ...(anonymous && { anonymous: "cookie" as const }) });
  window.location.assign(location);
  await new Promise(() => {});
}

/** To sign in to the organisation of this name, and then to an address of the console. */
export function signInAtProvider(organization: string, next: string): Promise<void> {
  return leave("/v1/sessions/oidc", { organization, next }, true);
}

/** To show oneself anew, and come back to the page that is open. */
export function confirmAtProvider(): Promise<void> {
  const query = new URLSearchParams(window.location.search);
  // What an earlier visit came to says nothing of this one.
  query.delete("problem");
  const { pathname } = window.location;
  return leave("/v1/sessions/current/oidc", { next: query.size === 0 ? pathname : `${pathname}?${query}` }, false);
}

/** To sign in there from now on. */
export function linkAtProvider(next: string): Promise<void> {
  return leave("/v1/identities", { next }, false);
}
