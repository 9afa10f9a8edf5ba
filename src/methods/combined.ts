/**
 * @file What any method can be told: several layers fused, test-time augmentation, and the principal component in place of the sum over
 * channels. Methods know nothing of it: the options are declared here, once, and applied around `explain`.
 *
 *   layers   N, or names with commas between them: the maps of that many grids, or of those layers, fused (fuse.ts); "levels" of a detector's
 *            head, which are joined by those who know them (tasks/element-answers.ts)
 *   augment  the mean of the maps of the image mirrored, and times 0.9, 1 and 1.1
 *   smooth   the first principal component of the weighted channels w_k A_k in place of their sum
 */
import type { Method, MethodOption } from "./method.ts";
import { choiceOption } from "./options.ts";
import { smoothed } from "./smoothed.ts";

const layersOption: MethodOption = {
  ...{ name: "layers", default: 1 },
  range: "an integer of at least 1, names of layers with commas between them, or levels: those of a detector's head",
  fits: (value) =>
    typeof value === "string" ? value.trim() !== "" : Number.isSafeInteger(value) && Number(value) >= 1,
};
const augmentOption = choiceOption("augment", ["none", "mirror", "brightness", "mirror-and-brightness"]);
const smoothOption: MethodOption = { ...choiceOption("smooth", ["none", "principal-component"]), compiles: true };

/** At a layer, but with no sum over channels. */
const unsummed = new Set(["eigen-cam", "eigen-grad-cam", "recipro-cam", "deep-feature-factorisation", "odam"]);

/** The options that a method has beside its own. */
export function combiningOptions(method: Pick<Method, "name" | "space" | "family" | "options">): MethodOption[] {
  const { name, space, family } = method;
  const atLayer = space === "layer";
  const sums = atLayer && family === "cam" && !unsummed.has(name);
  const options = [
    ...(atLayer && !hasLayers(method) && family !== "attention" ? [layersOption] : []), // attention is of blocks
    augmentOption,
    ...(sums ? [smoothOption] : []),
  ];
  return options.map((option) => ({ ...option, around: true }));
}

/** Whether layers are something else to a method, as blocks of a transformer. */
const hasLayers = ({ options = [] }: Pick<Method, "options">): boolean => options.some(({ name }) => name === "layers");

/** Each method with these options, once: a method has one identity. */
const known = new WeakMap<object, Method>();

/** A method with these options. */
export function combined<Name extends string>(method: Method<Name>): Method<Name> {
  const made = (known.get(method) as Method<Name> | undefined) ?? withCombining(method);
  known.set(method, made);
  return made;
}

function withCombining<Name extends string>(method: Method<Name>): Method<Name> {
  const { graph } = method;
  return {
    ...method,
    options: [...(method.options ?? []), ...combiningOptions(method)],
    async explain(question) {
      const { augment = "none", smooth = "none" } = question.options;
      const layers = hasLayers(method) ? 1 : (question.options.layers ?? 1);
      if (layers === 1 && augment === "none" && smooth === "none") return method.explain(question);
      return (await import("./combine.ts")).explainCombined(method, question, layers);
    },
    ...(graph && {
      graph: (question) =>
        graph(
          question.options.smooth === "principal-component"
            ? { ...question, atLayer: (map) => question.atLayer(smoothed(map)) }
            : question,
        ),
    }),
  };
}
