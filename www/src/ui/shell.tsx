// The frame around every page: navigation and who is signed in; or, before that, the mark alone.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

import { credentialType } from "../api/client";
import type { Profile, WhoAmI } from "../api/types";
import { Link } from "../router";
import { may, signOut } from "../session";
import { t } from "../text";
import { type Theme, THEMES, setTheme, theme } from "../theme";
import { Button } from "./basics";
import { Icon, type IconName, Mark } from "./icons";

function ThemeButton() {
  const [chosen, setChosen] = useState<Theme>(theme());
  const next = () => {
    const following = THEMES[(THEMES.indexOf(chosen) + 1) % THEMES.length] ?? "auto";
    setTheme(following);
    setChosen(following);
  };
  return (
    <Button look="quiet small" onClick={next}>
      <Icon name="theme" />
      <span class="hidden">{t.theme.label}: </span>
      {t.theme[chosen]}
    </Button>
  );
}

function Brand() {
  return (
    <Link href="/tokens" class="brand">
      <Mark />
      {t.common.product}
    </Link>
  );
}

/** A page for whoever is not signed in. */
export function Alone({ children, wide = false }: { children: ComponentChildren; wide?: boolean }) {
  return (
    <div class={`alone ${wide ? "wide" : ""}`}>
      <header>
        <span class="brand">
          <Mark />
          {t.common.product}
        </span>
        <ThemeButton />
      </header>
      <main id="content">{children}</main>
    </div>
  );
}

interface Entry {
  readonly href: string;
  readonly text: string;
  readonly icon: IconName;
}

function entries(me: WhoAmI, profile: Profile): Entry[] {
  const list: Entry[] = [{ href: "/tokens", text: t.nav.tokens, icon: "token" }];
  if (profile.kinds.some((kind) => kind.onboarding !== null && kind.can_create)) {
    list.push({ href: "/onboarding", text: t.nav.onboarding, icon: "onboarding" });
  }
  if (may(me, "members:view")) list.push({ href: "/members", text: t.nav.members, icon: "members" });
  if (may(me, "activity:view")) list.push({ href: "/activity", text: t.nav.activity, icon: "activity" });
  if (may(me, "profile:view") || may(me, "routes:view")) list.push({ href: "/tokens/settings", text: t.nav.settings, icon: "settings" });
  list.push({ href: "/playground", text: t.nav.playground, icon: "playground" });
  list.push({ href: "/account", text: t.nav.account, icon: "account" });
  return list;
}

interface ShellProps {
  readonly path: string;
  readonly me: WhoAmI;
  readonly profile: Profile;
  readonly children: ComponentChildren;
}

export function Shell({ path, me, profile, children }: ShellProps) {
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [path]);
  const links = entries(me, profile);
  // Where one is, is the entry that says most of the address.
  const fitting = links.filter(({ href }) => path === href || path.startsWith(`${href}/`)).sort((a, b) => b.href.length - a.href.length);
  const here = (href: string) => href === fitting[0]?.href;
  const byToken = credentialType() === "token";
  return (
    <div class="shell">
      <a class="skip" href="#content">
        {t.common.skip}
      </a>
      <header class="side">
        <div class="side-in">
        <div class="side-top">
          <Brand />
          <span class="menu-button">
            <Button look="quiet" expanded={open} onClick={() => setOpen(!open)}>
              <Icon name="menu" />
              {t.nav.menu}
            </Button>
          </span>
        </div>
        <div class={`side-rest ${open ? "open" : ""}`}>
          <nav class="nav" aria-label={t.nav.label}>
            <ul role="list">
              {links.map(({ href, text, icon }) => (
                <li key={href}>
                  <Link href={href} current={here(href)}>
                    <Icon name={icon} />
                    {text}
                  </Link>
                </li>
              ))}
            </ul>
          </nav>
          <div class="who">
            <div class="who-name">
              <strong title={me.principal.name}>{me.principal.name}</strong>
              <span title={me.organization.name}>{me.organization.name}</span>
              {byToken && <span class="whole">{t.nav.byToken}</span>}
            </div>
            <div class="row">
              <ThemeButton />
              <Button look="quiet small" onClick={() => void signOut()}>
                {byToken ? t.nav.forget : t.nav.signOut}
              </Button>
            </div>
          </div>
        </div>
        </div>
      </header>
      <main class="main" id="content" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}
