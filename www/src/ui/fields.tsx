// Fields of forms: a name, what it is for, the control, and what is wrong with it, tied together for every reader.

import type { ComponentChildren, InputHTMLAttributes } from "preact";
import { useId } from "preact/hooks";

import { ApiProblem } from "../api/problem";
import { t } from "../text";

interface Common {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly error?: string | undefined;
  readonly required?: boolean;
}

interface TextProps extends Common {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly type?: "text" | "email" | "password" | "search" | "datetime-local" | "date" | "url" | "number";
  readonly autocomplete?: string;
  readonly placeholder?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly rows?: number;
  readonly mono?: boolean;
  readonly min?: string;
  readonly max?: string;
  readonly look?: string;
}

/** What a problem says of a field. */
export function fault(error: unknown, field: string): string | undefined {
  if (!(error instanceof ApiProblem)) return undefined;
  const found = error.errors.filter((one) => one.field === field || one.field.startsWith(`${field}[`) || one.field.startsWith(`${field}.`));
  return found.length === 0 ? undefined : found.map(({ message }) => message).join("; ");
}

function Name({ label, required }: { label: string; required?: boolean | undefined }) {
  return (
    <>
      {label}
      {required === true && (
        <span class="required" aria-hidden="true">
          {" *"}
        </span>
      )}
    </>
  );
}

function described(id: string, hint: unknown, error: string | undefined): string | undefined {
  const ids = [hint !== undefined && `${id}-hint`, error !== undefined && `${id}-error`].filter(Boolean);
  return ids.length === 0 ? undefined : ids.join(" ");
}

function Around({ id, hint, error }: { id: string; hint?: ComponentChildren; error?: string | undefined }) {
  return (
    <>
      {hint !== undefined && (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {error !== undefined && (
        <span class="error-text" id={`${id}-error`} role="alert">
          {error}
        </span>
      )}
    </>
  );
}

export function TextField(props: TextProps) {
  const id = useId();
  const { label, hint, error, required = false, value, onInput, type = "text", rows, mono = false, look = "" } = props;
  const common = {
    id,
    value,
    required,
    placeholder: props.placeholder,
    minLength: props.minLength,
    maxLength: props.maxLength,
    autocomplete: props.autocomplete ?? "off",
    spellcheck: false,
    "aria-invalid": error !== undefined,
    "aria-describedby": described(id, hint, error),
  };
  return (
    <div class={`field ${look}`}>
      <label for={id}>
        <Name label={label} required={required} />
      </label>
      {rows === undefined ? (
        // The library has a type of its own for each type of input; which one this is, is not known here.
        <input
          {...({ ...common, type } as InputHTMLAttributes<HTMLInputElement>)}
          class={`input ${mono ? "mono" : ""}`}
          min={props.min}
          max={props.max}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      ) : (
        <textarea {...common} class={`textarea ${mono ? "mono" : ""}`} rows={rows} onInput={(event) => onInput(event.currentTarget.value)} />
      )}
      <Around id={id} hint={hint} error={error} />
    </div>
  );
}

/** A file of text, read in this browser. */
export function FileField({ label, hint, accept, onText }: { label: string; hint?: string; accept: string; onText: (text: string) => void }) {
  const id = useId();
  const read = (input: HTMLInputElement) => void input.files?.[0]?.text().then(onText);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} class="input" type="file" accept={accept} aria-describedby={described(id, hint, undefined)} onChange={(event) => read(event.currentTarget)} />
      <Around id={id} hint={hint} />
    </div>
  );
}

export interface Option {
  readonly value: string;
  readonly text: string;
  /** Under which heading it stands. */
  readonly group?: string;
}

interface SelectProps extends Common {
  readonly value: string;
  readonly options: readonly Option[];
  readonly onChange: (value: string) => void;
}

function Options({ options, value }: { options: readonly Option[]; value: string }) {
  return (
    <>
      {options.map((option) => (
        <option key={option.value} value={option.value} selected={option.value === value}>
          {option.text}
        </option>
      ))}
    </>
  );
}

export function SelectField({ label, hint, error, required = false, value, options, onChange }: SelectProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>
        <Name label={label} required={required} />
      </label>
      <select
        id={id}
        class="select"
        value={value}
        required={required}
        aria-invalid={error !== undefined}
        aria-describedby={described(id, hint, error)}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        <Options options={options.filter(({ group }) => group === undefined)} value={value} />
        {[...new Set(options.flatMap(({ group }) => group ?? []))].map((group) => (
          <optgroup key={group} label={group}>
            <Options options={options.filter((option) => option.group === group)} value={value} />
          </optgroup>
        ))}
      </select>
      <Around id={id} hint={hint} error={error} />
    </div>
  );
}

export function Check({ checked, onChange, children, required = false }: { checked: boolean; onChange: (checked: boolean) => void; children: ComponentChildren; required?: boolean }) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} required={required} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{children}</span>
    </label>
  );
}

interface ChoiceProps {
  readonly type: "radio" | "checkbox";
  readonly name: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly title: ComponentChildren;
  readonly children?: ComponentChildren;
}

/** One of several, with room to explain it. */
export function Choice({ type, name, checked, onChange, title, children }: ChoiceProps) {
  return (
    <label class="choice">
      <input type={type} name={name} checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span class="choice-text">
        <span class="row">
          <strong>{title}</strong>
        </span>
        {children !== undefined && <span class="hint">{children}</span>}
      </span>
    </label>
  );
}

export function Group({ label, hint, error, required = false, children }: Common & { children: ComponentChildren }) {
  const id = useId();
  return (
    <fieldset class="field" aria-describedby={described(id, hint, error)}>
      <legend class="field-name">
        <Name label={label} required={required} />
      </legend>
      <Around id={id} hint={hint} error={error} />
      {children}
    </fieldset>
  );
}

export function RequiredNote() {
  return (
    <p class="hint">
      <span class="required" aria-hidden="true">
        *
      </span>{" "}
      {t.common.requiredNote}
    </p>
  );
}
