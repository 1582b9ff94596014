// A destructive step asks for the passkey anew, unless it was used within the last minutes.

import { useEffect } from "preact/hooks";

import { onConfirm } from "../api/client";
import { useDoing } from "../hooks";
import { confirmWithPasskey } from "../session";
import { createStore, useStore } from "../store";
import { t } from "../text";
import { Button, Dialog, ProblemNotice } from "./basics";

const asked = createStore<((confirmed: boolean) => void) | undefined>(undefined);

onConfirm(
  () =>
    new Promise((resolve) => {
      asked.get()?.(false);
      asked.set(resolve);
    }),
);

export function ConfirmPasskey() {
  const answer = useStore(asked);
  const { busy, error, run, clear } = useDoing();
  useEffect(clear, [answer]);
  if (answer === undefined) return null;
  const finish = (confirmed: boolean) => {
    asked.set(undefined);
    answer(confirmed);
  };
  const confirm = () =>
    run(async () => {
      await confirmWithPasskey();
      finish(true);
    });
  return (
    <Dialog title={t.confirm.title} onClose={() => finish(false)}>
      <p>{t.confirm.lead}</p>
      <ProblemNotice error={error} />
      <div class="row end">
        <Button onClick={() => finish(false)}>{t.common.cancel}</Button>
        <Button look="primary" busy={busy} onClick={confirm}>
          {t.confirm.submit}
        </Button>
      </div>
    </Dialog>
  );
}
