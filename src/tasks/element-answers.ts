/** @file Explanations of what is asked about elements of a model's tensors: boxes, pixels and masks, by one method or several. */
import { InternalError, UserError } from "../errors.ts";
import type { ElementAnswer, ElementPass, ElementQuestion } from "../explain/elements.ts";
import { type MethodName, methodsOf } from "../methods/by-name.ts";
import type { Method, Sign } from "../methods/method.ts";
import { optionsFor, ownOptions } from "../methods/options.ts";
import type { Warning } from "../read/decision.ts";
import { type AskingOptions, type BoundOptions, inSteps } from "./asking.ts";
import type { ExplainedClass } from "./classify/explanations.ts";
import type { ClassExplanation } from "./classify/kinds.ts";
import { finestOf, joinedMap } from "./joined-maps.ts";
import type { PicturePlace, PictureSubject } from "./pictures.ts";
import type { Placements } from "./placing.ts";
import { type ByMethod, type RawMap, type Remarks, withRemarks } from "./raw-map.ts";
import type { PreparedSample } from "./sample.ts";

/** One question, with all that is said of it. */
export interface AskedElements extends Omit<ExplainedClass, keyof RawMap | keyof ByMethod | keyof Remarks> {
  /** What is differentiated, and asked of methods that only run the model. */
  readonly about: ElementQuestion;
  /** Parts of it that have a map each at a layer; they are joined, and `about` is its own only part where there are none. */
  readonly parts?: readonly ElementQuestion[];
  /** Of one box: its score and each of its edges, for methods that show all of them in one map. */
  readonly attributes?: () => readonly ElementQuestion[];
  /** By what it is explained where nobody says. */
  readonly method: MethodName;
  readonly warnings: readonly Warning[];
}

export interface ElementCircumstances {
  readonly sample: PreparedSample<PictureSubject, PicturePlace>;
  readonly places: Placements;
  /** Its warnings are those of every explanation; an array was not prepared, so how pictures are does not matter. */
  readonly reading: { readonly warnings: readonly Warning[] };
  /** Of a detector: the levels of its head. */
  readonly levels?: JoinedLevels;
}

/** The layers that maps of several levels lie on. */
export interface JoinedLevels {
  readonly layers: readonly string[];
  /** Whether a sum of elements depends on a layer. */
  reaches(layer: string, question: ElementQuestion): boolean;
}

/** Explains by every method in turn; each question by its own where none is said. */
export async function explainElements(
  pass: ElementPass,
  asked: readonly AskedElements[],
  { method, options, onProgress, signal, maxMemory, partial }: AskingOptions & BoundOptions,
  { sample, places, reading, levels }: ElementCircumstances,
): Promise<ClassExplanation[]> {
  const common = reading.warnings.filter(({ code }) => sample.prepared || code !== "preparation-guessed");
  const ways =
    method === undefined ? await byOwn(asked) : (await methodsOf(method)).map((one) => ({ method: one, asked }));
  optionsFor(
    ways.map((way) => way.method),
    options,
  );
  const answers = await inSteps(ways, onProgress, async (way, part) => {
    if (partial && signal?.aborted) return [];
    const own = ownOptions(way.method, options);
    const spread = levels !== undefined && own.layers === "levels";
    const every = own.attributes === "all";
    const questions = way.asked.map((one) => {
      const parts = way.method.space === "layer" ? (one.parts ?? [one.about]) : [one.about];
      const all = every ? (one.attributes?.() ?? noAttributes(one)) : parts;
      return spread ? onLevels(all, levels) : all;
    });
    const found = await pass.explain(questions.flat(), {
      ...{
        method: way.method,
        options: { ...own, ...(spread && { layers: 1 }), ...(every && { attributes: "score" }) },
      },
      ...{ onProgress: part, signal, maxMemory, partial },
    });
    const rest = [...found];
    return Promise.all(
      way.asked.map(async (one, i) => {
        const answer = await joined(rest.splice(0, questions[i]?.length), places);
        return answered(one, way.method, answer, common, options?.sign);
      }),
    );
  });
  const order = new Map(asked.map((one, i) => [one.target, i]));
  const sorted =
    method === undefined
      ? answers.toSorted((a, b) => (order.get(a.target) ?? 0) - (order.get(b.target) ?? 0))
      : answers;
  return Promise.all(sorted.map(async (answer) => sample.lay(answer, await places.of(answer.layer))));
}

/** The methods that the questions have of their own, each with its questions. */
async function byOwn(asked: readonly AskedElements[]) {
  const names = [...new Set(asked.map(({ method }) => method))];
  const methods = await methodsOf(names.length ? names : "grad-cam");
  return methods.map((method) => ({
    method,
    asked: asked.filter((one) => one.method === method.name),
  }));
}

/** A map for each part at each level that it depends on. */
const onLevels = (parts: readonly ElementQuestion[], { layers, reaches }: JoinedLevels): ElementQuestion[] =>
  parts.flatMap((part) => layers.flatMap((layer) => (reaches(layer, part) ? [{ ...part, layer }] : [])));

function noAttributes({ target }: AskedElements): never {
  throw new UserError(
    "invalid-option",
    `invalid option attributes: "all" are the score and the edges of one box, such as box:0; "${target}" is none`,
  );
}

/** The answers to the parts of a question as one, on the finest grid. */
async function joined(answers: readonly ElementAnswer[], places: Placements): Promise<JoinedAnswer> {
  const [first, ...others] = await Promise.all(
    answers.map(async (answer) => ({ ...answer, ...(await places.of(answer.layer)) })),
  );
  if (!first) throw new InternalError("a question without a map");
  const all = [first, ...others] as const;
  const layers = [...new Set(all.flatMap(({ layer }) => layer ?? []))];
  return { ...finestOf(all), map: joinedMap(all), ...(layers.length > 1 && { layers }) };
}

type JoinedAnswer = ElementAnswer & { readonly layers?: readonly string[] };

function answered(asked: AskedElements, method: Method, answer: JoinedAnswer, common: readonly Warning[], sign?: Sign) {
  const { about: _, parts: _parts, attributes: _attributes, method: _own, warnings, ...said } = asked;
  const { map, pixels, layer, layers, partial } = answer;
  const raw = { map, pixels, layer, ...(layers && { layers }), ...(partial && { partial }) };
  return withRemarks(said, method, raw, [...common, ...warnings], sign);
}
