/**
 * @file Every method has a case that was worked out by hand, one of a peer or of the paper's equation, and one compiled or a reason why there is
 * none. Its page and picture are asked for in test/docs/methods.test.ts.
 */
import { readdirSync } from "node:fs";
import path from "node:path";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { methods, openExplainer, UserError } from "../../src/index.ts";
import type { Runtime } from "../../src/onnx/runtime.ts";
import { session } from "../explain/ask.ts";
import { gap, images, vgg } from "../nets.ts";
import { casesOf, goldenNumbers, readTest, testFiles } from "./evidence.ts";

/** Cases on paper: files named for them, and those of methods whose numbers a loop of the test works out. */
const byHand = testFiles(/^(methods\/(.*by-hand|occlusion)|detect\/d-rise)\.test\.ts$/).flatMap(casesOf);
const goldens = goldenNumbers();
const goldenTests = testFiles(/^(methods|detect)\/.*\.test\.ts$/).filter((file) => !/evidence|registry/.test(file));

test("cases are found, and what is none is not taken for one", () => {
  const titled = (title: string) => byHand.find((one) => one.title === title);
  expect(titled("element-wise: [1 0 0 -3] and [0 8 3 0], each rectified")).toMatchObject({ compares: true });
  expect([...(titled("element-wise: [1 0 0 -3] and [0 8 3 0], each rectified")?.texts ?? [])]).toContain(
    "element-wise-grad-cam",
  );
  const refusal = titled("cam refuses a head that is linear but not pooled, and one that is not linear");
  expect(refusal).toMatchObject({ compares: false });
  expect(goldens.get("grad-cam")?.[0]?.values.length).toBe(160);
});

/** How often a session ran. */
function counting() {
  let runs = 0;
  const create = async (bytes: Uint8Array, options?: ort.InferenceSession.SessionOptions) => {
    const made = await ort.InferenceSession.create(bytes, options);
    const run = made.run.bind(made) as (...given: unknown[]) => unknown;
    Object.assign(made, {
      run: (...given: unknown[]) => {
        runs++;
        return run(...given);
      },
    });
    return made;
  };
  const runtime = { ...ort, InferenceSession: { create } } as unknown as Runtime;
  return { runtime, runs: () => runs };
}

describe.each(methods.map((method) => [method.name, method] as const))("%s", (name, method) => {
  test("is a file of its own", () => {
    const found = readdirSync(new URL("../../src/methods", import.meta.url), { recursive: true, encoding: "utf8" });
    const own = found.filter((file) => path.basename(file) === `${name}.ts`);
    expect(own, `write src/methods/${name}.ts`).toHaveLength(1);
  });

  test("has a case by hand", () => {
    const own = byHand.filter(({ texts, compares }) => compares && texts.has(name));
    expect(own.length, `work out a map of ${name} in test/methods/by-hand.test.ts`).toBeGreaterThan(0);
  });

  test("has a case of its peer, or of its equation", () => {
    const named = (key: string) => key === name || key.startsWith(`${name} `);
    const own = [...goldens]
      .filter(([key]) => named(key) || (name === "d-rise" && goldens.get(key)?.some(({ file }) => /d-rise/.test(file))))
      .flatMap(([, found]) => found)
      .filter(({ values }) => new Set(values).size > 3);
    expect(own.length, `make a golden case for ${name} by a script, as test/methods/make_goldens.py`).toBeGreaterThan(
      0,
    );
    const compared = own.some(({ file }) =>
      goldenTests.some(
        (one) =>
          readTest(one).includes(file.split("/").at(-1) ?? file) && casesOf(one).some(({ texts }) => texts.has(name)),
      ),
    );
    expect(compared, `no test compares ${name} with ${own.map(({ file }) => file).join(", ")}`).toBe(true);
  });

  test.skipIf(method.graph)("says why it is not compiled, or takes many runs as it says by default", async () => {
    if (method.uncompiled) return expect(method.uncompiled).toMatch(/^[a-z][^\n]{15,}[^.]$/);
    const { runtime, runs } = counting();
    for (const net of [vgg(), gap()]) {
      await using explainer = await openExplainer(runtime, net, { session });
      const before = runs();
      const asked = await explainer.explain(images(1), { method: name, target: 0 }).catch((error: unknown) => error);
      if (asked instanceof UserError) continue;
      if (asked instanceof Error) throw asked;
      return expect(runs() - before, `say in "uncompiled" why ${name} is not`).toBeGreaterThan(1);
    }
    // Who answers neither is a method of other tasks.
    expect(method.tasks?.includes("classification") ?? true, `say in "uncompiled" why ${name} is not`).toBe(false);
  });
});
