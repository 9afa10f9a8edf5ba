/**
 * @file Class activation maps: what the maps at a layer share that end in a rectifier, L = ReLU(S). Which part of S is shown is an option:
 * positive ReLU(S), negative ReLU(-S), absolute |S|, signed S.
 */
import type { Builder, Value } from "../onnx/build.ts";
import { placewise } from "./layer-map.ts";
import type { LayerMap, LayerParts, Method, MethodOptions, Reweigh, Sign } from "./method.ts";
import { signOption } from "./options.ts";

/** A map for each sign. Graphs are kept by their maps, so each is made once. */
export type SignedMaps = Readonly<Record<Sign, LayerMap>>;

const parts: Readonly<Record<Sign, (build: Builder, value: Value) => Value>> = {
  positive: (build, value) => build.relu(value),
  negative: (build, value) => build.relu(build.neg(value)),
  absolute: (build, value) => build.abs(value),
  signed: (_, value) => value,
};

/** The part of a tensor of signed values. */
export const signedPart = (build: Builder, value: Value, sign: Sign): Value => parts[sign](build, value);

/**
 * The maps of every sign.
 * @param map builds one, with what takes the part of a signed value
 */
export const bySign = (map: (parts: LayerParts, part: (value: Value) => Value) => Value): SignedMaps => {
  const of =
    (sign: Sign): LayerMap =>
    (given) =>
      map(given, (value) => parts[sign](given.build, value));
  return { positive: of("positive"), negative: of("negative"), absolute: of("absolute"), signed: of("signed") };
};

/** The same of a map that is made place by place. */
export const placewiseBySign = (map: Parameters<typeof bySign>[0]): SignedMaps => {
  const { positive, negative, absolute, signed } = bySign(map);
  const [a, b, c, d] = [positive, negative, absolute, signed].map(placewise) as [
    LayerMap,
    LayerMap,
    LayerMap,
    LayerMap,
  ];
  return { positive: a, negative: b, absolute: c, signed: d };
};

/** The part of a number. */
export const partOf = (value: number, sign: Sign): number =>
  sign === "signed" ? value : sign === "absolute" ? Math.abs(value) : Math.max(0, sign === "negative" ? -value : value);

/** A method that is such a map, for pictures that are asked about and for models that explain themselves. */
export const camMethod = <Name extends string>(
  maps: SignedMaps,
  about: Omit<Method<Name>, "space" | "explain" | "graph">,
): Method<Name> => ({
  options: [signOption],
  ...about,
  space: "layer",
  ...camMaps(() => maps),
});

/** How such maps explain, in a run and in a graph, where they depend on further options. */
export const camMaps = (
  mapsOf: (options: MethodOptions) => SignedMaps,
  weigh?: (options: MethodOptions) => Reweigh,
): Required<Pick<Method, "explain" | "graph">> => ({
  explain: async ({ atLayer, options }) => ({ maps: await atLayer(mapsOf(options)[options.sign], weigh?.(options)) }),
  graph: ({ atLayer, options }) => ({ map: atLayer(mapsOf(options)[options.sign]) }),
});
