/** @file Damaged files that a fuzzer found: each is refused in one line, or right where ONNX Runtime runs it. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { randomNormal } from "../../src/array/random.ts";
import { checkVjp, openExplainer, UserError } from "../../src/index.ts";
import { product } from "../../src/onnx/dims.ts";
import type { Feeds } from "../../src/onnx/runtime.ts";
import { images } from "../nets.ts";

const folder = fileURLToPath(new URL("../cases/hostile", import.meta.url));
const session = { intraOpNumThreads: 1, logSeverityLevel: 4 } as const;
const bytesOf = (file: string) => new Uint8Array(readFileSync(`${folder}/${file}`));

/** Feeds of one image, where the runtime loads the file; sizes that are free are 1. */
async function feedsOf(bytes: Uint8Array): Promise<Feeds | undefined> {
  const opened = await ort.InferenceSession.create(bytes, session).catch(() => undefined);
  const inputs = opened?.inputMetadata.map((input) => {
    const dims = (input.isTensor ? input.shape : []).map((d) => (typeof d === "number" ? d : 1));
    return [input.name, new ort.Tensor("float32", randomNormal(3)(product(dims)), dims)] as const;
  });
  return inputs && Object.fromEntries(inputs);
}

test.each(readdirSync(folder).filter((file) => file.endsWith(".onnx")))("%s", async (file) => {
  const bytes = bytesOf(file);
  const feeds = await feedsOf(bytes);
  const explained = openExplainer(ort, bytes, { session }).then(async (explainer) => {
    const { maps } = await explainer.explain(feeds ?? images(1), { target: 0 });
    await explainer.release();
    return maps.dims.every((d) => d >= 0);
  });
  const found = await explained.catch((error: unknown) => error);
  if (found === true) {
    // A step is too wide for kinks or too narrow for rounding; one of three is neither.
    const errors = [1e-2, 1e-3, 1e-4].map(async (step) => {
      const checks = await checkVjp(ort, bytes, { feeds: feeds ?? {}, step, session });
      return Math.max(...checks.map(({ error }) => error));
    });
    expect(Math.min(...(await Promise.all(errors)))).toBeLessThan(2e-2);
    return;
  }
  expect(found).toBeInstanceOf(UserError);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may reach a terminal.
  expect((found as UserError).message).toMatch(/^invalid model: [^\u0000-\u001f\u007f-\u009f]+$/);
  expect((found as UserError).message.length).toBeLessThan(400);
});
