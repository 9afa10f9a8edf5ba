/** @file A compiled captioner explains every word in one run of plain ONNX Runtime, as the library does. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { expect, onTestFinished, test } from "vitest";
import { preprocess } from "../../src/image/preprocess.ts";
import { compileCaptioner } from "../../src/node/compile-captioner.ts";
import { bundledCaptioner, loadCaptioner } from "../../src/node.ts";
import { makeScene, paint } from "../../src/scenes/index.ts";
import { farthest, testPicture } from "./picture.ts";

const models = fileURLToPath(new URL("models", import.meta.url));

test.each([
  ["cnn-lstm", 1, "encoder/pixel_values", "decoder/unrolled/ids"],
  ["vit-gpt2", 0, "encoder/pixel_values", "decoder/input_ids"],
])("%s", async (name, start, image, ids) => {
  const folder = mkdtempSync(path.join(tmpdir(), "gradcam-compiled-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const expected = JSON.parse(readFileSync(`${models}/${name}/expected.json`, "utf8"));
  const said: number[] = expected.greedy;
  const out = path.join(folder, "whole.onnx");
  const { from } = await compileCaptioner(`${models}/${name}`, { words: said.length, out });

  const session = await ort.InferenceSession.create(out, { logSeverityLevel: 3 });
  const places = Number(
    session.inputMetadata.flatMap((m) => (m.name === "gradcam_words" && m.isTensor ? [m.shape[1]] : []))[0],
  );
  expect(places).toBeGreaterThanOrEqual(said.length);
  const first =
    start || JSON.parse(readFileSync(`${models}/${name}/generation_config.json`, "utf8")).decoder_start_token_id;
  const row = (values: readonly number[]) =>
    new ort.Tensor(
      "int64",
      BigInt64Array.from({ length: places }, (_, i) => BigInt(values[i] ?? 0)),
      [1, places],
    );
  const { data, dims } = preprocess(testPicture(), from.captioner.preprocess);
  const results = await session.run({
    [image]: new ort.Tensor("float32", data, [1, ...dims]),
    [ids]: row([first, ...said]),
    gradcam_words: row(said),
  });
  await session.release();
  const logs = [...(results.gradcam_log_probability.data as Float32Array)].slice(0, said.length);
  expect(
    farthest(
      logs,
      expected.words.map((w: { logProbability: number }) => w.logProbability),
    ),
  ).toBeLessThan(1e-5);
  const maps = results.gradcam_map;
  expect(maps.dims).toEqual([places, ...expected.grid]);
  const size = expected.grid[0] * expected.grid[1];
  said.forEach((_, t) => {
    const map = [...(maps.data as Float32Array).slice(t * size, (t + 1) * size)];
    expect(
      farthest(
        map,
        expected.words[t].map.map((v: number) => Math.max(0, v)),
      ),
    ).toBeLessThan(2e-4);
  });
});

test("the bundled captioner, which is nearly certain of its words", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "gradcam-compiled-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { picture } = paint(makeScene(0));
  const captioner = await loadCaptioner(bundledCaptioner);
  const { caption, explanations } = await captioner.explain(picture);
  await captioner.release();
  const words = explanations.filter(({ kind }) => kind === "word");
  const said = caption.tokens.map(({ id }) => id);
  const out = path.join(folder, "whole.onnx");
  const { from } = await compileCaptioner(bundledCaptioner, { words: said.length, out });
  const session = await ort.InferenceSession.create(out, { logSeverityLevel: 3 });
  const row = (values: readonly number[]) =>
    new ort.Tensor("int64", BigInt64Array.from(values, BigInt), [1, said.length]);
  const { data, dims } = preprocess(picture, from.captioner.preprocess);
  const { gradcam_map: maps } = await session.run({
    "encoder/pixel_values": new ort.Tensor("float32", data, [1, ...dims]),
    "decoder/unrolled/ids": row([1, ...said.slice(0, -1)]),
    gradcam_words: row(said),
  });
  await session.release();
  expect(Math.max(...caption.tokens.map(({ logProbability }) => logProbability))).toBeGreaterThan(-1e-5);
  for (const { tokens, map } of words) {
    const size = map.data.length;
    const own = (maps.data as Float32Array).slice(tokens[0] * size, (tokens[0] + 1) * size);
    expect(farthest([...own], [...map.data])).toBeLessThan(1e-3);
  }
});
