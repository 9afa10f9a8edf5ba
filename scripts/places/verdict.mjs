/** @file What every place must find, and whether one did. */

/** Of Grad-CAM for "espresso" on examples/images/cat-and-cup.jpg: the map's peak in the picture, and the sum of the raw map. */
export const expected = { peak: { x: 379, y: 179 }, sum: 8.63392 };
const tolerance = 1e-5;

/** A place that this machine cannot be: said, and no failure. */
export class NotRun extends Error {}

export function differences(found) {
  return Object.entries(found).flatMap(([where, one]) => {
    if (one.error) return `${where}: ${one.error}`;
    if (one.said !== undefined) return one.right ? [] : `${where}: ${one.said}`;
    const { peak, sum } = one;
    const near = Math.abs(sum - expected.sum) <= tolerance * expected.sum;
    if (peak?.x === expected.peak.x && peak?.y === expected.peak.y && near) return [];
    return `${where}: peak ${peak?.x},${peak?.y}, sum ${sum}`;
  });
}

/** Runs a row. @returns its name, state, and the words of its table line */
export async function judged({ kind, name, note, run }) {
  const of = (state, outcome, rest = {}) => ({ kind, name, note, state, outcome, ...rest });
  try {
    const ran = await run(); // { version?, found, note? }
    const wrong = differences(ran.found);
    if (wrong.length) return of("failed", `failed: ${wrong.join("; ")}`, ran);
    return of("passed", `passed: ${Object.keys(ran.found).join(", ")}`, ran);
  } catch (error) {
    if (error instanceof NotRun) return of("not run", `not run: ${error.message}`);
    return of("failed", `failed: ${error.message}`);
  }
}
