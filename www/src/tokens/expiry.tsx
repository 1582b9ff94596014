// When a token ends: the kind's presets, a date of one's own, or never where the kind lets it be.

import type { Kind } from "../api/types";
import { t } from "../text";
import { Group, TextField } from "../ui/fields";
import { duration, exact, toLocalInput } from "../ui/time";

export type Expiry = { readonly type: "preset"; readonly seconds: number } | { readonly type: "custom"; readonly at: string } | { readonly type: "never" };

/**
 * What a form begins with: what the kind says, else the shortest time that it offers. Without an end only where the kind
 * has nothing else to offer.
 */
export function firstExpiry(kind: Kind, now: Date): Expiry {
  const { required, default_seconds, presets_seconds = [] } = kind.expiry;
  const preset = default_seconds ?? (presets_seconds.length === 0 ? undefined : Math.min(...presets_seconds));
  if (preset !== undefined && presets_seconds.includes(preset)) return { type: "preset", seconds: preset };
  if (preset !== undefined) return { type: "custom", at: toLocalInput(new Date(now.getTime() + preset * 1000)) };
  return required ? { type: "custom", at: "" } : { type: "never" };
}

/** The time that was chosen, in RFC 3339; null: never; undefined: none yet. */
export function expiryAt(expiry: Expiry, now: Date): string | null | undefined {
  if (expiry.type === "never") return null;
  const at = expiry.type === "preset" ? new Date(now.getTime() + expiry.seconds * 1000) : new Date(expiry.at);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

interface Props {
  readonly kind: Kind;
  readonly value: Expiry;
  readonly onChange: (value: Expiry) => void;
  readonly error?: string | undefined;
}

export function ExpiryField({ kind, value, onChange, error }: Props) {
  const { required, max_seconds, presets_seconds = [] } = kind.expiry;
  const now = new Date();
  const at = expiryAt(value, now);
  const hints = [required && t.create.endsRequired, max_seconds !== undefined && t.create.endsMax(duration(max_seconds))].filter(Boolean);
  const chip = (key: string, checked: boolean, choose: () => void, text: string) => (
    <label class="chip" key={key}>
      <input type="radio" name="expiry" checked={checked} onChange={choose} />
      <span>{text}</span>
    </label>
  );
  return (
    <Group label={t.create.ends} required={required} error={error} {...(hints.length > 0 && { hint: hints.join(" ") })}>
      <div class="stack tight">
        <div class="chips">
          {presets_seconds.map((seconds) =>
            chip(`${seconds}`, value.type === "preset" && value.seconds === seconds, () => onChange({ type: "preset", seconds }), duration(seconds)),
          )}
          {chip(
            "custom",
            value.type === "custom",
            () => onChange({ type: "custom", at: toLocalInput(new Date(typeof at === "string" ? at : now.getTime() + 2_592_000_000)) }),
            t.create.endsCustom,
          )}
          {!required && chip("never", value.type === "never", () => onChange({ type: "never" }), t.create.endsNever)}
        </div>
        {value.type === "custom" && (
          <TextField
            label={t.create.endsAt}
            type="datetime-local"
            value={value.at}
            onInput={(text) => onChange({ type: "custom", at: text })}
            min={toLocalInput(now)}
            {...(max_seconds !== undefined && { max: toLocalInput(new Date(now.getTime() + max_seconds * 1000)) })}
            required
          />
        )}
        {typeof at === "string" && <span class="hint">{t.create.endsOn(exact(at))}</span>}
      </div>
    </Group>
  );
}
