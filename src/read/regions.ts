/** @file Regions of tensors: what elements of a node's inputs those of a region of its output may be, before a run has chosen. */
import { Attributes, constantValues, type Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import type { NodeProto } from "../onnx/proto.ts";
import { positive, squashing } from "./movers.ts";

/** Elements of a tensor, from and to which place along each axis. */
export interface Region {
  readonly tensor: string;
  readonly ranges: readonly (readonly [from: number, to: number])[];
}

/** What elements of a node's inputs those of a region of its output may be. */
export function regionsBehind(
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

export const all = (size: number): [number, number] => [0, size < 0 ? Number.POSITIVE_INFINITY : size];
