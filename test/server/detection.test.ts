/** @file The service with a detector: the boxes and maps that the library gives, within its limits. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, onTestFinished, test } from "vitest";
import { type Answer, mapValues, type Problem } from "../../src/client.ts";
import { encodePng } from "../../src/image/sharp.ts";
import { load } from "../../src/node/load.ts";
import { pngSize } from "../../src/render/png.ts";
import type { OpenApi } from "../../src/server/openapi.ts";
import { numbersOf, readNpy } from "../arrays.ts";
import { base64, form, post, postJson, started } from "./start.ts";

const folder = fileURLToPath(new URL("../detect/references", import.meta.url));
const source = path.join(folder, "yolov8", "model.onnx");
const { names: labels } = JSON.parse(readFileSync(path.join(folder, "yolov8", "case.json"), "utf8"));
const loading = { labels, task: "detection", session: { intraOpNumThreads: 1 } } as const;
const models = [{ name: "boxes", task: "explain" as const, source }];

const planes = numbersOf(readNpy(path.join(folder, "picture.npy")));
const pixels = Uint8Array.from(planes, (_, i) => planes[(i % 3) * 4096 + Math.floor(i / 3)] as number);
const picture = await encodePng({ width: 64, height: 64, data: pixels });

test("a detector: boxes, questions and limits, as the OpenAPI document promises", { timeout: 60_000 }, async () => {
  const { client, url } = await started({ models, loading });
  const model = await load(source, loading);
  onTestFinished(() => model.release());
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApi;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(document, "api");
  const promised = ajv.getSchema("api#/components/schemas/Answer");

  const check = async (question: object, options: object) => {
    const answer = await client.explain(picture, question);
    promised?.(answer);
    expect(promised?.errors ?? []).toEqual([]);
    const why = await model.explain(picture, options);
    expect(answer.predictions).toEqual([]);
    expect(answer.detections?.map(({ label }) => label)).toEqual(why.detections?.map(({ label }) => label));
    answer.detections?.forEach(({ box, score }, i) => {
      expect(score).toBeCloseTo(why.detections?.[i]?.score ?? -1, 5);
      box.forEach((edge, k) => {
        expect(edge).toBeCloseTo(why.detections?.[i]?.box[k] ?? -1, 2);
      });
    });
    const asked = (list: readonly { target: string; detection?: number; layer?: string | null; method: string }[]) =>
      list.map((e) => [e.target, e.detection, e.layer ?? null, e.method]);
    expect(asked(answer.explanations)).toEqual(asked(why.explanations));
    for (const [i, e] of answer.explanations.entries()) {
      const own = why.explanations[i]?.map.data ?? [];
      const scale = own.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-6);
      const worst = mapValues(e).reduce((most, v, k) => Math.max(most, Math.abs(v - (own[k] as number))), 0);
      expect(worst / scale).toBeLessThan(1e-4);
    }
    return answer;
  };
  const usual = await check({}, {});
  expect(usual.explanations.length).toBe(Math.min(16, usual.detections?.length ?? 0));
  expect(usual.explanations[0]).toMatchObject({ target: "box:0", detection: 0, method: "hires-cam" });
  const many = await check({ score: 0.001, iou: 1, maxDetections: 40 }, { score: 0.001, iou: 1, maxDetections: 40 });
  expect([many.detections?.length, many.explanations.length]).toEqual([40, 16]);
  const targets = ["box:1", "not:box:0", "box:0.left", "box:0 ~ box:1"];
  await check({ targets, methods: ["layer-cam"] }, { targets, method: "layer-cam" });

  const blind = await check({ score: 0.9999 }, { score: 0.9999 });
  expect([blind.detections, blind.explanations]).toEqual([[], []]);
  expect(blind.remark).toMatch(/^Nothing was found above/);

  const drawn = await client.draw(picture, { view: "panel" });
  expect(pngSize(new Uint8Array(await drawn.arrayBuffer())).width).toBeGreaterThan(64);
  const refused = async (question: object, status: number, words: RegExp) => {
    const response = await postJson(url, { image: base64(picture), ...question });
    const { detail } = (await response.json()) as Problem;
    expect([response.status, detail]).toEqual([status, expect.stringMatching(words)]);
    expect(detail).not.toContain("\n");
  };
  await refused({ targets: ["box:99"] }, 422, /^unknown box: "box:99"; allowed are 0 to/);
  await refused({ targets: ["pixel:1,2"] }, 422, /^invalid target.*it can be asked box:0/);
  await refused({ targets: ["nonsense"] }, 422, /^invalid target: "nonsense"; expected a kind/);
  await refused({ targets: ["box:top26"] }, 400, /top1 to top25/);
  await refused({ targets: Array(17).fill("box:0") }, 400, /targets/);
  await refused({ score: 2 }, 400, /score/);
  await refused({ maxDetections: 301 }, 400, /maxDetections/);
  const nothing = await post(url, form(picture, { score: 0.9999 }), { accept: "image/png" });
  expect(((await nothing.json()) as Problem).detail).toMatch(/no map to show: Nothing was found/);
  const { models: cards } = await client.models();
  expect(cards[0]).toMatchObject({ name: "boxes", labels });
  expect(cards[0]?.layers.slice(0, 3).map(({ grid }) => grid[0])).toEqual([8, 4, 2]);
});

test("a classifier is asked by targets too, and is no detector", async () => {
  const { client, url } = await started();
  const both = await client.explain(picture, { targets: ["class:cat ~ class:dog", "not:bee"], classes: ["ant"] });
  expect(both.explanations.map(({ target }) => target)).toEqual(["class:0", "class:cat ~ class:dog", "not:bee"]);
  const wrong = await postJson(url, { image: base64(picture), score: 0.5 });
  expect(((await wrong.json()) as Problem).detail).toMatch(/^invalid score: it is a detector's/);
  const asked = await postJson(url, { image: base64(picture), targets: ["box:0"] });
  expect(((await asked.json()) as Problem & Answer).detail).toMatch(/no box to ask about/);
});
