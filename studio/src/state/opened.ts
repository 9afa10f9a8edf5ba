/** @file The model that the page shows as open, and how a person has pictures prepared for it. */
import { batch } from "@preact/signals";
import type { Preprocess } from "gradcam/web";
import type { ModelInfo } from "../engine/contract.ts";
import { forgetStrokes } from "./pictures.ts";
import * as studio from "./studio.ts";

/** How pictures are prepared, where a person says so. */
let byHand: Preprocess | undefined;

export const preparedByHand = (): Preprocess | undefined => byHand;

export function keepPreparation(how: Preprocess | undefined): void {
  byHand = how;
}

/** @param how a person has pictures prepared for it */
export function opened(info: ModelInfo, how?: Preprocess): void {
  keepPreparation(how);
  forgetStrokes();
  batch(() => {
    // What a box's map is made by unless told, and a class's.
    const [was, is] = [studio.model.value, info].map((one) => (one?.detects ? "hires-cam" : "grad-cam"));
    if (studio.method.value === was) studio.method.value = is;
    const known = info.layers.some(({ name }) => name === studio.layer.value);
    studio.model.value = info;
    studio.seen.value = studio.answer.value = studio.chosen.value = studio.hovered.value = undefined;
    studio.patch.value = studio.untouched.value = undefined;
    if (!known) studio.layer.value = undefined;
  });
}
