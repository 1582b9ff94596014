// Making a passkey: at the first run, and on one's own page.

import { systemOf } from "../agent";
import { call } from "../api/client";
import type { CreationOptions, Passkey } from "../api/types";
import { registration } from "../passkeys";
import { t } from "../text";
import { CopyButton, DownloadButton } from "../ui/basics";

/** Makes a passkey and registers it; with the first one come recovery codes. */
export async function makePasskey(name: string): Promise<readonly string[]> {
  const options = await call<CreationOptions>("POST", "/v1/passkeys/options", { body: {} });
  const credential = await registration(options.public_key);
  const body = { challenge_id: options.challenge_id, name, credential };
  const made = await call<{ passkey: Passkey; recovery_codes?: readonly string[] }>("POST", "/v1/passkeys", { body });
  return made.recovery_codes ?? [];
}

/** A name for the passkey of this browser. */
export function ownName(): string {
  return systemOf(navigator.userAgent) ?? t.account.anyBrowser;
}

export function RecoveryCodes({ codes }: { codes: readonly string[] }) {
  const text = codes.join("\n");
  return (
    <div class="secret">
      <ul class="codes" role="list" aria-label={t.once.codes} data-secret>
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <div class="row">
        <CopyButton text={text} look="primary" />
        <DownloadButton text={`${text}\n`} name="symbolon-recovery-codes.txt" />
      </div>
    </div>
  );
}
