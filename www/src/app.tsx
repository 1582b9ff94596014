// Which page an address leads to, and who may see it.

import { useEffect } from "preact/hooks";
import type { ComponentChildren } from "preact";

import type { Profile, WhoAmI } from "./api/types";
import { ActivityPage } from "./pages/activity";
import { AccountPage } from "./pages/account";
import { CreatePage } from "./pages/create";
import { DevicePage } from "./pages/device";
import { InvitationPage } from "./pages/invitation";
import { MembersPage } from "./pages/members";
import { OnboardingPage } from "./pages/onboarding";
import { PlaygroundPage } from "./pages/playground";
import { SETTINGS, SettingsPage } from "./pages/settings";
import { SetupPage } from "./pages/setup";
import { SignInPage } from "./pages/sign-in";
import { TokenPage } from "./pages/token";
import { TokensPage } from "./pages/tokens";
import { type Location, navigate, useLocation } from "./router";
import { resume, session } from "./session";
import { useStore } from "./store";
import { t } from "./text";
import { ButtonLink, Failed, Loading, PageHead, Toasts } from "./ui/basics";
import { ConfirmPresence } from "./ui/confirm";
import { Alone, Shell } from "./ui/shell";

export interface Within {
  readonly me: WhoAmI;
  readonly profile: Profile;
}

/** A page for whoever is signed in. */
function page(location: Location, within: Within): ComponentChildren {
  const [first, second, ...rest] = location.path.split("/").slice(1);
  // Where Semgrep's client sends people for their tokens.
  if (location.path === "/orgs/-/settings/tokens") return <TokensPage {...within} query={location.query} />;
  if (location.path === SETTINGS) return <SettingsPage {...within} />;
  if (rest.length === 0) {
    if (first === "tokens" && second === undefined) return <TokensPage {...within} query={location.query} />;
    if (first === "tokens" && second === "new") return <CreatePage {...within} query={location.query} />;
    if (first === "tokens" && second !== undefined) return <TokenPage key={second} {...within} id={second} />;
    if (second === undefined) {
      if (first === "members") return <MembersPage {...within} />;
      if (first === "activity") return <ActivityPage {...within} query={location.query} />;
      if (first === "onboarding") return <OnboardingPage {...within} />;
      if (first === "playground") return <PlaygroundPage {...within} />;
      if (first === "account") return <AccountPage {...within} query={location.query} />;
      if (first === "device" || first === "login") return <DevicePage key={location.query.toString()} {...within} query={location.query} />;
    }
  }
  return (
    <div class="page">
      <PageHead title={t.notFound.title} />
      <div class="card stack">
        <p>{t.notFound.text}</p>
        <div>
          <ButtonLink href="/tokens">{t.notFound.home}</ButtonLink>
        </div>
      </div>
    </div>
  );
}

/** Where to go once one is signed in: an address of this console and of nothing else. */
function destination(query: URLSearchParams): string {
  const next = query.get("next") ?? "";
  return /^\/(?![/\\])/.test(next) ? next : "/tokens";
}

export function App() {
  const location = useLocation();
  const state = useStore(session);
  const first = location.path.split("/")[1] ?? "";
  const open = first === "setup" || first === "invitations";

  useEffect(() => {
    if (!open) void resume();
  }, []);

  useEffect(() => {
    if (open) return;
    if (state.state === "out" && first !== "sign-in") {
      const here = window.location.pathname + window.location.search;
      navigate(here === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(here)}`, { replace: true });
    }
    if (state.state === "in" && (first === "sign-in" || first === "")) {
      const next = state.recovered === true ? "/account" : first === "" ? "/tokens" : destination(location.query);
      navigate(next, { replace: true });
    }
  }, [state, first, open]);

  let shown: ComponentChildren;
  if (first === "setup") shown = <SetupPage />;
  else if (first === "invitations") shown = <InvitationPage id={location.path.split("/")[2] ?? ""} />;
  else if (state.state === "unknown") {
    shown = (
      <Alone>
        <h1 class="hidden">{t.common.product}</h1>
        <Loading lines={4} />
      </Alone>
    );
  } else if (state.state === "failed") {
    const again = () => {
      session.set({ state: "unknown" });
      void resume();
    };
    shown = (
      <Alone>
        <div class="stack">
          <PageHead title={t.common.noAnswer} />
          <Failed error={state.error} onRetry={again} />
        </div>
      </Alone>
    );
  } else if (state.state === "out") shown = <SignInPage ended={state.ended === true} query={location.query} next={destination(location.query)} />;
  else {
    shown = (
      <Shell path={location.path} me={state.me} profile={state.profile}>
        {page(location, { me: state.me, profile: state.profile })}
      </Shell>
    );
  }
  return (
    <>
      {shown}
      <ConfirmPresence />
      <Toasts />
    </>
  );
}
