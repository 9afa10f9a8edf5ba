/** @file What a question takes of memory, looked at before the model has run: with a picture's own sizes, or those that it was opened with. */

import type { MethodChoice } from "../methods/by-name.ts";
import { methodsOf } from "../methods/by-name.ts";
import type { Feeds } from "../onnx/runtime.ts";
import type { Explainer } from "./explainer.ts";
import { checkMaxMemory, checkRun, type Sized } from "./memory.ts";
import { rowBytes } from "./sizes.ts";

/** A question of an explainer, as far as its memory goes. */
export interface Planned {
  readonly method?: MethodChoice | readonly MethodChoice[];
  readonly layer?: string;
  readonly maxMemory?: number;
}

/** Refuses before the model has run what `checkRun` would of one of its pictures. */
export async function checkAsked(
  explainer: Pick<Explainer, "planFor" | "layers" | "reading">,
  feeds: Feeds,
  { method, maxMemory, layer = explainer.layers[0]?.name }: Planned,
): Promise<void> {
  if (maxMemory === undefined) return;
  checkMaxMemory(maxMemory);
  await checkMethods(await explainer.planFor(feeds), explainer, { method, maxMemory, layer });
}

/** The same by the sizes that the model was opened with, where no picture is at hand. */
export async function checkOpened(
  explainer: Explainer,
  { method, maxMemory, layer = explainer.layers[0]?.name }: Planned,
): Promise<void> {
  checkMaxMemory(maxMemory);
  const { model, sized: tensors, score } = explainer;
  const sized = { model, tensors, rowBytes: (to: string) => rowBytes({ model, tensors }, score.name, to) };
  await checkMethods(sized, explainer, { method, maxMemory, layer });
}

async function checkMethods(
  sized: Sized,
  { reading }: Pick<Explainer, "reading">,
  { method, maxMemory, layer }: Planned,
): Promise<void> {
  for (const { space, blackBox } of await methodsOf(method)) {
    const to = space === "layer" ? layer : reading.explained?.name;
    checkRun(sized, maxMemory, { pictures: 1, ...(!blackBox && to !== undefined && { to }) });
  }
}
