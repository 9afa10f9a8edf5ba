/** @file A method's questions about a forward pass, of classes or of words, put to the sessions of its plan. */
import type { Dense } from "../array/dense.ts";
import { present, throwIfAborted, UserError } from "../errors.ts";
import { type MethodOptions, type Question, shareDone } from "../methods/method.ts";
import { isStatic, product, range } from "../onnx/dims.ts";
import { typeOf } from "../onnx/observe.ts";
import type { Feeds, Tensor } from "../onnx/runtime.ts";
import { rowsOf, tensorOf, toDense } from "../onnx/tensors.ts";
import { isFloat, typeName } from "../onnx/types.ts";
import { holdsFrames, toPlain } from "../read/axes.ts";
import type { ExplainedInput } from "../read/inputs.ts";
import { type AdjointSession, ask, neededBy, readBy } from "./adjoint-session.ts";
import type { ExplainOptions } from "./explain-options.ts";
import { checkRun, rowsWithin } from "./memory.ts";
import type { Pass } from "./pass.ts";
import type { Plan } from "./plan.ts";
import { inRuns, repeated, rowsFor } from "./rows.ts";
import type { Seeding } from "./seeds.ts";
import { type Asked, classScores, type Weights } from "./target.ts";
import { feedsOf, feedsWith, inBatches, takesAny } from "./variants.ts";

/** How rows of weights are fed to an adjoint. */
export interface Seeder {
  readonly seeding: Seeding;
  readonly feed: (rows: readonly Weights[]) => readonly Tensor[];
}

/** What a method asks about, of a forward pass. */
export interface Asking {
  readonly pass: Pick<Pass, "plan" | "layer" | "feeds" | "n" | "tensors" | "respond"> & Partial<Pass>;
  readonly explained: ExplainedInput;
  readonly asked: Asked;
  readonly atLayer: Seeder;
  readonly atInput: Seeder;
  /** Whether the targets can be rows of one batch. */
  readonly rows: boolean;
  /** How rows are fed of another picture than that of the pass, where it makes a difference. */
  readonly seedsAt?: (feeds: Feeds) => Promise<Seeder["feed"]>;
  /** The class of each row, where the forward session can answer about it in its own run. */
  readonly classes?: readonly number[];
  readonly options: ExplainOptions;
}

/** The questions about n pictures and k targets of each. */
export function questionOf(
  { pass, explained, asked, classes, rows, seedsAt, options, ...seeders }: Asking,
  told: MethodOptions,
): Question {
  const { plan, layer, n } = pass;
  const { ort } = plan;
  const { name: image, axes } = explained;
  const { k } = asked;
  const { maxMemory, partial } = options;
  // Who wants what there is waits for the batch under way.
  const signal = partial ? undefined : options.signal;
  /** Rows of a backward pass to a tensor: of so many pictures, or each of a picture of its own. */
  const rowsTo = (tensor: string, pictures?: number): number =>
    Math.min(
      options.maxRows ?? rowsFor(plan.rowBytes(tensor)),
      rowsWithin(plan, maxMemory, { to: tensor, ...(pictures !== undefined && { pictures }) }),
    );
  /** Answers about all targets, in as few runs as can be. */
  const answers = (
    tensor: string,
    together: boolean,
    { feed }: Seeder,
    answer: (seeds: readonly Tensor[]) => Promise<Dense>,
  ): Promise<Dense> =>
    inRuns({ n, k, together: plan.isFree && together, signal, maxRows: rowsTo(tensor, n) }, (isAsked) => {
      if (asked.rows) return answer(feed(asked.rows.filter((_, row) => isAsked(row))));
      const some = range(n * k).filter(isAsked);
      return answer(Object.values(asked.seeds).map((given) => (k > 1 ? rowsOf(ort, given, some) : given)));
    });
  /** The scores of variants of an image, by the weights of each of its targets. */
  const weighed = async (index: number, respond: () => Promise<Float32Array[]>): Promise<Float32Array[]> => {
    if (!asked.rows) throw new UserError("invalid-option", scoresCompared);
    const scores = await respond();
    const sum = (row: Weights, ofVariant: Float32Array) =>
      row.reduce((all, [c, weight]) => all + weight * present(ofVariant[c], "a score"), 0);
    const own = asked.rows.slice(index * k, (index + 1) * k);
    return own.map((row) => Float32Array.from(scores, (ofVariant) => sum(row, ofVariant)));
  };
  /** The cotangents of some rows. */
  const seedsOf = (some: readonly number[], feed: Seeder["feed"]): readonly Tensor[] =>
    asked.rows
      ? feed(some.map((row) => present(asked.rows[row], "a target")))
      : Object.values(asked.seeds).map((given) => rowsOf(ort, given, some));
  const progress = (done: number) => {
    throwIfAborted(options.signal);
    options.onProgress?.(shareDone(done));
  };
  const { grid } = layer === undefined ? {} : plan.layoutOf(layer);
  return {
    options: told,
    image: toPlain(toDense(tensorOf(pass.feeds, image)), axes),
    k,
    grid: isStatic(grid) ? grid : undefined,

    progress,
    enough: (done) => isEnough(options, done, progress),

    isLinear: () => layer !== undefined && plan.isIndependent(layer),

    async atLayer(map, weigh) {
      if (layer === undefined) throw new UserError("no-path", holdsFrames(axes) ? framesAside : noLayer);
      if (weigh) {
        if (!asked.rows) throw new UserError("invalid-option", scoresCompared);
        if (!pass.scores) throw notOfWords();
        const scores = await pass.scores();
        const weighed = asked.rows.map((row, i) => weigh(row, classScores(scores, Math.floor(i / k))));
        const other = { pass, explained, asked: { k, rows: weighed }, rows, options };
        return questionOf({ ...other, atLayer: seeders.atInput, atInput: seeders.atInput }, told).atLayer(map);
      }
      const answer = classes && (await pass.sameRun?.(layer, map, classes));
      if (answer) return toDense(answer);
      const tensors = await pass.tensors(layer);
      if (map.classBlind)
        return plan.atLayer(layer, map, { seeding: seeders.atLayer.seeding, rows: false }, async (adjoint) => {
          const ofEach = range(n).map((i) => i * k);
          const given = asked.rows
            ? seeders.atLayer.feed(ofEach.map((row) => present(asked.rows?.[row], "a question")))
            : Object.values(asked.seeds).map((seed) => (k > 1 ? rowsOf(ort, seed, ofEach) : seed));
          const { answer } = await ask(adjoint, await readBy(adjoint, tensors), given);
          return repeated(answer, k);
        });
      const { secondOrder, seed = undefined } = asked.rows ? map : { secondOrder: map.secondOrder };
      if ((secondOrder || seed) && !pass.more) throw notOfWords();
      const independent = plan.isIndependent(layer) && !seed && !secondOrder;
      const seeder = seed ? seeders.atInput : seeders.atLayer;
      const asRows = !independent && !secondOrder && rows;
      const often = k > 1 && !independent && !secondOrder;
      return plan.atLayer(layer, map, { seeding: seeder.seeding, rows: asRows, seed, often }, async (adjoint) => {
        const missing = neededBy(adjoint).filter((name) => !Object.hasOwn(tensors, name));
        const more = missing.length ? await pass.more?.(missing) : {};
        const feeds = await readBy(adjoint, { ...tensors, ...more });
        const ran = async (seeds: readonly Tensor[]) => (await ask(adjoint, feeds, seeds)).answer;
        return answers(layer, independent || adjoint.together, seeder, ran);
      });
    },

    async atInput(rules) {
      refuseIntegers(plan, image);
      const seeder = seeders.atInput;
      return plan.atInput(image, rules, { seeding: seeder.seeding, rows }, (adjoint) =>
        answers(image, adjoint.together, seeder, async (seeds) => {
          const { answer, results } = await ask(adjoint, pass.feeds, seeds, pass.wanted);
          pass.keep?.(results);
          return toPlain(answer, axes);
        }),
      );
    },

    async atInputs(index, variants, rules, only, paired = false) {
      refuseIntegers(plan, image);
      const { seeding, feed } = seeders.atInput;
      const of = { variants, k, only, signal };
      const apart =
        !seedsAt && plan.isFree && takesAny(plan, pass.feeds, explained) && (asked.rows ?? rowsEach(plan, asked.seeds));
      if (apart) {
        if (paired) checkRun(plan, maxMemory, { pictures: 2, to: image });
        const most = paired ? 2 : Math.min(rowsTo(image), rowsFor(plan.rowBytes(image)));
        return plan.atInput(image, rules, { seeding, rows: false }, (adjoint) =>
          inBatches(of, most, async (pictures, targets) => {
            const rowsAsked = targets.map((target) => index * k + target);
            const feeds = feedsOf(plan, pass.feeds, explained, index, pictures);
            return toPlain((await ask(adjoint, feeds, seedsOf(rowsAsked, feed))).answer, axes);
          }),
        );
      }
      if (paired) throw notPaired();
      return plan.atInput(image, rules, { seeding, rows }, (adjoint) =>
        inBatches(of, rows && !only ? k : 1, async ({ data, dims: [count = 1, ...shape] }, targets) => {
          const size = product(shape);
          const feeds = feedsWith(plan, pass.feeds, explained, index, data.subarray(0, size));
          const some = range(n * k).filter((row) => targets.includes(row % k));
          const seeds =
            asked.rows || k > 1 ? seedsOf(some, (await seedsAt?.(feeds)) ?? feed) : Object.values(asked.seeds);
          const { answer } = await ask(adjoint, feeds, seeds);
          const own = count * size;
          return { data: toPlain(answer, axes).data.subarray(index * own, (index + 1) * own), dims: [count, ...shape] };
        }),
      );
    },

    async atAttentions(map) {
      if (!pass.of) throw notOfWords();
      const { seeding, feed } = seeders.atInput;
      const ran = async (adjoint: AdjointSession, seeds: readonly Tensor[]) => {
        const { answer, results } = await ask(adjoint, pass.feeds, seeds, pass.wanted);
        pass.keep?.(results);
        return answer;
      };
      if (map.classBlind)
        return plan.atAttentions(map, { seeding: [], rows: false }, async (adjoint) =>
          repeated(await ran(adjoint, []), k),
        );
      return plan.atAttentions(map, { seeding, rows }, (adjoint) =>
        answers(image, adjoint.together, { seeding, feed }, (seeds) => ran(adjoint, seeds)),
      );
    },

    async atVariants(index, variants, map) {
      if (!asked.rows) throw new UserError("invalid-option", scoresCompared);
      if (!pass.of) throw notOfWords();
      if (!takesAny(plan, pass.feeds, explained)) throw new UserError("invalid-model", fixedBatch);
      const [count = 0] = variants.dims;
      checkRun(plan, maxMemory, { pictures: count, to: layer });
      const own = asked.rows.slice(index * k, (index + 1) * k);
      const others = pass.of(feedsOf(plan, pass.feeds, explained, index, variants), count);
      const there = {
        pass: others,
        explained,
        asked: { k, rows: range(count).flatMap(() => own) },
        rows: false,
        options,
      };
      return questionOf({ ...there, ...seeders }, told).atLayer(map);
    },

    async respond(index, variants) {
      return weighed(index, () => pass.respond(index, variants, rowsWithin(plan, maxMemory)));
    },

    async activations(index) {
      if (!pass.activations) throw notOfWords();
      return pass.activations(index);
    },

    async respondAtLayer(index, factors, before) {
      if (!pass.respondAtLayer) throw notOfWords();
      const rows = rowsWithin(plan, maxMemory);
      return weighed(index, async () => (await pass.respondAtLayer?.(index, factors, before, rows)) ?? []);
    },
  };
}

/** Whether the caller has cancelled and takes what there is; else as progress. */
export function isEnough(
  { partial, signal }: Pick<ExplainOptions, "partial" | "signal">,
  done: number,
  progress: (done: number) => void,
): boolean {
  if (partial && signal?.aborted && done > 0) return true;
  progress(done);
  return false;
}

/** Where pictures cannot be compared in one run. */
export const notPaired = (): UserError =>
  new UserError(
    "invalid-option",
    "invalid method: it compares the image with a baseline in one run, and the model takes one image at a time, or words of one image; allowed are methods such as integrated-gradients",
  );

/** Whether every seed has a row for each picture. */
const rowsEach = ({ tensors }: Plan, seeds: Feeds): boolean =>
  Object.keys(seeds).every((name) => tensors.get(name)?.perImage && tensors.get(name)?.dims[0] === -1);

/** @throws UserError `invalid-option` for a picture of whole numbers, at which there is no gradient. */
export function refuseIntegers({ model, tensors }: Plan, name: string): void {
  const { type } = typeOf(model, tensors, name);
  if (!isFloat(type))
    throw new UserError(
      "invalid-option",
      `invalid method: it needs the gradient at the pixels, and the input "${name}" takes ${typeName(type)}, integers; take one at a layer, such as grad-cam, or occlusion`,
    );
}
const notOfWords = (): UserError =>
  new UserError(
    "invalid-option",
    "invalid method: it is asked about the scores of classes, not about words; take grad-cam or hires-cam",
  );
const fixedBatch =
  "invalid model: this method shows it many pictures in one batch, and its batch is fixed; take grad-cam++";
const scoresCompared = "invalid target: this method compares scores and takes a class, not seeds";
const framesAside =
  "no path: layers of frames, which lie side by side in the batch, cannot be laid out yet; take a method in pixel space, such as gradient";
const noLayer =
  "no path: the model has no layer with a grid on the way to its scores; name one, or use a method in pixel space";
