/**
 * @file A model that explains itself: prediction and explanation in one run, on any ONNX Runtime.
 *
 * The adjoint is appended to the model's bytes together with two outputs, the explanation and the class that it is of, and an input
 * that says which class is query. The input is an initialiser too, and so has a default: -1, the best class. Only what reads the
 * class depends on it: weights stay constant. ONNX Runtime's interfaces in JavaScript and Java take no inputs that have defaults;
 * for those it can be made an input like any other.
 */
import { checkOptions, expects, isTexts, listing, UserError } from "../errors.ts";
import type { MethodChoice } from "../methods/by-name.ts";
import { methodGiven, methods } from "../methods/index.ts";
import type { GivenOptions, Method, MethodOptions } from "../methods/method.ts";
import { optionsOf } from "../methods/options.ts";
import { DataType, declaredDims, makeTensor, makeValueInfo } from "../onnx/proto.ts";
import { checkNotCompiled, type Notes, names, withResults } from "./compiled.ts";
import type { Explainer } from "./explainer.ts";
import { graphQuery } from "./graph-query.ts";
import { declaredWhole, withDefaults } from "./rewritten.ts";

/** Whether the class is an input with a default, or one that every run must feed. */
export const classInputs = ["optional", "required"] as const;

export interface CompileOptions {
  /** "grad-cam" by default; a method of one run. */
  readonly method?: MethodChoice;
  /** Options of the method, by name: those that are constants of a graph. */
  readonly options?: GivenOptions;
  /** "optional" by default. */
  readonly classInput?: (typeof classInputs)[number];
  /** What else the file shall say of itself: metadata, by key without "gradcam.". */
  readonly notes?: Notes;
}

/**
 * The ONNX file of a model that explains itself, at the explainer's default layer. Beside its own it has the outputs `gradcam_class`
 * (int64 [n]) and `gradcam_map` (float32 [n, ...grid], raw) or `gradcam_pixels` (float32 [n, C, ...]), and the input `gradcam_target`
 * (int64, [1] for all images or [n]; -1 for the best class).
 * @returns the model's bytes, followed by what is added. Where those cannot be appended to they are rewritten first, and the metadata says what.
 * @throws UserError for a method that is no graph, a model that is no classifier or compiled already, an operator without a rule.
 */
export function compile(explainer: Explainer, options: CompileOptions = {}): Uint8Array {
  checkOptions<CompileOptions>(options, { method: true, options: true, classInput: true, notes: true }, "compile");
  const { method: given = "grad-cam", classInput = "optional", notes } = options;
  expects(explainer instanceof Object && "model" in explainer, "explainer", explainer, "what openExplainer gives");
  expects(classInputs.includes(classInput), "classInput", classInput, listing(classInputs));
  expects(!notes || isTexts(Object.values(notes)), "notes", notes, "an object of texts");
  const method = methodGiven(given);
  const graph = graphOf(method);
  const told = compiledOptions(method, options.options);
  checkNotCompiled(explainer.model);
  const model = declaredWhole(withDefaults(explainer.model), explainer.tensors);
  const query = graphQuery(explainer, { name: names.target, type: DataType.INT64, dims: [-1] }, told);
  const results = Object.entries({ ...graph(query), class: query.class }).map(([key, value]) => [
    names[key as keyof typeof names],
    key === "class" ? value : query.build.cast(value, DataType.FLOAT),
  ]);
  const best = makeTensor(names.target, DataType.INT64, [1], BigInt64Array.of(-1n));
  const added = {
    initializers: classInput === "optional" ? [best] : [],
    inputs: [makeValueInfo(names.target, DataType.INT64, ["gradcam_targets"])],
  };
  const said = {
    method: method.name,
    ...(options.options && { options: JSON.stringify(told) }),
    ...(query.layer && { layer: query.layer.name, grid: JSON.stringify(query.layer.grid) }),
    score: explainer.score.name,
    ...(explainer.score.before && { score_before: explainer.score.before }),
    ...(model.rewritten && { rewritten: model.rewritten.join(", ") }),
    ...notes,
  };
  return withResults(model, query.build, Object.fromEntries(results), added, said, batchOf(explainer));
}

function graphOf({
  name,
  graph,
  uncompiled = "takes many runs, a compiled model has one",
}: Method): NonNullable<Method["graph"]> {
  if (graph) return graph;
  const compiled = methods.filter((m) => m.graph).map((m) => m.name);
  throw new UserError(
    "invalid-option",
    `invalid method: "${name}" ${uncompiled}; allowed are ${listing(compiled, 40)}`,
  );
}

/** What a compiled method is told; @throws UserError `invalid-option` for an option that takes more than a graph. */
export function compiledOptions(method: Method, given: GivenOptions = {}): MethodOptions {
  const told = optionsOf(method, given);
  const other = method.options?.find(({ name, compiles }) => given[name] !== undefined && !compiles);
  if (!other) return told;
  const allowed = method.options?.filter(({ compiles }) => compiles).map(({ name }) => name) ?? [];
  throw new UserError(
    "invalid-option",
    `invalid option of a compiled ${method.name}: "${other.name}" is no constant of the graph; allowed are ${listing(allowed)}`,
  );
}

/** How the model calls the number of its images where that is free. */
function batchOf({ model, reading: { explained } }: Explainer): string | undefined {
  const input = model.inputs.find(({ name }) => name === explained?.name);
  const batch = ((input && declaredDims(input)) ?? [])[explained?.axes.batch ?? 0];
  return typeof batch === "string" && batch ? batch : undefined;
}
