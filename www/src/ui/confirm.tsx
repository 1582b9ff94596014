// A destructive step asks for the passkey anew, unless it was used within the last minutes; whoever has none shows
// themselves at the provider.

import { onConfirm } from "../api/client";
import { useDoing, useLoad } from "../hooks";
import { confirmAtProvider, provider } from "../provider";
import { confirmWithPasskey, confirmsWith } from "../session";
import { createStore, useStore } from "../store";
import { t } from "../text";
import { Button, Dialog, Loading, ProblemNotice } from "./basics";

const asked = createStore<((confirmed: boolean) => void) | undefined>(undefined);

onConfirm(
  () =>
    new Promise((resolve) => {
      asked.get()?.(false);
      asked.set(resolve);
    }),
);

function Question({ answer }: { answer: (confirmed: boolean) => void }) {
  const { busy, error, run } = useDoing();
  const way = useLoad("confirm", async () => {
    const [confirms, found] = await Promise.all([confirmsWith(), provider()]);
    return confirms === "oidc" && found !== undefined ? { at: found.name } : { at: undefined, none: confirms === null };
  });
  const finish = (confirmed: boolean) => {
    asked.set(undefined);
    answer(confirmed);
  };
  const confirm = () =>
    run(async () => {
      if (way.data?.at === undefined) await confirmWithPasskey();
      // The page is left: the step is done once more by who comes back.
      else await confirmAtProvider();
      finish(true);
    });
  return (
    <Dialog title={t.confirm.title} onClose={() => finish(false)}>
      {way.data === undefined && way.error === undefined && <Loading lines={1} />}
      {way.data !== undefined && <p>{way.data.at !== undefined ? t.confirm.providerLead(way.data.at) : way.data.none === true ? t.confirm.noneLead : t.confirm.lead}</p>}
      <ProblemNotice error={error ?? way.error} />
      <div class="row end">
        <Button onClick={() => finish(false)}>{t.common.cancel}</Button>
        {way.data !== undefined && way.data.none !== true && (
          <Button look="primary" busy={busy} onClick={confirm}>
            {way.data.at === undefined ? t.confirm.submit : t.confirm.providerSubmit(way.data.at)}
          </Button>
        )}
      </div>
    </Dialog>
  );
}

export function ConfirmPresence() {
  const answer = useStore(asked);
  return answer === undefined ? null : <Question answer={answer} />;
}
