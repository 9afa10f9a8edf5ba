/** @file How responsible each cell is for that a score is kept: a picture is divided, and divided again where it matters. */
import { range } from "../../onnx/dims.ts";

/** From which cell to which, the end not counted, along each axis. */
export type CellBox = readonly (readonly [from: number, to: number])[];

/** Which of several sets of cells are sufficient, and their scores. */
export type Sufficiency = (
  sets: readonly Uint8Array[],
  done: number,
) => Promise<{ readonly scores: ArrayLike<number>; readonly sufficient: (s: number) => boolean }>;

/** A box divided in two along each axis that has more than one cell, at a place from 1 on in front of the end. */
export const dividedAt = (box: CellBox, placeIn: (least: number, most: number) => number): CellBox[] =>
  box.reduce<CellBox[]>(
    (boxes, [from, to]) => {
      if (to - from < 2) return boxes.map((one) => [...one, [from, to]]);
      const at = placeIn(from + 1, to);
      return boxes.flatMap((one) => [
        [...one, [from, at]],
        [...one, [at, to]],
      ]);
    },
    [[]],
  );

/** The cells of a box, row-major in a grid of so many along each axis. */
export const cellsIn = (box: CellBox, along: readonly number[]): number[] =>
  box.reduce<number[]>(
    (cells, [from, to], axis) => cells.flatMap((cell) => range(to - from).map((i) => cell * along[axis] + from + i)),
    [0],
  );

/** A box that is to be divided, with what is shown beside it. */
interface Job {
  readonly box: CellBox;
  readonly beside: Uint8Array;
}

/** How responsible each cell is, by one way of dividing; a part's responsibility is that of its cells unless they are divided again. */
export async function responsibilities(
  whole: CellBox,
  cells: number,
  along: readonly number[],
  divide: (box: CellBox) => CellBox[],
  suffice: (sets: readonly Uint8Array[]) => ReturnType<Sufficiency>,
): Promise<Float64Array> {
  const responsible = new Float64Array(cells);
  for (let jobs: Job[] = [{ box: whole, beside: new Uint8Array(cells) }]; jobs.length > 0; ) {
    const tried = jobs.map(({ box, beside }) => {
      const parts = divide(box);
      const setOf = (subset: number) => shown(beside, parts, subset, along);
      return { beside, parts, setOf, subsets: 2 ** parts.length };
    });
    const sets = tried.flatMap(({ subsets, setOf }) => range(subsets).map(setOf));
    const { scores, sufficient } = await suffice(sets);
    const next: Job[] = [];
    let first = 0;
    for (const { beside, parts, subsets } of tried) {
      const from = first;
      first += subsets;
      const isSufficient = range(subsets).map((subset) => sufficient(from + subset));
      for (const [i, share] of partResponsibilities(isSufficient, parts.length).entries())
        for (const cell of cellsIn(parts[i], along)) responsible[cell] = share;
      const smallest = smallestOf(isSufficient, (subset) => scores[from + subset]);
      for (const i of range(parts.length))
        if ((smallest >> i) & 1 && cellsIn(parts[i], along).length > 1)
          next.push({ box: parts[i], beside: shown(beside, parts, smallest & ~(1 << i), along) });
    }
    jobs = next;
  }
  return responsible;
}

/**
 * r_i = 1 / (1 + fewest others hidden) over the subsets that are sufficient with part i, and not without it; 0 where there is none.
 * @param isSufficient of each subset, by its bits
 */
export const partResponsibilities = (isSufficient: readonly boolean[], parts: number): number[] =>
  range(parts).map((i) =>
    isSufficient.reduce((most, sufficient, subset) => {
      const decides = sufficient && (subset >> i) & 1 && !isSufficient[subset & ~(1 << i)];
      return decides ? Math.max(most, 1 / (1 + parts - sizeOf(subset))) : most;
    }, 0),
  );

/** Of the sufficient subsets of the fewest parts the one of the highest score; the empty one where none is sufficient. */
function smallestOf(isSufficient: readonly boolean[], scoreOf: (subset: number) => number): number {
  const sufficient = range(isSufficient.length).filter((subset) => isSufficient[subset]);
  sufficient.sort((a, b) => sizeOf(a) - sizeOf(b) || scoreOf(b) - scoreOf(a));
  return sufficient[0] ?? 0;
}

const sizeOf = (subset: number): number => range(31).filter((bit) => (subset >> bit) & 1).length;

function shown(beside: Uint8Array, parts: readonly CellBox[], subset: number, along: readonly number[]): Uint8Array {
  const set = beside.slice();
  for (const [i, part] of parts.entries())
    if ((subset >> i) & 1) for (const cell of cellsIn(part, along)) set[cell] = 1;
  return set;
}
