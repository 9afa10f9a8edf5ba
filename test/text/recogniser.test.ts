/** @file What a recogniser of bars reads and explains, in every order of the scores' axes; each character's map is on its own bar. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { decodeModel, encodeModel, makeEntries } from "../../src/onnx/proto.ts";
import type { Runtime } from "../../src/onnx/runtime.ts";
import { readNamed } from "../../src/tasks/open.ts";
import { openParts, orRelease } from "../../src/tasks/opened.ts";
import { openSubject } from "../../src/tasks/subject.ts";
import { type BarsOptions, bars, cells } from "./bars.ts";

/** Nothing, a, a, nothing, b, a, nothing, b: "aaab" would be wrong. */
const line = [0, 0.5, 0.5, 0, 1, 0.5, 0, 1];

async function opened(options: BarsOptions, labels: readonly string[] = ["a", "b"], task?: "text-recognition") {
  const runtime = ort as unknown as Runtime;
  const model = await readNamed(bars(options), "bars.onnx");
  const { explainer, reading } = await openParts(runtime, { name: "bars", file: "bars.onnx", model, labels }, { task });
  return orRelease(explainer, () => openSubject(runtime, explainer, reading, {}));
}

const sample = () => ({ data: cells(line), dims: [1, 4, 32] });

describe.each<BarsOptions>([
  {},
  { free: true },
  { softmax: true },
  { blank: "last" },
  { order: "TnC" },
  { order: "TnC", blank: "last", softmax: true },
])("%o", (options) => {
  test("reads the line, and each character is where it stands", async () => {
    const subject = await opened(options);
    expect(subject.reading).toMatchObject({ task: "text-recognition", text: { silent: options.blank ? 2 : 0 } });
    const why = await subject.explain(sample());
    expect(why).toMatchObject({ text: "abab", predictions: [] });
    expect(why.characters?.map(({ index, character }) => [index, character])).toEqual([
      [0, "a"],
      [1, "b"],
      [2, "a"],
      [3, "b"],
    ]);
    expect(why.explanations.map(({ target, character, label }) => [target, character, label])).toEqual([
      ["char:0", 0, "a"],
      ["char:1", 1, "b"],
      ["char:2", 2, "a"],
      ["char:3", 3, "b"],
    ]);
    // The logit of b is 4 x - 3, of x = 1: the map is 4 there, and 0 elsewhere. That of a falls with |x - 0.5|, and has no evidence for it at 0.5.
    for (const at of [1, 3]) {
      const map = Array.from(why.explanations[at]?.map.data ?? []);
      const own = [0, 4, 0, 7][at];
      expect(map.map((v) => Number(v.toFixed(5)))).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((t) => (t === own ? 4 : 0)));
    }
    await subject.release();
  });
});

test("the blank and the text's probability", async () => {
  const subject = await opened({});
  const text = subject.reading.decisions.find(({ what }) => what === "text");
  expect(text).toEqual({
    ...{ what: "text", value: "CTC, blank is class 0", guess: true, option: "--labels" },
    because: "it is said at 8 of 8 steps of an empty picture",
  });
  const { probability = 0, characters = [] } = await subject.explain(sample());
  // Logits [1, -2, -3], [-1, 2, -1] and [-3, -2, 1] of a cell.
  expect(characters[0]?.probability).toBeCloseTo(1 / (1 + 2 * Math.exp(-3)), 5);
  expect(probability).toBeGreaterThan(0.4);
  expect(probability).toBeLessThan(1);
  await subject.release();
});

describe("questions", () => {
  test("the best, one rather than another, the opposite", async () => {
    const subject = await opened({});
    const why = await subject.explain(sample(), { targets: ["char:top2", "char:1 ~ char:0", "not:char:3"] });
    expect(why.explanations.map(({ target, question }) => [target, question])).toEqual([
      ["char:1", '"b" (character 1)'],
      ["char:3", '"b" (character 3)'],
      ["char:1 ~ char:0", '"b" (character 1) rather than "a" (character 0)'],
      ["not:char:3", 'against "b" (character 3)'],
    ]);
    await subject.release();
  });

  test.each([
    ["char:4", /^unknown character: "char:4"; allowed are 0 to 3$/],
    ["char:x", /^unknown character: "char:x"; allowed are 0 to 3$/],
    ["class:1", /^invalid target: "class:1": this model has no class to ask about; it can be asked char:0 /],
    ["text:abab", /this model has no text to ask about/],
  ])("%s is refused by what is allowed", async (target, words) => {
    const subject = await opened({});
    await expect(subject.explain(sample(), { targets: [target] })).rejects.toThrow(words);
    await subject.release();
  });
});

test("a list of another length is refused", async () => {
  await expect(opened({}, ["a", "b", "c", "d"])).rejects.toThrow(
    /^invalid labels: 4 characters for a model of 3 classes/,
  );
});

test("characters that the metadata lists are read, of a grey line without an order of colours", async () => {
  const proto = decodeModel(bars({}));
  proto.metadataProps.push(...makeEntries({ character: "a\nb\n" }));
  const runtime = ort as unknown as Runtime;
  const model = await readNamed(encodeModel(proto), "bars.onnx");
  const { explainer, reading } = await openParts(runtime, { name: "bars", file: "bars.onnx", model }, {});
  expect(reading).toMatchObject({ text: { characters: ["", "a", "b"] }, preparation: { channels: 1, mean: [0.5] } });
  await explainer.release();
});

test("without a list its characters have no names, and that is said", async () => {
  const subject = await opened({}, []);
  const why = await subject.explain(sample());
  expect(why.text).toBe("\ufffd\ufffd\ufffd\ufffd");
  expect(subject.reading.warnings.map(({ code }) => code)).toContain("labels");
  await subject.release();
});
