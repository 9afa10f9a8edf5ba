/** @file The brush over the picture on the stage. Its strokes are kept with the picture, for a worker that has to begin anew. */
import { batch } from "@preact/signals";
import type { Brush, Dab } from "../engine/contract.ts";
import { call } from "./engine.ts";
import { latest } from "./latest.ts";
import { complain } from "./notices.ts";
import * as studio from "./studio.ts";

/** Touches of the brush that wait for the worker. */
let waiting: { readonly brush: Brush; readonly dabs: Dab[] }[] = [];
/** How often all was cleaned: what the brush did before is of no interest after. */
let cleanings = 0;
const applyBrush = latest(async () => {
  if (waiting.length === 0) return;
  const strokes = waiting;
  const [before, picture] = [cleanings, studio.shown.value];
  waiting = [];
  try {
    const edited = await call("brush", strokes);
    const bitmap = await createImageBitmap(edited.patch);
    if (cleanings === before && studio.shown.value === picture)
      batch(() => {
        studio.untouched.value ??= studio.seen.value;
        studio.patch.value?.close();
        studio.patch.value = bitmap;
        studio.seen.value = edited;
      });
  } catch (error) {
    complain(error);
  }
  if (waiting.length === 0) studio.painting.value = false;
});

/** Until every stroke is in what the network sees. */
export let painted = Promise.resolve();

export function paint(brush: Brush, dabs: readonly Dab[]): void {
  studio.shown.value?.strokes.push({ brush, dabs });
  const last = waiting.at(-1);
  if (last?.brush === brush) last.dabs.push(...dabs);
  else waiting.push({ brush, dabs: [...dabs] });
  studio.painting.value = true;
  painted = applyBrush(undefined);
}

export async function clean(): Promise<void> {
  waiting = [];
  studio.painting.value = false;
  cleanings++;
  if (studio.shown.value) studio.shown.value.strokes.length = 0;
  try {
    const seen = await call("clean", undefined);
    batch(() => {
      studio.patch.value = studio.untouched.value = undefined;
      studio.seen.value = seen;
    });
  } catch (error) {
    complain(error);
  }
}
