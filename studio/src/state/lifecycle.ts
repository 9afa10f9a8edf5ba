/** @file The engine's life: it is started, and what dies is replaced by another that takes up where it was. */
import { UserError } from "gradcam";
import { WorkerLost } from "../engine/client.ts";
import { giveUp, launch, local, untilReady } from "./engine.ts";
import { begin } from "./model.ts";
import { complain, tell } from "./notices.ts";
import { opened, preparedByHand } from "./opened.ts";
import { lookAgain, lookAtGiven, lookWithStrokes, place } from "./pictures.ts";
import * as studio from "./studio.ts";

const restorers: (() => Promise<void>)[] = [];
/** What another worker is to be given beside model and picture, before it is asked. */
export const onRevival = (restore: () => Promise<void>): number => restorers.push(restore);

/** Whether graphics devices were lost so often that none is asked for any more. */
let withoutDevice = false;

/** From nothing: on the first visit, and where that failed. */
export async function start(): Promise<void> {
  launch((...lost) => void revive(...lost));
  try {
    opened(await untilReady(begin(withoutDevice)));
    lookAgain();
  } catch (error) {
    // A worker does not ask again for a script that it could not have; another one does.
    if (/dynamically imported/.test(String(error)) && ++losses <= mostLosses) {
      await pause(losses);
      return start();
    }
    losses = 0;
    complain(error, { again: () => void start() });
  }
}

const pause = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

/** Losses since the last answer: what kills every worker is not tried for ever. */
let losses = 0;
const mostLosses = 3;
let lastLoss = 0;

/** The worker answers: what killed the ones before it is over. */
export function isAlive(): void {
  losses = 0;
}

/** The worker died, or its graphics device was lost: another one takes up where it was. */
async function revive(answered: boolean, device = false): Promise<void> {
  if (performance.now() - lastLoss > 60_000) losses = 0;
  lastLoss = performance.now();
  const attempt = ++losses;
  const again = () => {
    losses = 0;
    void revive(answered, device);
  };
  if (attempt > mostLosses) {
    giveUp(again);
    const why = answered
      ? new UserError("too-large", "too large: the engine stopped again and again")
      : new UserError("missing-file", "missing engine: its script cannot be fetched");
    complain(why, { again });
    return;
  }
  withoutDevice ||= device && attempt > 1;
  launch((alive, lost) => void revive(alive || answered, lost));
  if (answered)
    tell(
      device
        ? "The graphics device was lost: the engine was started again"
        : "The engine stopped and was started again",
      `${device ? "" : "The browser may have run out of memory. "}Nothing you chose is lost: model, picture, question and strokes are there again; a test that was running has to be started anew.`,
    );
  try {
    await untilReady(
      (async () => {
        await pause(attempt - 1);
        await takeUp();
      })(),
    );
    void lookAtGiven(undefined); // what was given meanwhile
  } catch (error) {
    if (!(error instanceof WorkerLost)) complain(error, { again });
  }
  studio.loading.value = undefined;
}

/** Gives a new worker what the old one had. What is on the page stays as it is meanwhile. */
async function takeUp(): Promise<void> {
  let info = await begin(withoutDevice);
  const byHand = preparedByHand();
  if (byHand) info = await local("prepare", byHand);
  for (const restore of restorers) await restore();
  if (studio.sentTo.value !== undefined) return; // the page shows the server's answers
  if (!studio.model.value) return opened(info);
  studio.model.value = info;
  const { shown, seen, chosen } = studio;
  if (!shown.value || !seen.value) return;
  const [whole, edited] = await lookWithStrokes(shown.value, local);
  await place(shown.value, whole, edited, chosen.value);
}
