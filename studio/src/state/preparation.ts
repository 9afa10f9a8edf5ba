/** @file How pictures are prepared for the network, as a person sets it. */
import { batch } from "@preact/signals";
import type { Preprocess } from "gradcam/web";
import { call, inTurn } from "./engine.ts";
import { latest } from "./latest.ts";
import { complain } from "./notices.ts";
import { keepPreparation, preparedByHand } from "./opened.ts";
import { forgetStrokes, lookWithStrokes } from "./pictures.ts";
import * as studio from "./studio.ts";

/** What a person has set so far, while it is being tried. */
let wanted: Preprocess | undefined;
/** Until the engine prepares pictures as the page says. */
let following = Promise.resolve();
const followPreparation = latest(async (how: Preprocess | undefined) => {
  await inTurn(() => prepare(how));
  if (wanted === how) wanted = undefined;
});

/** Has pictures prepared otherwise in some respect; without one, as the model says. */
export function setPreparation(change: Partial<Preprocess> | undefined): void {
  const now = wanted ?? studio.model.value?.inside?.preprocess;
  if (!now) return;
  wanted = change && { ...now, ...change };
  following = followPreparation(wanted);
}

/** What the network cannot take leaves all as it was. */
async function prepare(how: Preprocess | undefined): Promise<void> {
  const { value: before } = studio.model;
  const { value: picture } = studio.shown;
  const { value: kept } = studio.chosen;
  try {
    const info = await call("prepare", how);
    // Tried before it is shown to hold. Strokes are of one input, and this is another.
    const seen = picture && (await call("show", picture));
    forgetStrokes();
    batch(() => {
      studio.model.value = info;
      if (!seen) return;
      studio.patch.value = studio.untouched.value = studio.answer.value = undefined;
      studio.seen.value = seen;
      studio.chosen.value = kept;
    });
    keepPreparation(how);
  } catch (error) {
    complain(error);
    if (!before) return;
    wanted = undefined;
    await call("prepare", preparedByHand());
    if (picture) studio.seen.value = (await lookWithStrokes(picture)).at(-1);
    studio.model.value = { ...before }; // its form shows again what holds
  }
}

export const untilPrepared = (): Promise<void> => following;
