// Buttons, badges, notices, and what stands where something is empty or still on its way.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

import { ApiProblem } from "../api/problem";
import { explain } from "../explain";
import { Link } from "../router";
import { createStore, useStore } from "../store";
import { t } from "../text";
import { Icon, type IconName } from "./icons";

export type Tone = "good" | "warn" | "bad" | "accent" | "neutral";

interface ButtonProps {
  readonly children: ComponentChildren;
  readonly onClick?: () => void;
  readonly type?: "button" | "submit";
  readonly look?: string;
  readonly busy?: boolean;
  readonly label?: string;
  readonly expanded?: boolean;
}

/** While it is busy it keeps the focus, says so, and does nothing. */
export function Button({ children, onClick, type = "button", look = "", busy = false, label, expanded }: ButtonProps) {
  const click = (event: MouseEvent) => {
    if (busy) event.preventDefault();
    else onClick?.();
  };
  return (
    <button type={type} class={`button ${look}`} onClick={click} aria-disabled={busy} aria-label={label} aria-expanded={expanded}>
      {busy && <span class="spinner" aria-hidden="true" />}
      {children}
      {busy && <span class="hidden">{t.common.working}</span>}
    </button>
  );
}

export function ButtonLink({ href, look = "", children }: { href: string; look?: string; children: ComponentChildren }) {
  return (
    <Link href={href} class={`button ${look}`}>
      {children}
    </Link>
  );
}

export function Badge({ tone = "neutral", children, title }: { tone?: Tone; children: ComponentChildren; title?: string }) {
  return (
    <span class={`badge ${tone}`} title={title}>
      {children}
    </span>
  );
}

const NOTICE_ICONS: Record<Tone, IconName> = { good: "check", warn: "warning", bad: "warning", accent: "info", neutral: "info" };

interface NoticeProps {
  readonly tone?: Tone;
  readonly title?: ComponentChildren;
  readonly children?: ComponentChildren;
  /** Read out as soon as it appears. */
  readonly live?: boolean;
}

export function Notice({ tone = "neutral", title, children, live = false }: NoticeProps) {
  return (
    <div class={`notice ${tone}`} role={live ? (tone === "bad" ? "alert" : "status") : undefined}>
      <Icon name={NOTICE_ICONS[tone]} />
      <div class="break">
        {title !== undefined && <strong>{title}</strong>}
        {children}
      </div>
    </div>
  );
}

/** What went wrong, in words for people; faults of fields that the form shows beside them are left out. */
export function ProblemNotice({ error, shown = [] }: { error: unknown; shown?: readonly string[] }) {
  if (error === undefined || error === null) return null;
  const said = explain(error);
  const others =
    error instanceof ApiProblem ? error.errors.filter(({ field }) => !shown.some((name) => field === name || field.startsWith(`${name}[`))) : [];
  return (
    <Notice tone="bad" title={said.title} live>
      {said.detail !== undefined && <p>{said.detail}</p>}
      {others.length > 0 && (
        <ul>
          {others.map(({ field, message }) => (
            <li key={field}>{field === "" ? message : `${field}: ${message}`}</li>
          ))}
        </ul>
      )}
    </Notice>
  );
}

/** Something could not be read: why, and the way to try once more. */
export function Failed({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <div class="stack">
      <ProblemNotice error={error} />
      <div>
        <Button onClick={onRetry}>{t.common.retry}</Button>
      </div>
    </div>
  );
}

export function Empty({ icon, title, children, action }: { icon: IconName; title: string; children: ComponentChildren; action?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      <p>{children}</p>
      {action}
    </div>
  );
}

export function Loading({ lines = 6 }: { lines?: number }) {
  return (
    <div class="loading" role="status">
      <span class="hidden">{t.common.loading}</span>
      {Array.from({ length: lines }, (_, index) => (
        <div class="bone" key={index} aria-hidden="true" />
      ))}
    </div>
  );
}

const toastStore = createStore<{ readonly text: string; readonly id: number } | undefined>(undefined);
let toasts = 0;

/** How long a passing message stays, in milliseconds. */
const TOAST_MILLIS = 6_000;

export function toast(text: string): void {
  toasts += 1;
  toastStore.set({ text, id: toasts });
}

export function Toasts() {
  const current = useStore(toastStore);
  useEffect(() => {
    if (current === undefined) return undefined;
    const timer = setTimeout(() => toastStore.set(undefined), TOAST_MILLIS);
    return () => clearTimeout(timer);
  }, [current]);
  return (
    <div class="toasts" role="status">
      {current !== undefined && <div class="toast">{current.text}</div>}
    </div>
  );
}

export function CopyButton({ text, label = t.common.copy, look = "" }: { text: string; label?: string; look?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      toast(t.common.copied);
    } catch {
      toast(t.common.notCopied);
    }
  };
  return (
    <Button look={look} onClick={() => void copy()}>
      <Icon name={copied ? "check" : "copy"} />
      {label}
    </Button>
  );
}

/** Saves a text as a file, without any request. */
export function DownloadButton({ text, name, type = "text/plain", label = t.common.download }: { text: string; name: string; type?: string; label?: string }) {
  const save = () => {
    const url = URL.createObjectURL(new Blob([text], { type }));
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    // The browser has taken what it needs once the click was handled.
    setTimeout(() => URL.revokeObjectURL(url), 0);
  };
  return (
    <Button onClick={save}>
      <Icon name="download" />
      {label}
    </Button>
  );
}

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** A modal dialog of the platform: it holds the focus, closes with Escape, and gives the focus back. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  // One may stand over another: each has a title of its own.
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const cancel = (event: Event) => {
    event.preventDefault();
    onClose();
  };
  return (
    <dialog class="dialog" ref={element} onCancel={cancel} aria-labelledby={id}>
      <div class="dialog-inner">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

/** The head of a page; its title gets the focus when the page is opened, so that it is read out. */
export function PageHead({ title, children, lead, back }: { title: string; children?: ComponentChildren; lead?: ComponentChildren; back?: { href: string; text: string } }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = t.common.documentTitle(title);
    heading.current?.focus({ preventScroll: true });
  }, [title]);
  return (
    <div class="page-head">
      <div>
        {back !== undefined && (
          <Link href={back.href} class="back">
            <Icon name="back" />
            {back.text}
          </Link>
        )}
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {lead !== undefined && <p>{lead}</p>}
      </div>
      {children !== undefined && <div class="row">{children}</div>}
    </div>
  );
}
