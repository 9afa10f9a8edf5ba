/**
 * @file Questions about elements of any tensors: the score of one box, of one pixel's class, a sum of them over a region. One run of the
 * model over one picture, and any number of such questions about it, each with a target layer of its own and by any method.
 */
import type { Dense } from "../array/dense.ts";
import type { RuleChoice } from "../autodiff/rules.ts";
import { InternalError, present, throwIfAborted, UserError } from "../errors.ts";
import type { MethodChoice } from "../methods/by-name.ts";
import { methodOf } from "../methods/by-name.ts";
import {
  type GivenOptions,
  type LayerMap,
  type MethodOptions,
  type Question,
  type SweepMap,
  shareDone,
} from "../methods/method.ts";
import { optionsOf } from "../methods/options.ts";
import { isStatic, product, range } from "../onnx/dims.ts";
import { type Feeds, type Runtime, run, type Tensor } from "../onnx/runtime.ts";
import { rowsOf, tensorOf, toDense, toTensor } from "../onnx/tensors.ts";
import { gradientType, typeName } from "../onnx/types.ts";
import { toPlain } from "../read/axes.ts";
import { ofOne, type RunValues } from "../read/element.ts";
import type { ExplainedInput } from "../read/inputs.ts";
import { plainLayer } from "../read/layer-values.ts";
import { type AdjointSession, ask, neededBy, readBy } from "./adjoint-session.ts";
import type { ExplainOptions } from "./explain-options.ts";
import type { Explainer } from "./explainer.ts";
import { checkMaps, checkMaxMemory, checkRun, rowsWithin } from "./memory.ts";
import { rowsAreNotPictures } from "./pass.ts";
import type { Plan } from "./plan.ts";
import { isEnough, notPaired, refuseIntegers } from "./question.ts";
import { inRuns, repeated, rowsFor } from "./rows.ts";
import { type AskedAt, fedInBatches, feedsOf, feedsWith, inBatches, takesAny } from "./variants.ts";
import type { Sight } from "./window.ts";
import { windowMaps } from "./window-maps.ts";

/** An element of a tensor by its place in row-major order, of the first picture; and its part of a sum. */
export interface Weighted {
  readonly tensor: string;
  readonly place: number;
  readonly weight: number;
}

/** What a run says of one picture, by tensors. */
export type OfOne = (name: string) => Dense;

/** How alike what another picture shows is to what is asked about, 0 to 1: what no sum of elements says. */
export interface Likeness {
  readonly reads: readonly string[];
  of(picture: OfOne): number;
}

/** A weighted sum of elements, and the layer that its maps lie on. */
export interface ElementQuestion {
  readonly sum: readonly Weighted[];
  readonly layer: string | undefined;
  readonly likeness?: Likeness;
}

/** What is known before the run of what will be asked: elements of which tensors, at which layer. */
export interface Prospect {
  readonly tensors: readonly string[];
  readonly layer: string | undefined;
}

/** A map [...grid], and what a method in pixel space has beside it. */
export interface ElementAnswer {
  readonly map: Dense;
  readonly pixels?: Dense;
  readonly layer?: string;
  /** As an explainer's answer has it. */
  readonly partial?: true;
}

/** What bounds runs, and ends them. */
type Bounds = Pick<ExplainOptions, "maxMemory" | "partial" | "signal">;

export interface ElementOptions extends Bounds {
  readonly method?: MethodChoice;
  /** Options of the method, by name. */
  readonly options?: GivenOptions;
  readonly onProgress?: (done: number) => void;
}

/** The questions of one method at one layer, that seed the same tensors; of any layers and tensors, where the method asks for neither. */
interface Group {
  readonly layer: string | undefined;
  readonly seeded: readonly string[];
  readonly questions: readonly ElementQuestion[];
}

/** One run of a model over one picture. */
export class ElementPass implements RunValues {
  private constructor(
    private readonly ort: Runtime,
    private readonly plan: Plan,
    private readonly explained: ExplainedInput,
    readonly feeds: Feeds,
    private readonly results: Record<string, Tensor>,
  ) {}

  /**
   * Runs the model.
   * @param wanted tensors that are read of the run, beside the outputs
   * @param prospects what is likely to be asked: so much is kept of the run that no further one is needed for it
   */
  static async run(
    ort: Runtime,
    explainer: Explainer,
    feeds: Feeds,
    { wanted, prospects }: { readonly wanted: readonly string[]; readonly prospects: readonly Prospect[] },
  ): Promise<ElementPass> {
    const { explained } = explainer.reading;
    if (!explained) throw new UserError("invalid-model", "invalid model: none of its inputs is a picture");
    const plan = await explainer.planFor(feeds);
    const kept = prospects.flatMap(({ tensors, layer }) =>
      layer === undefined ? tensors : [...tensors, ...plan.kept(layer, tensors)],
    );
    const names = [...new Set([...plan.model.outputs, ...wanted, ...kept])];
    const pass = new ElementPass(ort, plan, explained, feeds, Object.create(null));
    await pass.#fetch(names);
    return pass;
  }

  /** A tensor of the run. */
  tensor(name: string): Tensor {
    return tensorOf(this.results, name);
  }

  /** The shape of a tensor, of one that was not fetched as it is for a batch of one. */
  dims(name: string): readonly number[] | undefined {
    return this.results[name]?.dims ?? this.feeds[name]?.dims ?? ofOne(this.plan.tensors.get(name));
  }

  values(name: string): ArrayLike<number | bigint> | undefined {
    return this.results[name]?.data as ArrayLike<number | bigint> | undefined;
  }

  /** Explains each question by one method; questions that can be answered in one run are. */
  async explain(questions: readonly ElementQuestion[], options: ElementOptions = {}): Promise<ElementAnswer[]> {
    const { method = "grad-cam", onProgress, signal, maxMemory, partial } = options;
    const chosen = await methodOf(method);
    const { space, blackBox, explain } = chosen;
    const told = optionsOf(chosen, options.options);
    const answers = new Map<ElementQuestion, ElementAnswer>();
    const groups = grouped(questions, blackBox);
    checkMaxMemory(maxMemory);
    for (const { layer, questions } of groups) {
      const to = space === "layer" ? layer : this.explained.name;
      checkRun(this.plan, maxMemory, { pictures: 1, ...(!blackBox && { to }) });
      const grid = layer === undefined ? [] : this.plan.layoutOf(layer).grid;
      const values = space === "layer" ? grid : tensorOf(this.feeds, this.explained.name).dims.slice(1);
      checkMaps(maxMemory, questions.length, values);
    }
    for (const [g, group] of groups.entries()) {
      throwIfAborted(signal);
      const found = await explain(
        this.#inquiry(group, chosen.name, told, { signal, maxMemory, partial }, (done) => {
          throwIfAborted(signal);
          onProgress?.((g + shareDone(done)) / groups.length);
        }),
      );
      const { maps, pixels } = found;
      group.questions.forEach((question, i) => {
        const layer = space === "layer" ? group.layer : undefined;
        const own = { map: rowOf(maps, i), ...(pixels && { pixels: rowOf(pixels, i) }), layer };
        answers.set(question, { ...own, ...(found.partial && { partial: found.partial }) });
      });
      onProgress?.((g + 1) / groups.length);
    }
    return questions.map((question) => present(answers.get(question), "an answer"));
  }

  #inquiry(
    group: Group,
    name: string,
    options: MethodOptions,
    bounds: Bounds,
    progress: (done: number) => void,
  ): Question {
    const { plan, explained, feeds } = this;
    const { layer } = group;
    // Who wants what there is waits for the batch under way.
    const signal = bounds.partial ? undefined : bounds.signal;
    const { maxMemory } = bounds;
    const within = { maxMemory, signal };
    const image = toPlain(toDense(tensorOf(feeds, explained.name)), explained.axes);
    const one = { data: image.data.slice(0, image.data.length / image.dims[0]), dims: [1, ...image.dims.slice(1)] };
    const grid = layer === undefined ? undefined : plan.layoutOf(layer).grid;
    return {
      options,
      image: one,
      k: group.questions.length,
      grid: grid && isStatic(grid) ? grid : undefined,
      isLinear: () => layer !== undefined && plan.residuals(layer, group.seeded).length === 0,
      atLayer: (map, weigh) => {
        if (weigh) throw asksWholePictures(name);
        return this.#atLayer(group, map, within);
      },
      atVariants: () => Promise.reject(asksWholePictures(name)),
      atInput: (rules) => this.#atInput(group, rules, within),
      atAttentions: () => Promise.reject(asksWholePictures(name)),
      atInputs: (_, variants, rules, only, paired = false) =>
        this.#atInputs(group, { variants, k: group.questions.length, only, signal }, rules, { paired, maxMemory }),
      respond: (_, variants) => this.#respond(group, variants, rowsWithin(plan, maxMemory)),
      activations: async () => {
        const tensor = await this.#layerOf(group);
        return plainLayer(toDense(tensor), plan.layoutOf(present(layer, "the layer")));
      },
      respondAtLayer: (_, factors, before) => this.#respondAtLayer(group, factors, rowsWithin(plan, maxMemory), before),
      ...(group.questions.every(({ likeness }) => likeness) && {
        resemble: (_: number, variants: Dense) => this.#resemble(group, variants, rowsWithin(plan, maxMemory)),
      }),
      progress,
      enough: (done) => isEnough(bounds, done, progress),
    };
  }

  /** Rows of a backward pass to a tensor. */
  #rowsTo(tensor: string, maxMemory: number | undefined): number {
    const { plan } = this;
    return Math.min(rowsFor(plan.rowBytes(tensor)), rowsWithin(plan, maxMemory, { to: tensor, pictures: 1 }));
  }

  async #atLayer(group: Group, map: LayerMap, { maxMemory, signal }: Bounds): Promise<Dense> {
    const { plan } = this;
    const { layer, seeded, questions } = group;
    if (layer === undefined) throw noLayer();
    const [only] = seeded;
    const onCells = questions.every((question) => this.#isOnOneCell(question));
    if (map.placewise && !map.secondOrder && seeded.length === 1 && only !== undefined && onCells) {
      const sight = plan.sight(only, layer);
      if (sight) return plan.inWindow(sight, only, layer, map, (adjoint) => this.#windows(group, sight, adjoint));
    }
    const residuals = plan.residuals(layer, seeded);
    await this.#fetch([layer, ...residuals]);
    const rows = !map.classBlind && !map.secondOrder && this.#inRows(group);
    const often = questions.length > 1 && !map.classBlind && !map.secondOrder;
    return plan.atLayer(layer, map, { seeding: seeded, rows, often }, async (adjoint) => {
      if (map.secondOrder) await this.#fetch(neededBy(adjoint));
      const kept = await readBy(adjoint, { ...this.feeds, ...this.results });
      if (map.classBlind) {
        const { answer } = await ask(adjoint, kept, this.#seeds(seeded, questions.slice(0, 1)));
        return repeated(firstOf(answer, 1), questions.length);
      }
      const runs = {
        n: 1,
        k: questions.length,
        together: rows && adjoint.together,
        maxRows: this.#rowsTo(layer, maxMemory),
      };
      return inRuns({ ...runs, signal }, async (isAsked) => {
        const some = questions.filter((_, i) => isAsked(i));
        const { answer } = await ask(adjoint, kept, this.#seeds(seeded, some));
        return firstOf(answer, some.length);
      });
    });
  }

  async #atInput(group: Group, rules: RuleChoice | SweepMap, { maxMemory, signal }: Bounds): Promise<Dense> {
    const { plan, explained, feeds } = this;
    const { seeded, questions } = group;
    const { name, axes } = explained;
    refuseIntegers(plan, name);
    await this.#fetch(seeded);
    const rows = this.#inRows(group);
    return plan.atInput(name, rules, { seeding: seeded, rows }, (adjoint) => {
      const runs = {
        n: 1,
        k: questions.length,
        together: rows && adjoint.together,
        maxRows: this.#rowsTo(name, maxMemory),
      };
      return inRuns({ ...runs, signal }, async (isAsked) => {
        const some = questions.filter((_, i) => isAsked(i));
        const { answer } = await ask(adjoint, feeds, this.#seeds(seeded, some));
        return firstOf(toPlain(answer, axes), some.length);
      });
    });
  }

  /** The layer of the first picture. */
  async #layerOf({ layer }: Group): Promise<Tensor> {
    if (layer === undefined) throw noLayer();
    await this.#fetch([layer]);
    const tensor = this.results[layer] ?? tensorOf(this.feeds, layer);
    const { name, axes } = this.explained;
    const batch = axes.batch === undefined ? 1 : tensorOf(this.feeds, name).dims[axes.batch];
    if (tensor.dims[0] !== batch) throw rowsAreNotPictures(layer, tensor.dims);
    return rowsOf(this.ort, tensor, [0]);
  }

  async #respondAtLayer(
    group: Group,
    factors: Dense,
    most: number,
    before?: (done: number) => void,
  ): Promise<Float32Array[]> {
    const { plan, feeds } = this;
    const { seeded, questions } = group;
    const activations = await this.#layerOf(group);
    const place = { layer: present(group.layer, "the layer"), activations, feeds, image: 0 };
    const values: number[][] = [];
    const { varied } = await import("./variation.ts");
    await varied(plan, { ...place, factors, wanted: seeded, before, rows: most }, (results, rows) => {
      values.push(...lookAt(results, seeded, rows, valuesOf(questions)));
    });
    return rowsBy(questions, values);
  }

  async #atInputs(
    group: Group,
    asked: AskedAt,
    rules: RuleChoice,
    { paired, maxMemory }: { readonly paired: boolean; readonly maxMemory: number | undefined },
  ): Promise<Dense> {
    const { plan, explained, feeds } = this;
    const { seeded, questions } = group;
    refuseIntegers(plan, explained.name);
    if (paired) checkRun(plan, maxMemory, { pictures: 2, to: explained.name });
    await this.#fetch(seeded);
    const most = Math.min(rowsFor(plan.rowBytes(explained.name)), rowsWithin(plan, maxMemory, { to: explained.name }));
    const seedsOf = (some: readonly number[]) =>
      this.#seeds(
        seeded,
        some.map((q) => present(questions[q], "a question")),
      );
    if (this.#hasRows(group) && takesAny(plan, feeds, explained))
      return plan.atInput(explained.name, rules, { seeding: seeded, rows: false }, (adjoint) =>
        inBatches(asked, paired ? 2 : most, async (pictures, some) => {
          const fed = feedsOf(plan, feeds, explained, 0, pictures);
          return toPlain((await ask(adjoint, fed, seedsOf(some))).answer, explained.axes);
        }),
      );
    if (paired) throw notPaired();
    return plan.atInput(explained.name, rules, { seeding: seeded, rows: false }, (adjoint) =>
      inBatches(asked, 1, async (picture, some) => {
        const fed = feedsWith(plan, feeds, explained, 0, picture.data);
        return firstOf(toPlain((await ask(adjoint, fed, seedsOf(some))).answer, explained.axes), 1);
      }),
    );
  }

  async #respond({ seeded, questions }: Group, variants: Dense, most: number): Promise<Float32Array[]> {
    return rowsBy(questions, await this.variants(seeded, variants, valuesOf(questions), most));
  }

  async #resemble({ questions }: Group, variants: Dense, most: number): Promise<Float32Array[]> {
    const reads = [...new Set(questions.flatMap(({ likeness }) => likeness?.reads ?? []))];
    return rowsBy(
      questions,
      await this.variants(
        reads,
        variants,
        (picture) => questions.map(({ likeness }) => likeness?.of(picture) ?? 0),
        most,
      ),
    );
  }

  /**
   * Runs the model over variants of the input, [any, C, ...], and looks at each of them.
   * @param reads tensors that are looked at
   * @param most in one run, where any number is taken; all by default
   */
  async variants<T>(
    reads: readonly string[],
    variants: Dense,
    look: (picture: OfOne) => T,
    most = Number.POSITIVE_INFINITY,
  ): Promise<T[]> {
    const { plan, explained, feeds } = this;
    // Where a tensor has no row for each picture, those are shown one by one.
    const rows = reads.every((read) => plan.tensors.get(read)?.perImage) ? most : 1;
    const seen: T[] = [];
    const ran = async (fed: Feeds, place: { readonly count: number; readonly rows: number }) => {
      const results = await plan.fetched(reads, ({ session }) => run(session, fed, reads));
      seen.push(...lookAt(results, reads, place, look));
    };
    await fedInBatches(plan, feeds, explained, 0, variants, ran, rows);
    return seen;
  }

  /** Whether all that is summed lies on one cell of a tensor [n, C, height, width]. */
  #isOnOneCell({ sum }: ElementQuestion): boolean {
    const cells = sum.map(({ tensor, place }) => {
      const [, , ...grid] = this.dims(tensor) ?? [];
      return place % product(grid);
    });
    return cells.every((cell) => cell === cells[0]);
  }

  /** Whether questions can be rows of one batch: where every tensor that is seeded has one for each picture, of which there is one. */
  #inRows(group: Group): boolean {
    return group.questions.length > 1 && this.#hasRows(group);
  }

  #hasRows({ seeded }: Group): boolean {
    const { tensors } = this.plan;
    return seeded.every((name) => tensors.get(name)?.dims[0] === -1 && tensors.get(name)?.perImage);
  }

  /** The sums of some questions as cotangents, a row each; of one question in the shape of the tensors. */
  #seeds(seeded: readonly string[], questions: readonly ElementQuestion[]): Tensor[] {
    return seeded.map((name) => {
      const dims = present(this.dims(name), `the shape of "${name}"`);
      const size = product(dims);
      const data = new Float32Array(size * questions.length);
      questions.forEach(({ sum }, i) => {
        for (const { tensor, place, weight } of sum)
          if (tensor === name) data[i * size + place] = (data[i * size + place] ?? 0) + weight;
      });
      const shape = questions.length > 1 ? [questions.length, ...dims.slice(1)] : dims;
      const type = gradientType(present(this.plan.tensors.get(name), "a tensor").type);
      return toTensor(this.ort, { data, dims: shape }, typeName(type));
    });
  }

  async #windows({ questions, seeded: [tensor = ""] }: Group, sight: Sight, session: AdjointSession): Promise<Dense> {
    await this.#fetch(session.residuals);
    const type = typeName(gradientType(present(this.plan.tensors.get(tensor), "a tensor").type));
    return windowMaps(this.ort, { sight, session }, questions, {
      ...{ type, channels: this.dims(tensor)?.[1] ?? 1 },
      of: (name) => this.results[name] ?? tensorOf(this.feeds, name),
    });
  }

  /** Makes sure that the run's results hold some tensors; a further run of the model where they do not. */
  async #fetch(names: readonly string[]): Promise<void> {
    const { plan, feeds, results } = this;
    const missing = names.filter((name) => !(name in results) && !Object.hasOwn(feeds, name));
    if (missing.length === 0) return;
    Object.assign(results, await plan.fetched(missing, ({ session }) => run(session, feeds, missing)));
    for (const name of missing)
      if (!(name in results)) throw new InternalError(`a run of the model did not give "${name}"`);
  }
}

const asksWholePictures = (method: string): UserError =>
  new UserError(
    "invalid-option",
    `invalid method: ${method} is about the scores of a whole picture, and boxes, masks, pixels and characters are sums of elements; take hires-cam`,
  );
const noLayer = (): UserError =>
  new UserError("no-path", "no path: the model has no layer with a grid on the way to what is asked; name one");

/** The sums of questions in a picture. */
const valuesOf = (questions: readonly ElementQuestion[]) => (picture: OfOne) =>
  questions.map(({ sum }) =>
    sum.reduce(
      (all, { tensor, place, weight }) => all + weight * present(picture(tensor).data[place], "an element"),
      0,
    ),
  );

/** What is seen in each of the first pictures of a run over so many. */
function lookAt<T>(
  results: Readonly<Record<string, Tensor>>,
  reads: readonly string[],
  { count, rows }: { readonly count: number; readonly rows: number },
  look: (picture: OfOne) => T,
): T[] {
  const numbers = new Map(reads.map((read) => [read, toDense(tensorOf(results, read))]));
  return range(count).map((v) => look((read) => pictureOf(present(numbers.get(read), "a tensor"), v, rows)));
}

/** Questions by their layer and what they seed. */
function grouped(questions: readonly ElementQuestion[], together?: boolean): Group[] {
  const groups = new Map<string, { layer: string | undefined; seeded: string[]; questions: ElementQuestion[] }>();
  const tensorsIn = (some: readonly ElementQuestion[]) =>
    [...new Set(some.flatMap(({ sum }) => sum.map(({ tensor }) => tensor)))].sort();
  for (const question of questions) {
    const seeded = tensorsIn(together ? questions : [question]);
    const key = together ? "" : JSON.stringify([question.layer ?? null, seeded]);
    const group = groups.get(key) ?? { layer: question.layer, seeded, questions: [] };
    group.questions.push(question);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** A row for each question of what was said of each variant. */
const rowsBy = (questions: readonly unknown[], said: readonly (readonly number[])[]): Float32Array[] =>
  questions.map((_, q) => Float32Array.from(said, (of) => present(of[q], "an answer")));

/** One picture's part of a tensor, [1, ...], where the run was over several. */
const pictureOf = ({ data, dims }: Dense, index: number, batch: number): Dense =>
  batch === 1
    ? { data, dims }
    : {
        data: data.subarray((index * data.length) / batch, ((index + 1) * data.length) / batch),
        dims: [(dims[0] ?? batch) / batch, ...dims.slice(1)],
      };

/** The first rows of an answer: a batch that is full of one picture answers about the first. */
const firstOf = ({ data, dims }: Dense, count: number): Dense => ({
  data: data.slice(0, (data.length / (dims[0] ?? 1)) * count),
  dims: [count, ...dims.slice(1)],
});

function rowOf({ data, dims: [count = 1, ...dims] }: Dense, index: number): Dense {
  const size = data.length / count;
  return { data: data.slice(index * size, (index + 1) * size), dims };
}
