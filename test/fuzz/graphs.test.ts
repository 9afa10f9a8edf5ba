/** @file Random graphs made of the operators of the table: every gradient is checked, and a failure is shrunk to its smallest graph. */
import { expect, test } from "vitest";
import { seeds, timeout } from "./budget.ts";
import { generate } from "./generate.ts";
import { print } from "./graph.ts";
import { shrink } from "./shrink.ts";
import { type Verdict, verdict } from "./verdict.ts";

test("gradients of random graphs", { timeout }, async () => {
  const count = { right: 0, exact: 0, refused: 0, undecided: 0, wrong: 0, nodes: 0 };
  const refused = new Map<string, number>();
  const failures: string[] = [];
  for (const seed of seeds(120)) {
    const { graph } = await generate(seed);
    if (graph.steps.length === 0) continue;
    const found = await verdict(graph, seed);
    count[found.is]++;
    count.nodes += graph.steps.length;
    if (found.is === "right" && found.exact) count.exact++;
    if (found.is === "refused") refused.set(found.why, (refused.get(found.why) ?? 0) + 1);
    if (found.is !== "wrong") continue;
    const kind = kindOf(found);
    const smallest = await shrink(graph, async (smaller) => kindOf(await verdict(smaller, seed)) === kind);
    const why = await verdict(smallest, seed);
    failures.push(`seed ${seed}: ${"why" in why ? why.why : found.why}\n${print(smallest)}`);
    if (process.env.FUZZ_SECONDS) console.log(failures.at(-1));
  }
  console.log(`random graphs: ${JSON.stringify(count)}`);
  if (process.env.FUZZ_SECONDS) for (const [why, times] of refused) console.log(`refused ${times} times: ${why}`);
  expect(failures.join("\n\n")).toBe("");
  // A fuzzer that refuses or gives up proves nothing.
  expect(count.right).toBeGreaterThan(3 * (count.refused + count.undecided));
});

/** A wrong number, or the words of an error without its names. */
const kindOf = (found: Verdict): string => {
  if (found.is !== "wrong") return found.is;
  return found.why.startsWith("d ") ? "number" : found.why.replace(/"[^"]*"|[0-9,]+/g, "");
};
