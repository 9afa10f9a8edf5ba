/**
 * @file Where an element of a tensor was computed: back through all that only moves values, be it by what a run has chosen (TopK, the
 * rows that non-maximum suppression left), and through the function that made a probability of it, to the logit.
 */
import { InternalError, present } from "../errors.ts";
import { product, range } from "../onnx/dims.ts";
import { Attributes, constantValues, inputsOf, type Model } from "../onnx/model.ts";
import type { Observed, TensorType } from "../onnx/observe.ts";
import type { NodeProto } from "../onnx/proto.ts";
import { operatorOf } from "../ops/index.ts";

/** An element of a tensor. */
export interface Element {
  readonly tensor: string;
  readonly index: readonly number[];
}

/** Where an element was computed, and the functions that made a probability of it, the last one first. */
export interface Source extends Element {
  readonly through: readonly string[];
}

/** What a run knows of tensors: their shapes, and the numbers of those that choose. */
export interface RunValues {
  dims(name: string): readonly number[] | undefined;
  values(name: string): ArrayLike<number | bigint> | undefined;
}

interface Step {
  readonly node: NodeProto;
  readonly a: Attributes;
  readonly index: readonly number[];
  /** The name of the output that the element is of, and its place among the node's outputs. */
  readonly output: string;
  readonly which: number;
  readonly dims: (name: string) => readonly number[];
  /** The numbers of a tensor that is an argument; [] for one that is absent. */
  readonly values: (name: string | undefined) => ArrayLike<number | bigint>;
}

/** From an output's element to the input's that it is; undefined where it is computed from several. */
type Back = (step: Step) => Element | undefined;

const same: Back = ({ node, index }) => ({ tensor: first(node), index });

/** The same place in row-major order. */
const reshaped: Back = ({ node, index, output, dims }) => ({
  tensor: first(node),
  index: unravel(ravel(index, dims(output)), dims(first(node))),
});

/** Which inputs of a node choose what it moves, beside the one that is moved. */
interface Mover {
  readonly back: Back;
  /** The inputs whose numbers must be known. */
  readonly chosenBy?: readonly number[];
  /** Whether an output that the node makes itself, the indices of a TopK, must be. */
  readonly ownIndices?: true;
}

const squashing: ReadonlySet<string> = new Set(["Sigmoid", "Softmax", "LogSoftmax", "Sqrt"]);

/** Whether an operator makes probabilities and the like, each element of its own logit. */
export const squashes = (opType: string): boolean => squashing.has(opType);

const movers: Readonly<Record<string, Mover>> = {
  Identity: { back: same },
  Cast: { back: same },
  Dropout: { back: same },
  Reshape: { back: reshaped },
  Flatten: { back: reshaped },
  Squeeze: { back: reshaped },
  Unsqueeze: { back: reshaped },
  Transpose: {
    back: ({ node, a, index }) => {
      const perm = a.ints("perm") ?? index.map((_, i) => index.length - 1 - i);
      const from: number[] = [];
      perm.forEach((axis, i) => {
        from[axis] = at(index, i);
      });
      return { tensor: first(node), index: from };
    },
  },
  Concat: {
    back: ({ node, a, index, dims }) => {
      const axis = positive(a.int("axis", 0), index.length);
      let place = at(index, axis);
      for (const name of node.input) {
        const size = at(dims(name), axis);
        if (place < size) return { tensor: name, index: index.with(axis, place) };
        place -= size;
      }
      return undefined;
    },
  },
  Split: {
    back: ({ node, a, index, which, dims }) => {
      const axis = positive(a.int("axis", 0), index.length);
      const before = node.output.slice(0, which).reduce((sum, name) => sum + at(dims(name), axis), 0);
      return { tensor: first(node), index: index.with(axis, at(index, axis) + before) };
    },
  },
  Slice: {
    chosenBy: [1, 3, 4],
    back: ({ node, a, index, dims, values }) => {
      const shape = dims(first(node));
      const starts = a.ints("starts") ?? Array.from(values(node.input[1]), Number);
      const given = a.ints("axes") ?? Array.from(values(node.input[3]), Number);
      const axes = given.length ? given : starts.map((_, i) => i);
      const steps = values(node.input[4]);
      const from = [...index];
      axes.forEach((stated, i) => {
        const axis = positive(stated, shape.length);
        const [size, step] = [at(shape, axis), Number(steps[i] ?? 1)];
        const start = at(starts, i);
        const begin = Math.min(Math.max(0, start < 0 ? start + size : start), step < 0 ? size - 1 : size);
        from[axis] = begin + at(index, axis) * step;
      });
      return { tensor: first(node), index: from };
    },
  },
  Expand: {
    back: ({ node, index, dims }) => ({ tensor: first(node), index: broadcast(index, dims(first(node))) }),
  },
  Gather: {
    chosenBy: [1],
    back: ({ node, a, index, dims, values }) => {
      const [data, chosen] = [first(node), present(node.input[1], "indices")];
      const shape = dims(data);
      const axis = positive(a.int("axis", 0), shape.length);
      const rank = dims(chosen).length;
      const inner = index.slice(axis, axis + rank);
      const picked = at(values(chosen), ravel(inner, dims(chosen)));
      const place = positive(picked, at(shape, axis));
      return { tensor: data, index: [...index.slice(0, axis), place, ...index.slice(axis + rank)] };
    },
  },
  GatherElements: {
    chosenBy: [1],
    back: ({ node, a, index, dims, values }) => {
      const [data, chosen] = [first(node), present(node.input[1], "indices")];
      const axis = positive(a.int("axis", 0), index.length);
      const picked = at(values(chosen), ravel(index, dims(chosen)));
      return { tensor: data, index: index.with(axis, positive(picked, at(dims(data), axis))) };
    },
  },
  GatherND: {
    chosenBy: [1],
    back: ({ node, a, index, dims, values }) => {
      const [data, chosen] = [first(node), present(node.input[1], "indices")];
      const batch = a.int("batch_dims", 0);
      const [shape, lookup] = [dims(data), dims(chosen)];
      const depth = at(lookup, lookup.length - 1);
      const outer = index.slice(0, lookup.length - 1);
      const row = ravel([...outer, 0], lookup);
      const numbers = values(chosen);
      const places = range(depth).map((i) => positive(at(numbers, row + i), at(shape, batch + i)));
      return { tensor: data, index: [...index.slice(0, batch), ...places, ...index.slice(outer.length)] };
    },
  },
  Tile: {
    back: ({ node, index, dims }) => ({
      tensor: first(node),
      index: dims(first(node)).map((size, axis) => at(index, axis) % size),
    }),
  },
  Pad: {
    chosenBy: [1, 3],
    back: ({ node, a, index, dims, values }) => {
      const shape = dims(first(node));
      const pads = a.ints("pads") ?? Array.from(values(node.input[1]), Number);
      const given = Array.from(values(node.input[3]), Number);
      const axes = given.length ? given.map((axis) => positive(axis, shape.length)) : shape.map((_, axis) => axis);
      const from = [...index];
      axes.forEach((axis, i) => {
        from[axis] = at(index, axis) - at(pads, i);
      });
      const inside = from.every((place, axis) => place >= 0 && place < at(shape, axis));
      return inside ? { tensor: first(node), index: from } : undefined;
    },
  },
  // The best class's score, where the head has chosen it itself.
  ReduceMax: {
    chosenBy: [0],
    back: ({ node, a, index, output, dims, values }) => {
      const data = first(node);
      const shape = dims(data);
      const given = a.ints("axes") ?? Array.from(values(node.input[1]), Number);
      const axes = (given.length ? given : shape.map((_, i) => i)).map((axis) => positive(axis, shape.length));
      const kept = dims(output).length === shape.length ? index : unreduced(index, axes);
      const numbers = values(data);
      let best: number[] | undefined;
      for (const place of range(product(axes.map((axis) => at(shape, axis))))) {
        const inner = unravel(
          place,
          axes.map((axis) => at(shape, axis)),
        );
        const here = [...kept];
        axes.forEach((axis, i) => {
          here[axis] = at(inner, i);
        });
        if (!best || at(numbers, ravel(here, shape)) > at(numbers, ravel(best, shape))) best = here;
      }
      return best && { tensor: data, index: best };
    },
  },
  // Rows that are laid into a tensor of nothing, as those that suppression left into a batch of a fixed number.
  ScatterND: {
    chosenBy: [1],
    back: ({ node, index, dims, values }) => {
      const [places, rows] = [present(node.input[1], "indices"), present(node.input[2], "updates")];
      const lookup = dims(places);
      const depth = at(lookup, lookup.length - 1);
      const numbers = values(places);
      const shape = dims(first(node));
      const wanted = index.slice(0, depth);
      for (let row = numbers.length / depth - 1; row >= 0; row--) {
        const there = wanted.every((place, i) => positive(at(numbers, row * depth + i), at(shape, i)) === place);
        if (there) return { tensor: rows, index: [...unravel(row, lookup.slice(0, -1)), ...index.slice(depth)] };
      }
      return undefined;
    },
  },
  TopK: {
    ownIndices: true,
    back: ({ node, a, index, which, dims, values }) => {
      if (which !== 0) return undefined; // its indices are numbers of their own
      const indices = present(node.output[1], "indices");
      const axis = positive(a.int("axis", -1), index.length);
      const picked = at(values(indices), ravel(index, dims(indices)));
      return { tensor: first(node), index: index.with(axis, picked) };
    },
  },
};

/** Of a product of two probabilities, the one that has more of them: a class's, and not the objectness that all classes share. */
const factor: Back = ({ node, index, dims }) => {
  const [left, right] = [first(node), present(node.input[1], "a factor")];
  const [a, b] = [product(dims(left)), product(dims(right))];
  if (a === b) return undefined;
  const tensor = a > b ? left : right;
  return { tensor, index: broadcast(index, dims(tensor)) };
};

/** The shape of a tensor of one picture; undefined where only a run knows it. */
export function ofOne(tensor: TensorType | undefined): readonly number[] | undefined {
  const dims = tensor?.dims.map((d, axis) => (d < 0 && axis === 0 && tensor.perImage ? 1 : d));
  return dims?.includes(-1) ? undefined : dims;
}

/** Before any run. */
const nothing: RunValues = { dims: () => undefined, values: () => undefined };

/** Elements of a tensor, from and to which place along each axis. */
interface Region {
  readonly tensor: string;
  readonly ranges: readonly (readonly [from: number, to: number])[];
}

/** What elements of a node's inputs those of a region of its output may be. */
function regionsBehind(
  model: Model,
  tensors: Observed,
  node: NodeProto,
  { tensor, ranges }: Region,
  inputs: readonly string[],
): Region[] {
  const a = new Attributes(node);
  const dims = (name: string) => tensors.get(name)?.dims ?? [];
  const whole = (name: string): Region => ({ tensor: name, ranges: dims(name).map(all) });
  const [from = ""] = inputs;
  const axis = positive(a.int("axis", 0), ranges.length);
  if (node.opType === "Identity" || node.opType === "Cast" || squashing.has(node.opType))
    return [{ tensor: from, ranges }];
  if (node.opType === "Transpose") {
    const turned: Region["ranges"][number][] = [];
    (a.ints("perm") ?? ranges.map((_, i) => ranges.length - 1 - i)).forEach((to, i) => {
      turned[to] = ranges[i] ?? [0, Number.POSITIVE_INFINITY];
    });
    return [{ tensor: from, ranges: turned }];
  }
  if (node.opType === "Concat") {
    let start = 0;
    return inputs.flatMap((name) => {
      const size = dims(name)[axis] ?? -1;
      const [low, high] = ranges[axis] ?? all(-1);
      const part: Region["ranges"][number] = [Math.max(0, low - start), size < 0 ? high : Math.min(size, high - start)];
      start += Math.max(0, size);
      return part[0] < part[1] ? [{ tensor: name, ranges: along(ranges, axis, part) }] : [];
    });
  }
  if (node.opType === "Split") {
    const before = node.output.slice(0, node.output.indexOf(tensor)).map((name) => dims(name)[axis] ?? -1);
    if (before.includes(-1)) return [whole(from)];
    const start = before.reduce((sum, size) => sum + size, 0);
    const [low, high] = ranges[axis] ?? all(-1);
    const size = dims(tensor)[axis] ?? -1;
    return [
      { tensor: from, ranges: along(ranges, axis, [start + low, start + (size < 0 ? high : Math.min(high, size))]) },
    ];
  }
  if (node.opType === "Slice") {
    const of = (name: string | undefined) => (name ? constantValues(model, name) : []);
    const starts = a.ints("starts") ?? of(node.input[1]);
    const axes = a.ints("axes") ?? of(node.input[3]);
    const steps = of(node.input[4]);
    if (!starts || !axes || !steps || steps.some((step) => step !== 1)) return [whole(from)];
    const cut = [...ranges];
    starts.forEach((start, i) => {
      const place = positive(axes[i] ?? i, ranges.length);
      const size = dims(from)[place] ?? -1;
      const length = dims(tensor)[place] ?? -1;
      const begin = start < 0 ? (size < 0 ? Number.NaN : Math.max(0, start + size)) : start;
      const [low, high] = cut[place] ?? all(-1);
      cut[place] = Number.isNaN(begin)
        ? all(size)
        : [begin + low, begin + (length < 0 ? high : Math.min(high, length))];
    });
    return [{ tensor: from, ranges: cut }];
  }
  if (["Reshape", "Flatten", "Squeeze", "Unsqueeze"].includes(node.opType)) {
    // Axes before and behind those that were regrouped stay what they are.
    const [was, is] = [dims(from), dims(tensor)];
    let [before, behind] = [0, 0];
    const least = Math.min(was.length, is.length);
    while (before < least && was[before] === is[before]) before++;
    while (behind < least - before && was.at(-1 - behind) === is.at(-1 - behind)) behind++;
    const kept = was.map((size, i) => {
      if (i < before) return ranges[i] ?? all(size);
      return i >= was.length - behind ? (ranges[i - was.length + is.length] ?? all(size)) : all(size);
    });
    return [{ tensor: from, ranges: kept }];
  }
  // Along the axes that keep their length places stay what they are, but for the one along which they are chosen.
  const chosen = { TopK: a.int("axis", -1), GatherElements: axis }[node.opType];
  if (chosen !== undefined || node.opType === "Pad")
    return [
      {
        tensor: from,
        ranges: ranges.map((kept, i) => {
          const size = dims(from)[i] ?? -1;
          const same = size >= 0 && size === dims(tensor)[i];
          return same && (chosen === undefined || i !== positive(chosen, ranges.length)) ? kept : all(size);
        }),
      },
    ];
  return inputs.map(whole);
}

/** Ranges with another one along an axis. */
const along = (ranges: Region["ranges"], axis: number, range: Region["ranges"][number]): Region["ranges"] =>
  axis < ranges.length ? ranges.with(axis, range) : ranges;

const all = (size: number): [number, number] => [0, size < 0 ? Number.POSITIVE_INFINITY : size];

/** A trace through one model. */
export class Trace {
  constructor(
    private readonly model: Model,
    private readonly tensors: Observed,
  ) {}

  /** The tensors that an element may have been computed as, as far as that can be told before a run has chosen. */
  roots(element: Element): string[] {
    const roots = new Set<string>();
    this.#backwards(element, (region, node) => {
      if (!node) roots.add(region.tensor);
    });
    return [...roots];
  }

  /** Of the tensors that elements of one may have been computed as, those of which probabilities were made on the way. */
  logits(name: string): Set<string> {
    const found = new Set<string>();
    this.#walk(name, (_, node) => {
      if (!node || !squashing.has(node.opType)) return;
      this.#walk(first(node), (tensor, moved) => {
        if (!moved) found.add(tensor);
      });
    });
    return found;
  }

  /** All tensors that an element depends on: of what was only moved together with it, nothing. */
  behind(element: Element): Set<string> {
    const found = new Set<string>();
    this.#backwards(element, ({ tensor }, node) => {
      found.add(tensor);
      const maker = node ? undefined : this.model.producer.get(tensor);
      const read =
        maker && operatorOf(maker)?.vjp !== "zero"
          ? inputsOf(maker).filter((name) => name && !this.model.constants.has(name))
          : [];
      return read.map((name) => ({ tensor: name, ranges: (this.tensors.get(name)?.dims ?? []).map(all) }));
    });
    return found;
  }

  /** Visits the regions that an element may come from, each with the node that moved it; what a visit returns is visited too. */
  #backwards(
    { tensor, index }: Element,
    visit: (region: Region, node: NodeProto | undefined) => readonly Region[] | void,
  ): void {
    const seen = new Set<string>();
    const open: Region[] = [{ tensor, ranges: index.map((i) => [i, i + 1]) }];
    for (let region = open.pop(); region; region = open.pop()) {
      const key = JSON.stringify([region.tensor, region.ranges]);
      if (seen.has(key) || seen.has(region.tensor)) continue;
      seen.add(key);
      const dims = this.tensors.get(region.tensor)?.dims ?? [];
      if (region.ranges.every(([from, to], i) => from === 0 && to >= (dims[i] ?? 0))) seen.add(region.tensor);
      const node = this.model.producer.get(region.tensor);
      const isMoved = node && this.#mover(node) && !(node.opType === "TopK" && node.output[0] !== region.tensor);
      const more = visit(region, isMoved ? node : undefined) ?? [];
      if (isMoved) open.push(...regionsBehind(this.model, this.tensors, node, region, this.#movedBy(node)));
      open.push(...more);
    }
  }

  /** Where an element was computed, before any run; undefined where only a run can tell. */
  rootOf(element: Element): string | undefined {
    return this.needs(element.tensor).length ? undefined : this.source(element).tensor;
  }

  /** What a run must hand over for the elements of a tensor to be traced: what chooses, and what has a shape that only the run knows. */
  needs(name: string): string[] {
    const needed = new Set<string>();
    const known = (tensor: string) => ofOne(this.tensors.get(tensor)) !== undefined;
    const wants = (tensor: string | undefined) => {
      if (tensor && !this.model.constants.has(tensor)) needed.add(tensor);
    };
    this.#walk(name, (tensor, node) => {
      if (!known(tensor)) wants(tensor);
      const mover = node && movers[node.opType];
      if (!node || !mover) return;
      for (const i of mover.chosenBy ?? []) wants(node.input[i]);
      if (mover.ownIndices) wants(node.output[1]);
    });
    return [...needed];
  }

  /** Where an element was computed. */
  source(element: Element, run: RunValues = nothing): Source {
    const through: string[] = [];
    let here = element;
    for (;;) {
      const next = this.#back(here, run);
      if (!next) return { ...here, through };
      const { opType } = present(this.model.producer.get(here.tensor), "a node");
      if (squashing.has(opType)) through.push(opType);
      here = next;
    }
  }

  /** The node that only moved the values of a tensor, and the inputs that they were; undefined for what was computed. */
  movedFrom(tensor: string): { readonly node: NodeProto; readonly from: readonly string[] } | undefined {
    const node = this.model.producer.get(tensor);
    if (!node || !this.#mover(node) || (node.opType === "TopK" && node.output[0] !== tensor)) return undefined;
    return { node, from: this.#movedBy(node) };
  }

  /** Whether a node of some type made a tensor. */
  isMadeBy(tensor: string, opTypes: readonly string[]): boolean {
    return opTypes.includes(this.model.producer.get(tensor)?.opType ?? "");
  }

  #back({ tensor, index }: Element, run: RunValues): Element | undefined {
    const node = this.model.producer.get(tensor);
    if (!node) return undefined;
    const dims = (name: string) => {
      const known = run.dims(name) ?? ofOne(this.tensors.get(name));
      if (!known) throw new InternalError(`the shape of "${name}" is not known`);
      return known;
    };
    const values = (name: string | undefined): ArrayLike<number | bigint> => {
      if (!name) return [];
      const known = constantValues(this.model, name) ?? run.values(name) ?? this.tensors.get(name)?.values;
      if (!known) throw new InternalError(`the numbers of "${name}" are not known`);
      return known;
    };
    const back = this.#mover(node);
    const which = node.output.indexOf(tensor);
    return back?.({ node, a: new Attributes(node), index, output: tensor, which, dims, values });
  }

  #mover(node: NodeProto): Back | undefined {
    if (squashing.has(node.opType)) return same;
    if (Object.hasOwn(movers, node.opType)) return movers[node.opType]?.back;
    const probabilities = node.input.every((name) => this.#isProbability(name));
    return node.opType === "Mul" && node.input.length === 2 && probabilities ? factor : undefined;
  }

  #isProbability(name: string): boolean {
    const node = this.model.producer.get(name);
    if (!node) return false;
    if (squashing.has(node.opType)) return true;
    return Object.hasOwn(movers, node.opType) && this.#isProbability(first(node));
  }

  /** Visits all tensors that elements of one may have passed, each with the node that moved it, or none where it was computed. */
  #walk(name: string, visit: (tensor: string, node: NodeProto | undefined) => void): void {
    const seen = new Set<string>();
    const open = [name];
    for (let tensor = open.pop(); tensor !== undefined; tensor = open.pop()) {
      if (seen.has(tensor)) continue;
      seen.add(tensor);
      const node = this.model.producer.get(tensor);
      const moved = node && this.#mover(node) && !(node.opType === "TopK" && node.output[0] !== tensor);
      visit(tensor, moved ? node : undefined);
      if (moved) open.push(...this.#movedBy(node));
    }
  }

  #movedBy(node: NodeProto): string[] {
    if (node.opType === "Concat") return node.input;
    if (node.opType === "ScatterND") return node.input.slice(2);
    if (node.opType !== "Mul") return [first(node)];
    const sizes = node.input.map((name) => product((this.tensors.get(name)?.dims ?? []).map((d) => Math.max(1, d))));
    const most = Math.max(...sizes);
    return node.input.filter((_, i) => sizes[i] === most);
  }
}

const first = (node: NodeProto): string => present(node.input[0], "an input");
const at = (list: ArrayLike<number | bigint>, i: number): number => Number(present(list[i], "a number"));
const positive = (place: number, size: number): number => (place < 0 ? place + size : place);

/** An index with a place for each axis that was reduced away. */
function unreduced(index: readonly number[], axes: readonly number[]): number[] {
  const whole = [...index];
  for (const axis of axes.toSorted((a, b) => a - b)) whole.splice(axis, 0, 0);
  return whole;
}

/** The place of an index in row-major order. */
export const ravel = (index: readonly number[], dims: readonly number[]): number =>
  dims.reduce((place, size, axis) => place * size + at(index, axis), 0);

/** The index of a place in row-major order. */
export function unravel(place: number, dims: readonly number[]): number[] {
  const index: number[] = [];
  let rest = place;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    index[axis] = rest % at(dims, axis);
    rest = Math.floor(rest / at(dims, axis));
  }
  return index;
}

/** An index of a tensor that was spread over more places. */
function broadcast(index: readonly number[], dims: readonly number[]): number[] {
  const offset = index.length - dims.length;
  return dims.map((size, axis) => (size === 1 ? 0 : at(index, axis + offset)));
}
