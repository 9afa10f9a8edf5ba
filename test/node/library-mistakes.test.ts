/**
 * @file What docs/library.md and docs/targets.md call a mistake of the caller: each is a `UserError` of one line that says what was given
 * and what is allowed, as somebody without types meets it. Never a TypeError, and never a success without a word.
 */

import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile as compileTyped } from "../../src/compile.ts";
import * as everywhere from "../../src/index.ts";
import * as inNode from "../../src/node.ts";
import { classMethods } from "../class-methods.ts";
import { example } from "../cli/run.ts";
import { gap, images } from "../nets.ts";

/** A call as JavaScript makes it. */
type Untyped = (...given: unknown[]) => unknown;
const untyped = (call: unknown): Untyped => call as Untyped;

const vjp = untyped(everywhere.vjp);
const checkVjp = untyped(everywhere.checkVjp);
const openExplainer = untyped(everywhere.openExplainer);
const compile = untyped(compileTyped);
const [load, decode, overlay, compareMaps, writeWhy, compileFile, loadCaptioner, loadAnswerer] = [
  ...[inNode.load, inNode.decode, inNode.overlay, inNode.compareMaps, inNode.writeWhy],
  ...[inNode.compileFile, inNode.loadCaptioner, inNode.loadAnswerer],
].map(untyped);

const bytes = gap();
const feeds = images();
const seed = new ort.Tensor("float32", new Float32Array(10).fill(1), [2, 5]);
const whole = { feeds, seeds: { logits: seed }, wrt: ["x"] };

let explainer: everywhere.Explainer;
let forward: everywhere.Forward;
let model: inNode.LoadedClassifier;
let why: inNode.Why;
let captioner: inNode.LoadedCaptioner;
let answerer: inNode.LoadedAnswerer;
beforeAll(async () => {
  explainer = await everywhere.openExplainer(ort, bytes);
  forward = await explainer.forward(feeds);
  model = await inNode.load();
  why = await model.explain(example);
  captioner = await inNode.loadCaptioner();
  answerer = await inNode.loadAnswerer();
});
afterAll(async () => {
  await explainer.release();
  await model.release();
  await captioner.release();
  await answerer.release();
});

const explain: Untyped = (target, more = {}) =>
  untyped(explainer.explain.bind(explainer))(feeds, { target, ...(more as object) });
const asked: Untyped = (options) => untyped(model.explain.bind(model))(example, options);
const seen: Untyped = (sample) => untyped(model.explain.bind(model))(sample);
const forms = /allowed are a class index, a list of them, { each }, { for, against }, { counterfactual } and { seeds }/;

const option = "invalid-option";
type Row = readonly [what: string, call: () => unknown, code: string, words: RegExp];
const mistakes: Readonly<Record<string, readonly Row[]>> = {
  vjp: [
    [
      "no options",
      () => vjp(ort, bytes),
      option,
      /invalid options of vjp: undefined; allowed is an object of feeds, seeds, wrt/,
    ],
    [
      "a misspelt option",
      () => vjp(ort, bytes, { ...whole, rule: "guided" }),
      option,
      /unknown option of vjp: "rule"; allowed are feeds, seeds, wrt, rules, session/,
    ],
    ["no feeds", () => vjp(ort, bytes, { ...whole, feeds: undefined }), option, /invalid feeds: undefined/],
    [
      "a feed that is no tensor",
      () => vjp(ort, bytes, { ...whole, feeds: { x: new Float32Array(3) } }),
      "invalid-input",
      /invalid input: "x"/,
    ],
    ["no seeds", () => vjp(ort, bytes, { ...whole, seeds: undefined }), option, /invalid seeds: undefined/],
    [
      "a seed that is none",
      () => vjp(ort, bytes, { ...whole, seeds: { logits: null } }),
      "invalid-input",
      /invalid seed: "logits" takes float32/,
    ],
    [
      "a seed of another shape",
      () => vjp(ort, bytes, { ...whole, seeds: { logits: feeds.x } }),
      "invalid-input",
      /has shape/,
    ],
    ["a seed for nothing", () => vjp(ort, bytes, { ...whole, seeds: { nix: seed } }), "unknown-name", /nix/],
    [
      "one name for wrt",
      () => vjp(ort, bytes, { ...whole, wrt: "x" }),
      option,
      /invalid wrt: "x"; allowed is a list of names/,
    ],
    ["no wrt", () => vjp(ort, bytes, { feeds, seeds: whole.seeds }), option, /invalid wrt: undefined/],
    ["an unknown tensor", () => vjp(ort, bytes, { ...whole, wrt: ["nix"] }), "unknown-name", /unknown tensor: "nix"/],
    [
      "unknown rules",
      () => vjp(ort, bytes, { ...whole, rules: "x" }),
      option,
      /unknown rules: "x"; allowed are plain, guided, deconv, excitation/,
    ],
    [
      "rules in an object",
      () => vjp(ort, bytes, { ...whole, rules: { Relu: () => [] } }),
      option,
      /invalid rules: { Relu }; allowed is .* or a Map/,
    ],
    [
      "a rule that is none",
      () => vjp(ort, bytes, { ...whole, rules: new Map([["Relu", 5]]) }),
      option,
      /invalid rule of Relu: 5/,
    ],
    [
      "a rule that returns nothing",
      () => vjp(ort, bytes, { ...whole, rules: new Map([["Relu", () => undefined]]) }),
      option,
      /rule of Relu.*returns a list of gradients/,
    ],
    [
      "a path in place of bytes",
      () => vjp(ort, "net.onnx", whole),
      option,
      /invalid model: "net.onnx"; allowed is an ONNX file's bytes/,
    ],
    ["no bytes", () => vjp(ort, undefined, whole), option, /invalid model: undefined/],
    ["an empty file", () => vjp(ort, new Uint8Array(), whole), "invalid-model", /it is empty/],
    ["no runtime", () => vjp({}, bytes, whole), option, /invalid runtime/],
  ],
  checkVjp: [
    [
      "a misspelt option",
      () => checkVjp(ort, bytes, { feeds, steps: 1 }),
      option,
      /unknown option of checkVjp: "steps"/,
    ],
    ["no feeds", () => checkVjp(ort, bytes, {}), option, /invalid feeds/],
    ["a step backwards", () => checkVjp(ort, bytes, { feeds, step: -1 }), option, /invalid step: -1/],
    ["no direction", () => checkVjp(ort, bytes, { feeds, directions: 0 }), option, /invalid directions: 0/],
  ],
  openExplainer: [
    [
      "a misspelt option",
      () => openExplainer(ort, bytes, { layers: "x" }),
      option,
      /unknown option of openExplainer: "layers"; allowed are output, explainInput, layout, layer, tokens, inputShapes, session/,
    ],
    ["an unknown output", () => openExplainer(ort, bytes, { output: "nix" }), "unknown-name", /unknown output: "nix"/],
    ["an unknown layer", () => openExplainer(ort, bytes, { layer: "nix" }), "unknown-name", /unknown layer: "nix"/],
    ["tokens in words", () => openExplainer(ort, bytes, { tokens: "14x14" }), option, /invalid tokens: "14x14"/],
  ],
  "explain and its target": [
    ["no feeds", () => untyped(explainer.explain.bind(explainer))(), option, /invalid feeds: undefined/],
    ["a misspelt option", () => explain(0, { metod: "gradient" }), option, /unknown option of explain: "metod"/],
    ["a class in words", () => explain("281"), option, forms],
    ["a BigInt", () => explain(2n), option, forms],
    ["null", () => explain(null), option, forms],
    ["each of a number", () => explain({ each: 2 }), option, forms],
    ["each of nothing", () => explain({ each: [] }), option, /no class is given/],
    ["each, and something else", () => explain({ each: [1], other: 1 }), option, forms],
    ["two forms", () => explain({ for: 1, against: 2, each: [1] }), option, forms],
    ["for without against", () => explain({ for: 1 }), option, forms],
    ["no seeds", () => explain({ seeds: {} }), option, forms],
    ["a seed in front of the layer", () => explain({ seeds: { x: feeds.x } }), "no-path", /no path/],
    ["one class for two images", () => explain([1]), option, /1 classes for 2 images/],
    ["a class out of range", () => explain(5), "unknown-name", /unknown class: 5; allowed are 0 to 4/],
    ["no number", () => explain(Number.NaN), "unknown-name", /unknown class: NaN/],
    [
      "seeds for occlusion",
      () => explain({ seeds: { logits: seed } }, { method: "occlusion" }),
      option,
      /takes a class, not seeds/,
    ],
    [
      "an unknown method",
      () => explain(0, { method: "gradcam" }),
      "unknown-name",
      /unknown method: "gradcam"; allowed are grad-cam/,
    ],
    ["no function to tell", () => explain(0, { onProgress: 5 }), option, /invalid onProgress: 5/],
    ["no signal", () => explain(0, { signal: 5 }), option, /invalid signal: 5/],
    ["a signal that has been given", () => explain(0, { signal: AbortSignal.abort() }), "cancelled", /^cancelled$/],
    [
      "a layer for a forward pass that is over",
      () => untyped(forward.explain.bind(forward))({ layer: "x" }),
      option,
      /unknown option of explain of a forward pass: "layer"/,
    ],
    [
      "a misspelt option of forward",
      () => untyped(explainer.forward.bind(explainer))(feeds, { layr: "x" }),
      option,
      /unknown option of forward: "layr"/,
    ],
  ],
  compile: [
    ["nothing", () => compile(), option, /invalid explainer: undefined/],
    [
      "a misspelt option",
      () => compile(explainer, { methods: "x" }),
      option,
      /unknown option of compile: "methods"; allowed are method, options, classInput, notes/,
    ],
    ["a method of many runs", () => compile(explainer, { method: "occlusion" }), option, /takes many runs/],
    [
      "another class input",
      () => compile(explainer, { classInput: "x" }),
      option,
      /invalid classInput: "x"; allowed is optional, required/,
    ],
    [
      "a misspelt option of compileFile",
      () => compileFile(undefined, { outt: "x" }),
      option,
      /unknown option of compileFile: "outt"; allowed are .*out/,
    ],
  ],
  load: [
    ["a number", () => load(5), option, /invalid model: 5; allowed is the path/],
    [
      "a misspelt option",
      () => load(undefined, { label: ["a"] }),
      option,
      /unknown option of load: "label"; allowed are .*labels/,
    ],
    ["labels of numbers", () => load(undefined, { labels: [1, 2] }), option, /invalid labels: \[1,2\]/],
    [
      "too many labels",
      () => load(undefined, { labels: Array(1001).fill("a") }),
      "invalid-input",
      /1001 names for a model of 1000/,
    ],
    ["a mean in words", () => load(undefined, { mean: "0,0,0" }), option, /invalid mean: "0,0,0"/],
    ["a deviation of 0", () => load(undefined, { std: [0] }), option, /invalid std.*other than 0/],
    ["another layout", () => load(undefined, { layout: "HWC" }), option, /invalid layout: "HWC" .*as NCHW or NHWC/],
    [
      "an input that is not there",
      () => load(undefined, { inputs: { nix: "a.npy" } }),
      "unknown-name",
      /unknown input: "nix"/,
    ],
    [
      "a provider that is not there",
      () => load(undefined, { session: { executionProviders: ["nix"] } }),
      option,
      /unknown provider: "nix"/,
    ],
    ...["cpu", 5, [5], [{}]].map(
      (executionProviders): Row => [
        `as providers ${JSON.stringify(executionProviders)}`,
        () => load(undefined, { session: { executionProviders: executionProviders as string[] } }),
        option,
        /invalid executionProviders: .*; allowed is a list of names/,
      ],
    ),
    ["no file", () => load("nix.onnx"), "missing-file", /nix\.onnx/],
  ],
  "explain of a picture": [
    ["nothing", () => seen(undefined), option, /invalid sample: undefined; allowed is a picture/],
    ["an ArrayBuffer", () => seen(new ArrayBuffer(4)), option, /invalid sample/],
    ["a list of files", () => seen([example, example]), option, /invalid sample: a list of 2/],
    ["too few pixels", () => seen({ width: 2, height: 2, data: new Uint8Array(3) }), option, /three bytes a pixel/],
    ["a sound without channels", () => seen({ channels: [] }), option, /invalid channels/],
    [
      "an array of another shape",
      () => seen({ data: new Float32Array(3), dims: [3] }),
      "invalid-input",
      /takes an array of shape/,
    ],
    ["no picture", () => seen(new Uint8Array([1, 2])), "invalid-image", /invalid image/],
    [
      "a misspelt option",
      () => asked({ clases: ["top3"] }),
      option,
      /unknown option of explain: "clases"; allowed are .*classes/,
    ],
    ["the command line's option", () => asked({ class: "espresso" }), option, /unknown option of explain: "class"/],
    ["null", () => asked(null), option, /invalid options of explain: null/],
    [
      "a class that is no list",
      () => asked({ classes: "espresso" }),
      option,
      /invalid classes: "espresso"; allowed is a list/,
    ],
    ["no class", () => asked({ classes: [] }), option, /no class is given/],
    ["half a class", () => asked({ classes: [967.5] }), "unknown-name", /unknown class: "967.5"/],
    ["no method", () => asked({ method: [] }), option, /invalid method/],
    ["an unknown method", () => asked({ method: "gradcam" }), "unknown-name", /unknown method: "gradcam"/],
    ["against several", () => asked({ against: "top2" }), option, /invalid against: "top2"; allowed is one class/],
    ["against a list", () => asked({ against: ["cup"] }), option, /invalid against/],
    ["inputs that are none", () => asked({ inputs: 5 }), option, /invalid inputs: 5/],
    ["a layer that is not there", () => asked({ layer: "nix" }), "unknown-name", /unknown layer: "nix"/],
    ["a signal that has been given", () => asked({ signal: AbortSignal.abort() }), "cancelled", /^cancelled$/],
  ],
  "pictures and files": [
    ["no image", () => decode(5), option, /invalid image: 5/],
    ["a limit in words", () => decode(example, { maxPixels: "many" }), option, /invalid maxPixels/],
    ["no map to lay over", () => overlay(why.picture, {}), option, /invalid map/],
    ["no maps to compare", () => compareMaps({}, {}), option, /invalid map/],
    ["no answer to write", () => writeWhy(undefined, {}), option, /invalid answer: undefined/],
    ["a misspelt option", () => writeWhy(why, { dir: "x", stem: "a" }), option, /unknown option of writeWhy: "dir"/],
  ],
  "captions and answers": [
    ["no directory", () => loadCaptioner(5), option, /invalid model: 5/],
    [
      "a misspelt option of loadCaptioner",
      () => loadCaptioner(undefined, { labels: [] }),
      option,
      /unknown option of loadCaptioner: "labels"/,
    ],
    [
      "a misspelt option of loadAnswerer",
      () => loadAnswerer(undefined, { labels: [] }),
      option,
      /unknown option of loadAnswerer: "labels"/,
    ],
    ["no picture", () => untyped(captioner.explain.bind(captioner))(undefined), option, /invalid picture: undefined/],
    [
      "a misspelt option",
      () => untyped(captioner.explain.bind(captioner))(why.picture, { word: ["a"] }),
      option,
      /unknown option of a captioner's explain: "word"/,
    ],
    [
      "words that are no list",
      () => untyped(captioner.explain.bind(captioner))(why.picture, { words: "a" }),
      option,
      /invalid words: "a"/,
    ],
    [
      "a caption that is a number",
      () => untyped(captioner.explain.bind(captioner))(why.picture, { caption: 5 }),
      option,
      /invalid caption: 5/,
    ],
    ["no question", () => untyped(answerer.ask.bind(answerer))(why.picture), option, /invalid question: undefined/],
    [
      "a misspelt option of ask",
      () => untyped(answerer.ask.bind(answerer))(why.picture, "what colour is the circle?", { answer: [] }),
      option,
      /unknown option of ask: "answer"/,
    ],
  ],
};

describe.each(Object.entries(mistakes))("%s", (_, rows) => {
  test.each(rows)("%s", async (_what, call, code, words) => {
    const error = await Promise.resolve()
      .then(call)
      .catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(everywhere.UserError);
    const { code: seenCode, message } = error as everywhere.UserError;
    expect(message).toMatch(words);
    expect(seenCode).toBe(code);
    expect(message).not.toMatch(/\n|\.js:\d|\.ts:\d/);
  });
});

test("a model that was released says so", async () => {
  const one = await everywhere.openExplainer(ort, bytes);
  await one.release();
  await expect(one.explain(feeds)).rejects.toThrow("open the model again");
  await expect(one.forward(feeds)).rejects.toThrow(everywhere.UserError);
});

test("an option that is undefined is one that is left out", async () => {
  const { gradients } = await everywhere.vjp(ort, bytes, { ...whole, rules: undefined, session: undefined });
  expect(gradients.x.dims).toEqual([2, 3, 8, 8]);
});

test("of no samples and no steps everything is done", async () => {
  const told: number[] = [];
  const names = classMethods.map(({ name }) => name);
  for (const method of names) await explainer.explain(feeds, { method, onProgress: (done) => told.push(done) });
  const { shareDone } = await import("../../src/methods/method.ts");
  expect(
    [...told, shareDone(0 / 0), shareDone(3 / 0), shareDone(-1), shareDone(0.5)].filter((v) => !(v >= 0 && v <= 1)),
  ).toEqual([]);
  expect(shareDone(0 / 0)).toBe(1);
});
