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
import { casesOf, testFiles } from "./evidence.ts";

/** Cases on paper: files named for them, and those of methods whose numbers a loop of the test works out. */
const byHand = testFiles(/^(methods\/(.*by-hand|occlusion|attention)|detect\/d-rise)\.test\.ts$/).flatMap(casesOf);
/** Cases that read numbers which a script wrote: the file's name is among what they name. */
const isGolden = (text: string) => /(goldens|d-rise)\.json$/.test(text);
const golden = testFiles(/(goldens|d-rise)\.test\.ts$/).flatMap(casesOf);

/** Why there is no peer's number, of methods with more cases by hand. */
const alone: Readonly<Record<string, string>> = {
  "minimal-sufficient":
    "a search by draws, which ReX makes in another order: what it finds is held by what makes a set minimal and sufficient",
};

test("cases are found, and what is none is not taken for one", () => {
  const titled = (title: string) => byHand.find((one) => one.title === title);
  expect(titled("element-wise: [1 0 0 -3] and [0 8 3 0], each rectified")).toMatchObject({ compares: true });
  expect([...(titled("element-wise: [1 0 0 -3] and [0 8 3 0], each rectified")?.texts ?? [])]).toContain(
    "element-wise-grad-cam",
  );
  const refusal = titled("cam refuses a head that is linear but not pooled, and one that is not linear");
  expect(refusal).toMatchObject({ compares: false });
  const layers = golden.find(({ file, texts }) => file === "methods/layer-goldens.test.ts" && texts.has("cam"));
  expect([...(layers?.texts ?? [])].filter(isGolden)).toEqual(["layer-goldens.json"]);
  const scores = golden.find(({ file, title }) => file === "methods/goldens.test.ts" && title === "the scores");
  expect(scores?.texts).not.toContain("grad-cam");
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
    const own = found.filter((file) => [`${name}.ts`, `raw-${name}.ts`].includes(path.basename(file)));
    expect(own, `write src/methods/${name}.ts`).toHaveLength(1);
  });

  test("has a case by hand", () => {
    const own = byHand.filter(({ texts, compares }) => compares && texts.has(name));
    const least = Object.hasOwn(alone, name) ? 2 : 1;
    expect(own.length, `work out a map of ${name} in test/methods/by-hand.test.ts`).toBeGreaterThanOrEqual(least);
  });

  if (!Object.hasOwn(alone, name))
    test("has a case of its peer, or of its equation", () => {
      const own = golden.filter(({ texts, compares }) => compares && texts.has(name) && [...texts].some(isGolden));
      expect(
        own.length,
        `compare ${name} with numbers that a script made, as test/methods/make_goldens.py`,
      ).toBeGreaterThan(0);
    });

  if (!method.graph)
    test("says why it is not compiled, or takes many runs as it says by default", async () => {
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
