/**
 * @file Random weights: the control of the CAM family. L = ReLU( sum_k w_k A_k ) with w_k uniform in [-1, 1), from a seed.
 *
 * What a map of this method shows is the layer's, and no explanation: a method whose maps are no better says nothing of the class.
 */
import { randomFor } from "../array/random.ts";
import { UserError } from "../errors.ts";
import { classBlind, sumOverChannels } from "./layer-map.ts";
import type { Method } from "./method.ts";
import { signOption, wholeOption } from "./options.ts";
import { bySign, camMaps, type SignedMaps } from "./signed-maps.ts";

const made = new Map<number, SignedMaps>();

/** Graphs are kept by their maps: those of a seed are made once. */
function mapsOf(seed: number): SignedMaps {
  const known = made.get(seed);
  if (known) return known;
  const maps = classBlind(
    bySign((parts, part) => {
      const { build, a } = parts;
      const channels = a.dims?.[1] ?? -1;
      if (channels < 0)
        throw new UserError("invalid-option", "invalid layer: random weights need to know how many channels it has");
      const random = randomFor("random-cam", seed);
      const weights = Array.from({ length: channels }, () => 2 * random.uniform() - 1);
      return part(sumOverChannels(parts, build.floats(weights, [1, 1, channels], a.type)));
    }),
  );
  made.set(seed, maps);
  return maps;
}

export const randomCam: Method<"random"> = {
  name: "random",
  title: "Random weights",
  summary: "The layer's channels with random weights: a control, which shows what a map has without any class.",
  paper: "Adebayo et al. 2018, https://arxiv.org/abs/1810.03292",
  family: "control",
  cost: "1",
  options: [signOption, { ...wholeOption("seed", 0, 0), compiles: true }],
  classIndependent: true,
  space: "layer",
  ...camMaps(({ seed }) => mapsOf(seed)),
};
