// Times in the person's own language and zone; hovering shows the exact one.

import { t } from "../text";

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const MINUTE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
/** For columns: 3 min. ago. */
const AGO_SHORT = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

export function relative(at: Date, now: Date, format = AGO): string {
  const seconds = Math.round((at.getTime() - now.getTime()) / 1000);
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return format.format(Math.trunc(seconds / length), unit);
  }
  return format.format(0, "second");
}

type Form = "day" | "minute" | "ago" | "since";

/** How a time is written: the day, the day and minute, or its distance, where what has happened is never still to come. */
function written(date: Date, as: Form): string {
  if (as === "day") return DAY.format(date);
  if (as === "minute") return MINUTE.format(date);
  const now = new Date();
  return relative(as === "since" && date > now ? now : date, now, AGO_SHORT);
}

export function Time({ at, as = "day", none = t.common.never }: { at: string | null; as?: Form; none?: string }) {
  if (at === null) return <span class="soft">{none}</span>;
  const date = new Date(at);
  return (
    <time dateTime={at} title={`${EXACT.format(date)} (${at})`}>
      {written(date, as)}
    </time>
  );
}

const DAY_SECONDS = 86_400;

/** A length of time in the largest unit that fits evenly: 90 days, 2 hours. */
export function duration(seconds: number): string {
  const [unit, length] =
    seconds % (365 * DAY_SECONDS) === 0
      ? (["year", 365 * DAY_SECONDS] as const)
      : seconds % DAY_SECONDS === 0
        ? (["day", DAY_SECONDS] as const)
        : seconds % 3_600 === 0
          ? (["hour", 3_600] as const)
          : (["minute", 60] as const);
  return new Intl.NumberFormat(undefined, { style: "unit", unit, unitDisplay: "long" }).format(seconds / length);
}

export function exact(at: string): string {
  return EXACT.format(new Date(at));
}

/** What a `datetime-local` field holds for this time, in the person's zone. */
export function toLocalInput(at: Date): string {
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}
