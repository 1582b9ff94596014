// What is shown once: a secret, recovery codes, a private key. Leaving before it was stored asks first.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import type { WrittenKey } from "../keys/p256";
import { leaveFreely, useLeaveGuard } from "../router";
import { t } from "../text";
import { Button, CopyButton, DownloadButton, Notice } from "./basics";
import { Check } from "./fields";

export function SecretBox({ text, label, file, copy = t.once.copy }: { text: string; label: string; file?: string; copy?: string }) {
  return (
    <div class="secret">
      <span class="hint">{label}</span>
      <pre data-secret tabIndex={0} aria-label={label}>
        {text}
      </pre>
      <div class="row">
        <CopyButton text={text} look="primary" label={copy} />
        {file !== undefined && <DownloadButton text={`${text}\n`} name={file} />}
      </div>
    </div>
  );
}

export function Snippet({ text, label, hint }: { text: string; label: string; hint?: string }) {
  return (
    <div class="stack tight">
      <h2>{label}</h2>
      {hint !== undefined && <p class="hint">{hint}</p>}
      <pre class="code" tabIndex={0} aria-label={label}>
        {text}
      </pre>
      <div class="row">
        <CopyButton text={text} look="small" />
      </div>
    </div>
  );
}

const FORMS = ["pem", "jwk", "hex", "ci"] as const;

/** A private key that nobody keeps: in every form that its users read. */
export function PrivateKeyBox({ written, variable, name }: { written: WrittenKey; variable: string; name: string }) {
  const [form, setForm] = useState<(typeof FORMS)[number]>("pem");
  const text = form === "ci" ? t.once.ciKey(variable) : written[form];
  /** The arrows go from tab to tab, and Tab goes on to what the tab shows. */
  const go = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = FORMS[(FORMS.indexOf(form) + step + FORMS.length) % FORMS.length] ?? form;
    setForm(next);
    document.getElementById(`form-${next}`)?.focus();
  };
  return (
    <div class="secret">
      <div class="tabs" role="tablist" aria-label={t.once.keyForms} onKeyDown={go}>
        {FORMS.map((one) => (
          <button
            key={one}
            type="button"
            role="tab"
            id={`form-${one}`}
            aria-selected={form === one}
            aria-controls="form-text"
            tabIndex={form === one ? 0 : -1}
            onClick={() => setForm(one)}
          >
            {t.once.forms[one]}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="form-text" aria-labelledby={`form-${form}`}>
        <pre data-secret tabIndex={0} aria-label={t.once.forms[form]}>
          {text}
        </pre>
      </div>
      <div class="row">
        <CopyButton text={text} look="primary" />
        {form !== "ci" && <DownloadButton text={text} name={`${name}.${form === "jwk" ? "jwk.json" : form}`} />}
      </div>
    </div>
  );
}

/** Keeps the page until the person says that it is stored. */
export function Once({ children, onDone, done }: { children: ComponentChildren; onDone: () => void; done: string }) {
  const [stored, setStored] = useState(false);
  const [asked, setAsked] = useState(false);
  useLeaveGuard(!stored, t.once.leave);
  const finish = () => {
    if (stored) {
      leaveFreely();
      onDone();
    } else setAsked(true);
  };
  return (
    <div class="stack">
      {children}
      <Check checked={stored} onChange={setStored}>
        {t.once.stored}
      </Check>
      {asked && !stored && <Notice tone="warn" title={t.once.first} live />}
      <div class="row">
        <Button look="primary" onClick={finish}>
          {done}
        </Button>
      </div>
    </div>
  );
}
