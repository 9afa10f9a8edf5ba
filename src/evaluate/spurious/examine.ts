/** @file What one network makes of one scene with a planted mark: its answers, and where its maps lie. */

import type { PixelMap } from "../../image/picture.ts";
import { preprocess } from "../../image/preprocess.ts";
import { methodName } from "../../methods/by-name.ts";
import { paint } from "../../scenes/index.ts";
import type { Classifier } from "../../tasks/classify/classification.ts";
import { type Lying, Places } from "./places.ts";
import { type Cue, type Trial, withCue } from "./trial.ts";

/** What the mark tells in the scenes that are shown. */
export const cues = ["right", "wrong", "none"] as const satisfies readonly Cue[];

export interface Shown {
  readonly method: string;
  readonly map: PixelMap;
  readonly blank: boolean;
  readonly lying: Lying;
}

export interface Examined {
  /** Whether the answer is right, by what the mark tells. */
  readonly right: Readonly<Record<(typeof cues)[number], boolean>>;
  /** The answer where the mark tells the right shape, as it does in biased data, and its maps. */
  readonly answer: string;
  readonly maps: readonly Shown[];
}

/** @throws UserError for an unknown method or layer. */
export async function examine(
  classifier: Classifier,
  trial: Trial,
  { methods, layer }: { readonly methods: readonly string[]; readonly layer?: string },
): Promise<Examined> {
  const look = (cue: Cue) => {
    const { picture } = paint(withCue(trial, cue));
    return classifier.classify(preprocess(picture, classifier.preprocess), { layer });
  };
  const looks = { right: await look("right"), wrong: await look("wrong"), none: await look("none") };
  const answers = cues.map((cue) => [cue, classifier.labels.name(looks[cue].ranking[0])] as const);
  const places = new Places(paint(withCue(trial, "right")), trial.object);
  const explanations = await looks.right.explain({ method: methods.map(methodName) });
  return {
    right: Object.fromEntries(answers.map(([cue, answer]) => [cue, answer === trial.shape])) as Examined["right"],
    answer: answers[0][1],
    maps: explanations.map(({ method, onPicture: map, peak, blank }) => ({
      ...{ method, map, blank: blank !== undefined, lying: places.of(map, peak) },
    })),
  };
}
