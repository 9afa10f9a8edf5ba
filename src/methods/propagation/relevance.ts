/** @file What methods share that propagate relevance: the signed image, and the map that sums up its channels. */
import type { Dense } from "../../array/dense.ts";
import type { RelevanceRules } from "../../autodiff/relevance/said.ts";
import { product } from "../../onnx/dims.ts";
import type { Method, MethodOption, MethodOptions } from "../method.ts";
import { numberOption } from "../options.ts";

/** The relevance of a pixel is that of its channels together: [m, C, ...] -> [m, ...]. */
function channelSums({ data, dims }: Dense): Dense {
  const [m = 0, channels = 0, ...grid] = dims;
  const size = product(grid);
  const sums = new Float64Array(m * size);
  for (let from = 0; from < data.length; from++)
    sums[Math.floor(from / (channels * size)) * size + (from % size)] += data[from];
  return { data: Float32Array.from(sums), dims: [m, ...grid] };
}

/** A method whose image is the relevance of the input, by the rules of its options. */
export function relevanceMethod<Name extends string>(
  rulesOf: (options: MethodOptions) => RelevanceRules,
  about: Omit<Method<Name>, "space" | "explain" | "graph" | "family">,
): Method<Name> {
  return {
    ...about,
    family: "propagation",
    space: "pixels",
    explain: async ({ atInput, options }) => {
      const pixels = await atInput(rulesOf(options));
      return { maps: channelSums(pixels), pixels };
    },
    graph: ({ atInput, options }) => ({ pixels: atInput(rulesOf(options)) }),
  };
}

/** Constants of the graph. */
export const compiled = (option: MethodOption): MethodOption => ({ ...option, compiles: true });

/** What every denominator is kept away from 0 by. */
export const epsilonOption = (usual: number): MethodOption => compiled(numberOption("epsilon", usual, 0));
export const gammaOption = compiled(numberOption("gamma", 0.25, 0));
