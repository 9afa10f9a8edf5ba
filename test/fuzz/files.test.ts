/**
 * @file Damaged model files: whatever is in them, they are explained, or refused in one clean line. What crashes ONNX Runtime without
 * us is counted; what crashes it only with us is our failure.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { changed, decodeModel, encodeModel, makeValueInfo } from "../../src/onnx/proto.ts";
import { gap, squeezeExcite, unet, vgg } from "../nets.ts";
import { seeds, timeout } from "./budget.ts";
import { Child } from "./child.ts";
import { Draw } from "./draw.ts";
import { mutations } from "./mutate.ts";

const child = new Child();
afterAll(() => child.stop());

const file = (path: string) => new Uint8Array(readFileSync(new URL(path, import.meta.url)));

/** The graph with its weights as inputs. */
function withoutWeights(bytes: Uint8Array): Uint8Array {
  const proto = decodeModel(bytes);
  const graph = proto.graph!;
  const large = graph.initializer.filter(({ rawData, floatData }) => rawData.length + 4 * floatData.length > 256);
  return encodeModel(
    changed(proto, {
      graph: changed(graph, {
        initializer: graph.initializer.filter((tensor) => !large.includes(tensor)),
        input: [
          ...graph.input,
          ...large.map(({ name, dataType, dims }) => makeValueInfo(name, dataType, dims.map(Number))),
        ],
      }),
    }),
  );
}

const cases = readdirSync(new URL("../conformance", import.meta.url)).sort();
const sources: readonly Uint8Array[] = [
  gap(),
  gap({ after: [], opset: 9 }),
  vgg({ free: [], opset: 18 }),
  squeezeExcite(),
  unet({ opset: 8 }),
  withoutWeights(file("../../models/efficientnet-lite0/onnx/model.onnx")),
  ...cases.map((name) => file(`../conformance/${name}/model.onnx`)),
];

const damaged = (seed: number): { bytes: Uint8Array; how: string } => {
  const draw = new Draw(seed);
  // The small ones are quick, and as good.
  const source = draw.chance(0.7) ? draw.int(0, 4) : draw.int(5, sources.length - 1);
  const how = draw.pick(Object.keys(mutations));
  return {
    bytes: mutations[how](sources[source], draw, draw.pick(sources.slice(0, 5))),
    how: `${how} of source ${source}`,
  };
};

test("damaged files are explained, or refused in one line", { timeout }, async () => {
  const count: Record<string, number> = {};
  const failures: string[] = [];
  for (const seed of seeds(150)) {
    const { bytes, how } = damaged(seed);
    const { outcome, why } = await child.ask(bytes);
    let found = outcome;
    let failure = outcome === "bad" ? why : undefined;
    if (outcome === "crash" || outcome === "hang") {
      const alone = await child.ask(bytes, true);
      found = `ONNX Runtime's own ${outcome}`;
      if (alone.outcome !== outcome) failure = `${outcome} (${why}); ONNX Runtime alone: ${alone.outcome}`;
      else console.log(`seed ${seed}, ${how}: ${found}`);
    }
    count[failure ? "failed" : found] = (count[failure ? "failed" : found] ?? 0) + 1;
    if (!failure) continue;
    failures.push(`seed ${seed}, ${how}: ${failure}`);
    if (process.env.FUZZ_SECONDS) keep(seed, bytes, failures[failures.length - 1]);
  }
  console.log(`damaged files: ${JSON.stringify(count)}`);
  expect(failures.join("\n\n")).toBe("");
});

/** A failing file for a person to look at. */
function keep(seed: number, bytes: Uint8Array, failure: string): void {
  const folder = new URL("../../node_modules/.cache/fuzz/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${seed}.onnx`, folder), bytes);
  console.log(`${failure}\nwritten to ${fileURLToPath(new URL(`${seed}.onnx`, folder))}`);
}
