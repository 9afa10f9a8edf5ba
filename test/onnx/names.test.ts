/** @file Tensors with names that every JavaScript object has something of. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { openExplainer, vjp } from "../../src/index.ts";
import { readModel } from "../../src/onnx/model.ts";
import { changed, decodeModel, encodeModel, makeValueInfo } from "../../src/onnx/proto.ts";
import { renamed } from "../../src/onnx/rename.ts";
import { openSession, run } from "../../src/onnx/runtime.ts";
import { distance } from "../arrays.ts";
import { randomFeeds } from "../models.ts";
import { gap, images, vgg } from "../nets.ts";

const session = { intraOpNumThreads: 1 };

/** A model that calls one tensor otherwise. */
function calling(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const proto = decodeModel(bytes);
  return encodeModel(changed(proto, { graph: renamed(proto.graph!, (name) => (name === from ? to : name)) }));
}

describe.each(["__proto__", "constructor", "toString", "hasOwnProperty"])("a tensor named %s", (odd) => {
  const { x } = images();
  const seed = randomFeeds({ logits: [2, 5] }).logits;

  test.each([
    ["the input", "x"],
    ["the output", "logits"],
    ["the layer", "features"],
    ["weights", "w"],
    ["a tensor on the way", "rectified"],
  ])("%s", async (_, from) => {
    const net = vgg();
    const bytes = calling(net, from, odd);
    const name = (of: string) => (of === from ? odd : of);
    const wrt = ["x", "features", "rectified"];
    const right = await vjp(ort, net, { feeds: { x }, seeds: { logits: seed }, wrt, session });
    const feeds = { [name("x")]: x };
    const got = await vjp(ort, bytes, { feeds, seeds: { [name("logits")]: seed }, wrt: wrt.map(name), session });
    expect(Object.keys(got.gradients)).toEqual(wrt.map(name));
    expect(Object.keys(got.outputs)).toEqual([name("logits")]);
    for (const of of wrt) expect(distance(got.gradients[name(of)], right.gradients[of]), of).toBeLessThan(1e-6);
    expect(distance(got.outputs[name("logits")], right.outputs.logits)).toBeLessThan(1e-6);

    const [plain, own] = await Promise.all([net, bytes].map((b) => openExplainer(ort, b, { session })));
    expect(own.layers.map((layer) => layer.name)).toEqual(plain.layers.map((layer) => name(layer.name)));
    for (const method of ["grad-cam", "gradient", "hires-cam"] as const)
      for (const target of [1, [1, 2], undefined] as const) {
        const maps = await plain.explain({ x }, { target, method });
        const ownMaps = await own.explain(feeds, { target, method });
        expect(distance(ownMaps.maps, maps.maps), method).toBeLessThan(1e-6);
        expect(Object.keys(ownMaps.outputs)).toEqual([name("logits")]);
      }
    await expect(own.explain({}, { target: 1 })).rejects.toThrow(/^missing input/);
    await Promise.all([plain.release(), own.release()]);
  });
});

test("a session is asked for a part of what it gives", async () => {
  const odd = ["toString", "valueOf", "constructor"];
  const bytes = ["logits", "features", "rectified"].reduce((b, from, i) => calling(b, from, odd[i]), vgg());
  const proto = decodeModel(bytes);
  const output = [...proto.graph!.output, makeValueInfo("valueOf"), makeValueInfo("constructor")];
  const all = encodeModel(changed(proto, { graph: changed(proto.graph!, { output }) }));
  const opened = await openSession(ort, all, session);
  const got = new Map(Object.entries(await run(opened, { x: images().x }, ["valueOf"])));
  expect(got.get("valueOf")?.dims).toHaveLength(4);
  await opened.release();
});

test("several images, fed apart", async () => {
  const bytes = calling(calling(gap(), "x", "__proto__"), "features", "constructor");
  const explainer = await openExplainer(ort, bytes, { session });
  const feeds = [1, 2].map((seed) => ({ ["__proto__"]: images(1, 8, seed).x }));
  const results = await explainer.forwards(feeds);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
  await explainer.release();
});

test("an output that nothing makes is named on one line, whatever it is called", () => {
  const proto = decodeModel(gap());
  const [output] = proto.graph!.output;
  const lost = changed(output, { name: "a\nb\u001b[2J" });
  const bytes = encodeModel(changed(proto, { graph: changed(proto.graph!, { output: [lost] }) }));
  expect(() => readModel(bytes)).toThrowError(
    expect.objectContaining({
      code: "invalid-model",
      message: String.raw`invalid model: no node computes its output "a\nb\u001b[2J"`,
    }),
  );
});
