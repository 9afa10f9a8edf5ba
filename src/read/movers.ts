/** @file Operators that only move values, each with the way back from an element of its output to that of its input; and those that make probabilities. */
import { present } from "../errors.ts";
import { product, range } from "../onnx/dims.ts";
import type { Attributes } from "../onnx/model.ts";
import type { NodeProto } from "../onnx/proto.ts";
import { at, type Element, ravel, unravel } from "./element.ts";

export interface Step {
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
export type Back = (step: Step) => Element | undefined;

export const same: Back = ({ node, index }) => ({ tensor: first(node), index });

/** The same place in row-major order. */
const reshaped: Back = ({ node, index, output, dims }) => ({
  tensor: first(node),
  index: unravel(ravel(index, dims(output)), dims(first(node))),
});

/** Which inputs of a node choose what it moves, beside the one that is moved. */
export interface Mover {
  readonly back: Back;
  /** The inputs whose numbers must be known. */
  readonly chosenBy?: readonly number[];
  /** Whether an output that the node makes itself, the indices of a TopK, must be. */
  readonly ownIndices?: true;
}

export const squashing: ReadonlySet<string> = new Set(["Sigmoid", "Softmax", "LogSoftmax", "Sqrt"]);

/** Whether an operator makes probabilities and the like, each element of its own logit. */
export const squashes = (opType: string): boolean => squashing.has(opType);

export const movers: Readonly<Record<string, Mover>> = {
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
export const factor: Back = ({ node, index, dims }) => {
  const [left, right] = [first(node), present(node.input[1], "a factor")];
  const [a, b] = [product(dims(left)), product(dims(right))];
  if (a === b) return undefined;
  const tensor = a > b ? left : right;
  return { tensor, index: broadcast(index, dims(tensor)) };
};

export const first = (node: NodeProto): string => present(node.input[0], "an input");
export const positive = (place: number, size: number): number => (place < 0 ? place + size : place);

/** An index with a place for each axis that was reduced away. */
function unreduced(index: readonly number[], axes: readonly number[]): number[] {
  const whole = [...index];
  for (const axis of axes.toSorted((a, b) => a - b)) whole.splice(axis, 0, 0);
  return whole;
}

/** An index of a tensor that was spread over more places. */
function broadcast(index: readonly number[], dims: readonly number[]): number[] {
  const offset = index.length - dims.length;
  return dims.map((size, axis) => (size === 1 ? 0 : at(index, axis + offset)));
}
