// Addresses of the console: the path says which page, and the History API moves between them.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

export interface Location {
  readonly path: string;
  readonly query: URLSearchParams;
}

const listeners = new Set<() => void>();
/** Asked before the page is left; false keeps it. */
let guard: (() => boolean) | undefined;

/** Where the address leads now, which a drawing under way may not know yet. */
export function read(): Location {
  return { path: window.location.pathname, query: new URLSearchParams(window.location.search) };
}

function tell(): void {
  for (const listener of [...listeners]) listener();
}

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (guard !== undefined && !guard()) return;
  guard = undefined;
  if (options.replace === true) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  tell();
  if (options.replace !== true) window.scrollTo(0, 0);
}

let shown = window.location.href;
window.addEventListener("popstate", () => {
  if (guard !== undefined && !guard()) {
    history.pushState(null, "", shown);
    return;
  }
  guard = undefined;
  tell();
});

export function useLocation(): Location {
  const [location, setLocation] = useState(read);
  useEffect(() => {
    const listener = () => {
      shown = window.location.href;
      setLocation(read());
    };
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, []);
  return location;
}

/** Lets the page be left without asking, from now on: what it shows was stored, though its drawing may not know yet. */
export function leaveFreely(): void {
  guard = undefined;
}

/** While `active`, asks `question` before the page is left, by a link, the back button, or closing the tab. */
export function useLeaveGuard(active: boolean, question: string): void {
  useEffect(() => {
    if (!active) return undefined;
    const mine = () => window.confirm(question);
    const unload = (event: BeforeUnloadEvent) => event.preventDefault();
    guard = mine;
    window.addEventListener("beforeunload", unload);
    return () => {
      if (guard === mine) guard = undefined;
      window.removeEventListener("beforeunload", unload);
    };
  }, [active, question]);
}

interface LinkProps {
  readonly href: string;
  readonly class?: string;
  readonly children?: ComponentChildren;
  /** Whether this is where one is. */
  readonly current?: boolean;
  /** Called when it is followed inside the console. */
  readonly onFollow?: () => void;
}

/** A link inside the console. With a modifier key, or another target, it stays the browser's. */
export function Link({ href, children, class: look, current = false, onFollow }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    onFollow?.();
    navigate(href);
  };
  return (
    <a href={href} class={look} aria-current={current ? "page" : undefined} onClick={follow}>
      {children}
    </a>
  );
}
