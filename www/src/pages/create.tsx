// Creating a token: what the kind has, and nothing else; and then, once, what proves it.

import { useEffect, useState } from "preact/hooks";
import { exportKey, generateKeyPair, signChallenge } from "symbolon/webcrypto";

import { call } from "../api/client";
import { ApiProblem } from "../api/problem";
import type { CreatedToken, Kind, Profile } from "../api/types";
import type { Within } from "../app";
import { sentence } from "../explain";
import { useDoing } from "../hooks";
import * as kept from "../keys/kept";
import * as p256 from "../keys/p256";
import { navigate } from "../router";
import { t } from "../text";
import { ExpiryField, type Expiry, expiryAt, firstExpiry } from "../tokens/expiry";
import { GrantFields } from "../tokens/grants";
import { type Choice as Granted, cautions, firstChoice, isEmpty, titleOf, variableOf } from "../tokens/model";
import { Badge, Button, Notice, PageHead, ProblemNotice } from "../ui/basics";
import { Check, Choice, Group, RequiredNote, SelectField, TextField, fault } from "../ui/fields";
import { Once, PrivateKeyBox, SecretBox, Snippet } from "../ui/secret";

type Proof = "bearer" | "download" | "keep" | "paste";

interface Challenge {
  readonly challenge: string;
  readonly expires_at: string;
}

interface Made {
  readonly created: CreatedToken;
  readonly proof: Proof;
  readonly written?: p256.WrittenKey;
}

const challenge = () => call<Challenge>("POST", "/v1/keys/challenge", { body: {} });

/** Makes a key in this browser and shows the server that its private half is here: by a signature, never by itself. */
async function register(extractable: boolean): Promise<{ keys: CryptoKeyPair; public_key: string; proof: object }> {
  const keys = await generateKeyPair({ extractable });
  const { challenge: text } = await challenge();
  const signature = await signChallenge(keys, text);
  return { keys, public_key: await exportKey(keys.publicKey, "hex"), proof: { challenge: text, signature } };
}

function Pasted({ publicKey, onKey, asked, onAsked, signature, onSignature, error }: {
  publicKey: string;
  onKey: (text: string) => void;
  asked: string;
  onAsked: (text: string) => void;
  signature: string;
  onSignature: (text: string) => void;
  error: unknown;
}) {
  const asking = useDoing();
  return (
    <div class="stack">
      <TextField label={t.create.publicKey} hint={t.create.publicKeyHint} value={publicKey} onInput={onKey} error={fault(error, "public_key")} rows={4} mono required />
      {asked === "" ? (
        <div>
          <Button busy={asking.busy} onClick={() => asking.run(async () => onAsked((await challenge()).challenge))}>
            {t.create.challengeGet}
          </Button>
          <ProblemNotice error={asking.error} />
        </div>
      ) : (
        <>
          <p class="hint">{t.create.challengeText}</p>
          <Snippet label={t.create.challenge} text={`printf %s '${asked}' | openssl dgst -sha256 -sign private.pem | base64 -w0`} />
          <TextField label={t.create.signature} hint={t.create.signatureHint} value={signature} onInput={onSignature} error={fault(error, "proof")} rows={2} mono required />
        </>
      )}
    </div>
  );
}

const FIELDS = ["name", "description", "service", "scopes", "permissions", "grants", "role", "expires_at", "passphrase", "public_key", "proof"];

function Form({ kind, profile, organization, onMade }: { kind: Kind; profile: Profile; organization: string; onMade: (made: Made) => void }) {
  const proofs: Proof[] = [
    ...(kind.proofs.includes("bearer") ? (["bearer"] as const) : []),
    ...(kind.proofs.includes("signature") ? (["download", "keep", "paste"] as const) : []),
  ];
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [service, setService] = useState("");
  const [choice, setChoice] = useState<Granted>(firstChoice(kind));
  const [expiry, setExpiry] = useState<Expiry>(firstExpiry(kind, new Date()));
  const [proof, setProof] = useState<Proof>(proofs[0] ?? "bearer");
  const [publicKey, setPublicKey] = useState("");
  const [asked, setAsked] = useState("");
  const [signature, setSignature] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const [inactive, setInactive] = useState(false);
  const [confirmed, setConfirmed] = useState<readonly string[]>([]);
  const { busy, error, run } = useDoing();

  // What the token gets where nothing is chosen is confirmed, and looked at like a choice.
  const silent = isEmpty(choice) && kind.default_grant !== null ? kind.default_grant : undefined;
  const granted = silent === undefined ? choice : { ...choice, scopes: [silent] };
  const warnings = [
    ...(silent === undefined ? [] : [t.create.confirmDefault(titleOf(profile.scopes, silent))]),
    ...cautions(profile, kind, granted, expiry.type !== "never", passphrase !== ""),
  ];
  const { pattern } = kind.naming;
  const nameHint = [
    t.create.nameHint(kind.naming.min, kind.naming.max),
    ...(pattern == null ? [] : [t.create.namePattern(pattern.first, pattern.middle, pattern.last)]),
  ].join(" ");

  /** What the form can see by itself. */
  const missing = (): ApiProblem | undefined => {
    const errors: { field: string; message: string }[] = [];
    const nothing = isEmpty(choice) && kind.default_grant === null;
    const needs = { any: nothing, scopes: choice.scopes.length === 0 && kind.default_grant === null, permissions: choice.permissions.length === 0, role: choice.role === "", nothing: false }[kind.needed];
    if (needs) {
      const first = kind.needed === "any" ? (["scopes", "permissions", "role", "grants"] as const).find((part) => ({ scopes: kind.scopes, permissions: kind.permissions, role: kind.roles, grants: kind.families })[part].length > 0) : kind.needed;
      errors.push({ field: first ?? "", message: t.create.needed[kind.needed] });
    }
    if (proof === "paste" && asked === "") errors.push({ field: "public_key", message: t.create.needChallenge });
    if (proof === "paste" && asked !== "" && p256.readSignature(signature) === undefined) errors.push({ field: "proof", message: t.create.signatureWrong });
    return errors.length === 0 ? undefined : new ApiProblem("invalid_request", 400, { errors });
  };

  const submit = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    run(async () => {
      const problem = missing();
      if (problem !== undefined) throw problem;
      const expires_at = expiryAt(expiry, new Date());
      const made = proof === "download" || proof === "keep" ? await register(proof === "download") : undefined;
      const pasted = proof === "paste" ? { public_key: publicKey.trim(), proof: { challenge: asked, signature: p256.readSignature(signature) ?? "" } } : {};
      const body = {
        kind: kind.name,
        ...(name.trim() !== "" && { name: name.trim() }),
        ...(description.trim() !== "" && { description: description.trim() }),
        ...(service !== "" && { service }),
        ...(choice.scopes.length > 0 && { scopes: choice.scopes }),
        ...(choice.permissions.length > 0 && { permissions: choice.permissions }),
        ...(choice.grants.length > 0 && { grants: choice.grants }),
        ...(choice.role !== "" && { role: choice.role }),
        expires_at,
        ...(passphrase !== "" && { passphrase }),
        ...(inactive && { active: false }),
        ...(made !== undefined && { public_key: made.public_key, proof: made.proof }),
        ...pasted,
      };
      // Kept before its token is made: a browser that keeps nothing must not leave a token behind that nobody can use.
      const keyid = made !== undefined && proof === "keep" ? await kept.keep(organization, made.keys) : undefined;
      const created = await call<CreatedToken>("POST", "/v1/tokens", { body }).catch(async (refused: unknown) => {
        if (keyid !== undefined && refused instanceof ApiProblem && refused.status !== 0) await kept.forget(keyid);
        throw refused;
      });
      const written = made !== undefined && proof === "download" ? await p256.write(made.keys) : undefined;
      onMade({ created, proof, ...(written !== undefined && { written }) });
    });
  };

  return (
    <form class="stack" onSubmit={submit}>
      <RequiredNote />
      <section class="card stack" aria-labelledby="about">
        <h2 id="about">{t.create.about}</h2>
        <TextField
          label={t.create.name}
          hint={nameHint}
          value={name}
          onInput={setName}
          error={fault(error, "name")}
          required={kind.naming.default == null}
          minLength={kind.naming.min}
          maxLength={kind.naming.max}
          {...(kind.naming.default != null && { placeholder: kind.naming.default })}
        />
        {kind.describing.max > 0 && (
          <TextField label={t.create.description} value={description} onInput={setDescription} error={fault(error, "description")} maxLength={kind.describing.max} rows={2} />
        )}
        {kind.service && (
          <SelectField
            label={t.create.service}
            value={service}
            onChange={setService}
            error={fault(error, "service")}
            options={[{ value: "", text: t.common.none }, ...profile.services.map((one) => ({ value: one.name, text: one.title }))]}
          />
        )}
      </section>
      <section class="card stack" aria-labelledby="may">
        <h2 id="may">{t.create.may}</h2>
        <p class="hint">
          {kind.default_grant === null ? t.create.needed[kind.needed] : t.create.byDefault(titleOf(profile.scopes, kind.default_grant))}{" "}
          {t.create.ceilings[kind.ceiling]}
        </p>
        <GrantFields profile={profile} kind={kind} value={choice} onChange={setChoice} error={error} parts={["scopes", "role", "permissions", "grants"]} />
      </section>
      <section class="card stack">
        <ExpiryField kind={kind} value={expiry} onChange={setExpiry} error={fault(error, "expires_at")} />
      </section>
      {proofs.length > 1 && (
        <section class="card stack">
          <Group label={t.create.proof} required>
            <div class="choices">
              {proofs.map((one) => (
                <Choice key={one} type="radio" name="proof" checked={proof === one} onChange={() => setProof(one)} title={t.create.proofs[one][0]}>
                  {t.create.proofs[one][1]}
                </Choice>
              ))}
            </div>
          </Group>
          {proof === "paste" && (
            <Pasted publicKey={publicKey} onKey={setPublicKey} asked={asked} onAsked={setAsked} signature={signature} onSignature={setSignature} error={error} />
          )}
        </section>
      )}
      {(kind.passphrase !== null || kind.create_inactive) && (
        <section class="card stack" aria-labelledby="more">
          <h2 id="more">{t.create.more}</h2>
          {kind.passphrase !== null && (
            <TextField
              label={t.create.passphrase}
              hint={t.create.passphraseHint(kind.passphrase.min, kind.passphrase.max)}
              type="password"
              value={passphrase}
              onInput={setPassphrase}
              error={fault(error, "passphrase")}
              minLength={kind.passphrase.min}
              maxLength={kind.passphrase.max}
              autocomplete="new-password"
            />
          )}
          {kind.create_inactive && (
            <Check checked={inactive} onChange={setInactive}>
              {t.create.inactive}
              <span class="hint"> {t.create.inactiveHint}</span>
            </Check>
          )}
        </section>
      )}
      {warnings.length > 0 && (
        <section class="notice warn">
          <span />
          <Group label={t.create.cautions} required>
            <div class="stack tight">
              {warnings.map((text) => (
                <Check key={text} required checked={confirmed.includes(text)} onChange={(on) => setConfirmed(on ? [...confirmed, text] : confirmed.filter((one) => one !== text))}>
                  {text}
                </Check>
              ))}
            </div>
          </Group>
        </section>
      )}
      <ProblemNotice error={error} shown={FIELDS} />
      <div class="row">
        <Button type="submit" look="primary" busy={busy}>
          {t.create.submit}
        </Button>
        {busy && <span class="hint">{t.create.creating}</span>}
      </div>
    </form>
  );
}

function Done({ made, kind, organization }: { made: Made; kind: Kind; organization: string }) {
  const { token, secret } = made.created;
  const done = () => navigate(`/tokens/${token.id}`, { replace: true });
  const variable = variableOf(kind);
  const keyid = token.fingerprint === null ? undefined : `${organization}.${token.fingerprint}`;
  const stored = made.written !== undefined || secret !== undefined;
  const content = (
    <>
      {secret !== undefined && (
        <>
          <SecretBox text={secret} label={t.once.secret} />
          <Snippet label={t.once.use} hint={t.once.useHint(variable)} text={t.once.useCurl(window.location.origin, variable)} />
        </>
      )}
      {made.written !== undefined && (
        <>
          <Notice tone="warn" title={t.once.privateKey}>
            {t.once.privateKeyNote}
          </Notice>
          <PrivateKeyBox written={made.written} variable={variable} name={token.name.replace(/[^A-Za-z0-9._-]+/g, "-")} />
        </>
      )}
      {made.proof === "keep" && <Notice tone="good" title={t.once.keyKept} />}
      {made.proof === "paste" && <Notice tone="good" title={t.once.keyPasted} />}
      {keyid !== undefined && (
        <dl class="facts">
          <dt>{t.once.keyid}</dt>
          <dd class="mono">{keyid}</dd>
        </dl>
      )}
    </>
  );
  return (
    <div class="page narrow">
      <PageHead title={t.create.doneTitle} lead={token.name} />
      <div class="card">
        {stored ? (
          <Once onDone={done} done={t.create.done}>
            {content}
          </Once>
        ) : (
          <div class="stack">
            {content}
            <div>
              <Button look="primary" onClick={done}>
                {t.create.done}
              </Button>
            </div>
          </div>
        )}
      </div>
    </div>
  );
}

export function CreatePage({ me, profile, query }: Within & { query: URLSearchParams }) {
  const creatable = profile.kinds.filter(({ can_create }) => can_create);
  const [name, setName] = useState(query.get("kind") ?? creatable[0]?.name ?? "");
  const [made, setMade] = useState<Made | undefined>(undefined);
  const kind = creatable.find((one) => one.name === name) ?? creatable[0];
  useEffect(() => {
    if (made !== undefined) window.scrollTo(0, 0);
  }, [made]);
  if (kind === undefined) {
    return (
      <div class="page narrow">
        <PageHead title={t.create.title} back={{ href: "/tokens", text: t.create.back }} />
        <Notice tone="warn" title={t.create.noKind} />
      </div>
    );
  }
  if (made !== undefined) return <Done made={made} kind={kind} organization={me.organization.short_id} />;
  return (
    <div class="page narrow">
      <PageHead title={t.create.title} back={{ href: "/tokens", text: t.create.back }} />
      {profile.kinds.length > 1 && (
        <section class="card stack">
          <Group label={t.create.kind} required>
            <div class="choices">
              {creatable.map((one) => (
                <Choice key={one.name} type="radio" name="kind" checked={one === kind} onChange={() => setName(one.name)} title={one.title}>
                  {sentence(one.description)}
                  {one.recommended_for.length > 0 && (
                    <span class="tags made-for">
                      {t.create.recommended}{" "}
                      {one.recommended_for.map((text) => (
                        <Badge key={text}>{text}</Badge>
                      ))}
                    </span>
                  )}
                </Choice>
              ))}
            </div>
          </Group>
        </section>
      )}
      <Form key={kind.name} kind={kind} profile={profile} organization={me.organization.short_id} onMade={setMade} />
    </div>
  );
}
