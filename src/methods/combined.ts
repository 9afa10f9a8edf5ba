/**
 * @file What any method can be told: several layers fused, test-time augmentation, and the principal component in place of the sum over
 * channels. Methods know nothing of it: the options are declared here, once, and applied around `explain`.
 *
 *   layers   N, or names with commas between them: the maps of that many grids, or of those layers, fused (fuse.ts); "levels" of a
 *            detector, whose levels are joined by who asks about boxes
 *   augment  the mean of the maps of the image mirrored, and times 0.9, 1 and 1.1
 *   smooth   the first principal component of the weighted channels w_k A_k in place of their sum
 */
import type { Method, MethodOption } from "./method.ts";
import { choiceOption } from "./options.ts";
import { smoothed } from "./smoothed.ts";

const layersOption: MethodOption = {
  ...{
    name: "layers",
    default: 1,
    range: "an integer of at least 1, names of layers with commas between them, or of a detector levels",
  },
  fits: (value) =>
    typeof value === "string" ? value.trim() !== "" : Number.isSafeInteger(value) && Number(value) >= 1,
};
const augmentOption = choiceOption("augment", ["none", "mirror", "brightness", "mirror-and-brightness"]);
const smoothOption: MethodOption = { ...choiceOption("smooth", ["none", "principal-component"]), compiles: true };

/** Maps of a layer that is chosen, and not of all attentions at once. */
const ofOneLayer: ReadonlySet<unknown> = new Set(["cam", "control", "concepts"]);
/** At a layer, but with no sum over channels. */
const unsummed = new Set(["eigen-cam", "eigen-grad-cam", "recipro-cam", "deep-feature-factorisation", "odam"]);

/** The options that a method has beside its own. */
export function combiningOptions(method: Pick<Method, "name" | "space" | "family" | "options">): MethodOption[] {
  const { name, space, family } = method;
  const atLayer = space === "layer" && ofOneLayer.has(family);
  const sums = atLayer && !unsummed.has(name);
  const options = [
    ...(atLayer && !hasLayers(method) ? [layersOption] : []),
    augmentOption,
    ...(sums ? [smoothOption] : []),
  ];
  return options.map((option) => ({ ...option, around: true }));
}

/** A method's own options and those around it; one of both names takes what either takes. */
function withOptions(own: readonly MethodOption[], around: readonly MethodOption[]): MethodOption[] {
  const either = own.map((option) => {
    const other = around.find(({ name }) => name === option.name);
    if (!other) return option;
    const range = `${option.range}, ${other.range}`;
    return { ...option, range, fits: (value: unknown) => option.fits(value) || other.fits(value) };
  });
  return [...either, ...around.filter(({ name }) => own.every((option) => option.name !== name))];
}

/** Each method with its options: a method has one identity. */
const kept = new WeakMap<object, Method>();

/** A method with these options. */
export function combined<Name extends string>(method: Method<Name>): Method<Name> {
  const known = kept.get(method) as Method<Name> | undefined;
  if (known) return known;
  const { graph } = method;
  const made: Method<Name> = {
    ...method,
    options: withOptions(method.options ?? [], combiningOptions(method)),
    async explain(question) {
      const { layers = 1, augment = "none", smooth = "none" } = question.options;
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
  kept.set(method, made);
  kept.set(made, made);
  return made;
}
