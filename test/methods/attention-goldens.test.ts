/**
 * @file Maps of attentions as their papers' equations give them on the attentions that PyTorch computes, LeGrad as torchcam gives it too: of class
 * tokens, registers, a distillation token, averaged patches and a pooling attention, as both exporters write them. attention-goldens.json is by
 * make_attention_goldens.py.
 */
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { afterAll, describe, expect, test } from "vitest";
import type { MethodName } from "../../src/methods/by-name.ts";
import { apart, numbers, open } from "../explain/ask.ts";

const read = (name: string) => readFileSync(new URL(name, import.meta.url));
const goldens: Record<string, Record<string, number[]>> = JSON.parse(read("attention-goldens.json").toString());

/** The numbers of make_attention_goldens.py. */
function pictures() {
  const dims = [2, 3, 16, 16];
  const data = Float32Array.from({ length: 2 * 3 * 256 }, (_, i) => Math.sin(0.37 * i) + 0.5 * Math.cos(1.13 * i));
  return { x: new ort.Tensor("float32", data, dims) };
}

/** "method option=value ..." */
function asked(question: string) {
  const [method, ...options] = question.split(" ");
  const values = options.map((option) => {
    const [name = "", value = ""] = option.split("=");
    return [name, Number.isNaN(Number(value)) ? value : Number(value)];
  });
  return { method: method as MethodName, options: Object.fromEntries(values) };
}

describe.each(Object.keys(goldens))("%s", async (name) => {
  const { scores = [], ...maps } = goldens[name] ?? {};
  const explainer = await open(new Uint8Array(read(`attention-${name}.onnx`)));
  afterAll(() => explainer.release());
  const most = name.endsWith("half") ? 2e-2 : 1e-5;

  test("the scores", async () => {
    const { outputs } = await explainer.forward(pictures());
    expect(apart(numbers(outputs.logits), scores)).toBeLessThan(most);
  });

  test.each(Object.keys(maps))("%s", async (question) => {
    const answer = await explainer.explain(pictures(), { target: [1, 3], ...asked(question) });
    expect(answer.maps.dims).toEqual([2, 4, 4]);
    expect(apart(numbers(answer.maps), maps[question] ?? [])).toBeLessThan(most);
  });
});
