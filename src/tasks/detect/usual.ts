/** @file How pictures of a detector are prepared where nobody says it: as the head's kind of network usually wants them. */

import type { UsualPreparation } from "../formats/ultralytics.ts";
import type { Head } from "./head.ts";

const unit = { mean: 0, std: 1 } as const;

export function usualFor({ kind }: Head): UsualPreparation {
  const known = {
    dense: { ...unit, fit: "letterbox" },
    cells: { scale: 255, channels: "bgr", fit: "letterbox" },
    rows: { ...unit, fit: "letterbox" },
    list: { ...unit, fit: "stretch" },
    pair: { fit: "stretch" },
  } as const;
  const words = {
    dense: "0 to 1, whole with a grey border",
    cells: "0 to 255, BGR, whole with a grey border, as YOLOX",
    rows: "0 to 1, whole with a grey border",
    list: "0 to 1, stretched",
    pair: "as for most ImageNet models, stretched",
  }[kind];
  return {
    known: known[kind],
    words,
    because: "most detectors of its kind are fed so, and the model does not specify it",
    guess: true,
  };
}
