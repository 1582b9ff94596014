// Onboarding: a repository's pipeline gets a token with just what it needs, and the snippet to use it.

import { useState } from "preact/hooks";

import { call } from "../api/client";
import type { Onboarded } from "../api/types";
import type { Within } from "../app";
import { useDoing } from "../hooks";
import { navigate } from "../router";
import { t } from "../text";
import { titleOf } from "../tokens/model";
import { Button, Empty, PageHead, ProblemNotice } from "../ui/basics";
import { SelectField, TextField, fault } from "../ui/fields";
import { Once, SecretBox, Snippet } from "../ui/secret";
import { duration } from "../ui/time";

export function OnboardingPage({ profile }: Within) {
  const kind = profile.kinds.find((one) => one.onboarding !== null);
  const [repository, setRepository] = useState("");
  const [service, setService] = useState("");
  const [done, setDone] = useState<Onboarded | undefined>(undefined);
  const { busy, error, run } = useDoing();
  if (kind?.onboarding == null) {
    return (
      <div class="page narrow">
        <PageHead title={t.onboarding.title} />
        <div class="card">
          <Empty icon="onboarding" title={t.onboarding.title}>
            {t.onboarding.none}
          </Empty>
        </div>
      </div>
    );
  }
  const least = kind.onboarding;
  if (done !== undefined) {
    return (
      <div class="page narrow">
        <PageHead title={t.onboarding.doneTitle} lead={done.token.name} />
        <div class="card">
          <Once done={t.create.done} onDone={() => navigate(`/tokens/${done.token.id}`)}>
            <h2>{t.onboarding.storeAs(done.variable)}</h2>
            <SecretBox text={done.secret} label={t.once.secret} />
            <Snippet label={t.onboarding.snippet} text={done.snippet} />
          </Once>
        </div>
      </div>
    );
  }
  const submit = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    run(async () => {
      const body = { ...(repository.trim() !== "" && { repository: repository.trim() }), ...(service !== "" && { service }) };
      setDone(await call<Onboarded>("POST", "/v1/onboarding", { body }));
    });
  };
  const length = least.expires_seconds ?? kind.expiry.default_seconds;
  return (
    <div class="page narrow">
      <PageHead title={t.onboarding.title} lead={t.onboarding.lead} />
      <form class="card stack" onSubmit={submit}>
        <TextField label={t.onboarding.repository} hint={t.onboarding.repositoryHint} value={repository} onInput={setRepository} error={fault(error, "repository")} required maxLength={200} />
        {kind.service && (
          <SelectField
            label={t.onboarding.service}
            value={service}
            onChange={setService}
            error={fault(error, "service")}
            options={[{ value: "", text: t.onboarding.noService }, ...profile.services.map((one) => ({ value: one.name, text: one.title }))]}
          />
        )}
        <h2>{t.onboarding.gets}</h2>
        <dl class="facts">
          <dt>{t.onboarding.kind}</dt>
          <dd>{kind.title}</dd>
          <dt>{t.onboarding.may}</dt>
          <dd>
            <span class="tags">
              {[...(least.scopes ?? []).map((name) => titleOf(profile.scopes, name)), ...(least.permissions ?? []), ...(least.role === undefined ? [] : [least.role])].map((text) => (
                <span class="tag" key={text}>
                  {text}
                </span>
              ))}
            </span>
          </dd>
          <dt>{t.onboarding.expires}</dt>
          <dd>{length === undefined ? t.onboarding.expiresNever : t.onboarding.expiresIn(duration(length))}</dd>
        </dl>
        <ProblemNotice error={error} shown={["repository", "service"]} />
        <div>
          <Button type="submit" look="primary" busy={busy}>
            {t.onboarding.submit}
          </Button>
        </div>
      </form>
    </div>
  );
}
