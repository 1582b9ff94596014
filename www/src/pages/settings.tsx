// What an organisation goes by, as it is written: its profile, and the table of routes of a gateway. Both are read by
// whoever may see them, and replaced by whoever may, after a question; what stands in the way is listed.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { call } from "../api/client";
import { ApiProblem, type FieldError } from "../api/problem";
import type { Within } from "../app";
import { explain, placed } from "../explain";
import { type Loaded, useDoing, useLoad } from "../hooks";
import { Link, useLeaveGuard } from "../router";
import { enter, may } from "../session";
import { t } from "../text";
import { Button, Dialog, Failed, Loading, Notice, PageHead, toast } from "../ui/basics";
import { FileField, TextField } from "../ui/fields";

/** No token has this name as its id: tokens are shown under the same path. */
export const SETTINGS = "/tokens/settings";

interface ProfileDocument {
  readonly name: string;
  readonly profile: string;
}

/** One thing that stands in the way: a place in the file, a token or a member. */
function Fault({ field, message }: FieldError) {
  const token = /^tokens\.(.+)$/.exec(field)?.[1];
  if (token !== undefined) {
    return (
      <>
        <Link href={`/tokens/${token}`}>{t.settings.token}</Link> {message}
      </>
    );
  }
  if (field.startsWith("members.")) return <>{t.settings.member(message)}</>;
  return <>{field === "" || field === "profile" ? placed(message) : `${field}: ${message}`}</>;
}

function Faults({ error }: { error: unknown }) {
  if (error === undefined) return null;
  const { title, detail } = explain(error);
  const errors = error instanceof ApiProblem ? error.errors : [];
  return (
    <Notice tone="bad" title={title} live>
      {detail !== undefined && <p>{detail}</p>}
      {errors.length > 0 && (
        <ul>
          {errors.map((one, index) => (
            <li key={index}>
              <Fault {...one} />
            </li>
          ))}
        </ul>
      )}
    </Notice>
  );
}

interface EditorProps {
  readonly id: string;
  readonly words: typeof t.settings.profile | typeof t.settings.routes;
  readonly loaded: Loaded<string>;
  readonly accept: string;
  readonly edits: boolean;
  /** Puts the text in place of what is there. */
  readonly replace: (text: string) => Promise<void>;
  readonly children?: ComponentChildren;
}

function Editor({ id, words, loaded, accept, edits, replace, children }: EditorProps) {
  const [typed, setTyped] = useState<string | undefined>(undefined);
  const [asking, setAsking] = useState(false);
  const { busy, error, run } = useDoing();
  const changed = typed !== undefined && typed !== loaded.data;
  useLeaveGuard(changed, t.settings.leave);
  const confirm = () => {
    setAsking(false);
    run(async () => {
      await replace(typed ?? "");
      setTyped(undefined);
      toast(words.done);
      loaded.reload();
    });
  };
  return (
    <section class="card stack" aria-labelledby={id}>
      <div>
        <h2 id={id}>{words.title}</h2>
        <p class="hint">{words.text}</p>
        {children}
      </div>
      {loaded.error !== undefined && <Failed error={loaded.error} onRetry={loaded.reload} />}
      {loaded.data === undefined && loaded.error === undefined && <Loading lines={6} />}
      {loaded.data !== undefined && !edits && (
        <pre class="code" tabIndex={0} aria-label={words.field}>
          {loaded.data}
        </pre>
      )}
      {loaded.data !== undefined && edits && (
        <>
          <TextField label={words.field} value={typed ?? loaded.data} onInput={setTyped} rows={16} mono />
          <FileField label={words.file} accept={accept} onText={setTyped} />
          <Faults error={error} />
          <div class="row">
            <Button look="primary" busy={busy} onClick={() => (changed ? setAsking(true) : toast(t.settings.unchanged))}>
              {words.submit}
            </Button>
            {changed && !busy && <Button onClick={() => setTyped(undefined)}>{t.settings.undo}</Button>}
            {busy && <span class="hint">{t.token.holding}</span>}
          </div>
        </>
      )}
      {asking && (
        <Dialog title={words.confirmTitle} onClose={() => setAsking(false)}>
          <p>{words.confirmText}</p>
          <div class="row end">
            <Button onClick={() => setAsking(false)}>{t.common.cancel}</Button>
            <Button look="primary danger" onClick={confirm}>
              {words.submit}
            </Button>
          </div>
        </Dialog>
      )}
    </section>
  );
}

function ProfileSection({ edits, title }: { edits: boolean; title: string }) {
  const loaded = useLoad("profile", async (signal) => (await call<ProfileDocument>("GET", "/v1/profile", { signal })).profile);
  const replace = async (profile: string) => {
    await call("PUT", "/v1/profile", { body: { profile } });
    // Every form goes by it.
    await enter();
  };
  return (
    <Editor id="profile" words={t.settings.profile} loaded={loaded} accept=".toml,application/toml,text/plain" edits={edits} replace={replace}>
      <p class="hint">{t.settings.inUse(title)}</p>
    </Editor>
  );
}

function RoutesSection({ edits }: { edits: boolean }) {
  const loaded = useLoad("routes", async (signal) => JSON.stringify(await call<unknown>("GET", "/v1/routes", { signal }), null, 2));
  const replace = async (text: string) => {
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch (error) {
      const message = t.settings.notJson(error instanceof Error ? error.message : "");
      throw new ApiProblem("invalid_request", 400, { errors: [{ field: "", message }] });
    }
    await call("PUT", "/v1/routes", { body });
  };
  // An organisation that came later has none of its own.
  if (loaded.error instanceof ApiProblem && loaded.error.code === "insufficient_permission") return <Notice tone="accent">{t.settings.routesElsewhere}</Notice>;
  return <Editor id="routes" words={t.settings.routes} loaded={loaded} accept=".json,application/json" edits={edits} replace={replace} />;
}

export function SettingsPage({ me, profile }: Within) {
  const [seesProfile, seesRoutes] = [may(me, "profile:view"), may(me, "routes:view")];
  return (
    <div class="page">
      <PageHead title={t.settings.title} lead={t.settings.lead} />
      {seesProfile && <ProfileSection edits={may(me, "profile:edit")} title={profile.title} />}
      {seesRoutes && <RoutesSection edits={may(me, "routes:edit")} />}
      {!seesProfile && !seesRoutes && <Notice tone="accent">{t.settings.nothing}</Notice>}
    </div>
  );
}
