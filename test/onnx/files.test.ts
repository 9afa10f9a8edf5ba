/** @file Files as other tools write them: what ONNX Runtime runs is read, and differentiated right. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { checkVjp, openExplainer, vjp } from "../../src/index.ts";
import { compose } from "../../src/onnx/compose.ts";
import { constantValues, readModel } from "../../src/onnx/model.ts";
import {
  changed,
  DataType,
  decodeModel,
  encodeModel,
  makeImport,
  makeSparse,
  makeTensor,
  makeValueInfo,
} from "../../src/onnx/proto.ts";
import { distance, readNpy } from "../arrays.ts";
import { node } from "../models.ts";
import { gap, images } from "../nets.ts";

const session = { intraOpNumThreads: 1, logSeverityLevel: 4 } as const;
const file = (name: string) => fileURLToPath(new URL(`../cases/files/${name}`, import.meta.url));
const bytesOf = (name: string) => new Uint8Array(readFileSync(file(`${name}/model.onnx`)));

/** Gradients by fourth-order central differences of ONNX Runtime stand beside the files. */
test.each(["op8_domain_absent", "op8_domain_empty", "torch_export_op8", "inits_float_data"])("%s", async (name) => {
  const [feeds, seeds] = [{ x: readNpy(file(`${name}/x.npy`)) }, { logits: readNpy(file(`${name}/seed.npy`)) }];
  const { gradients } = await vjp(ort, bytesOf(name), { feeds, seeds, wrt: ["x"], session });
  expect(distance(gradients.x, readNpy(file(`${name}/right_gradient.npy`)))).toBeLessThan(6e-3);
});

test("numbers in a list of floats survive composition", () => {
  const model = readModel(bytesOf("inits_float_data"));
  const [name] = model.initializers.keys();
  const numbers = constantValues(model, name);
  expect(numbers?.length).toBeGreaterThan(0);
  const both = compose(
    [
      { name: "a", model },
      { name: "b", model: readModel(gap()) },
    ],
    {},
  );
  expect(constantValues(both, `a/${name}`)).toEqual(numbers);
});

test("operator sets without a domain survive composition with others", () => {
  const proto = decodeModel(gap({ opset: 13 }));
  const [entry] = decodeModel(bytesOf("op8_domain_absent")).opsetImport;
  const bare = encodeModel(changed(proto, { opsetImport: [changed(entry, { version: 13n })] }));
  const parts = [
    { name: "a", model: readModel(bare) },
    { name: "b", model: readModel(gap({ opset: 14 })) },
  ];
  expect(compose(parts, {}).opset).toBe(14);
});

test("initialisers of one name", async () => {
  const feeds = { x: readNpy(file("b_dup_init/x.npy")) };
  const [check] = await checkVjp(ort, bytesOf("b_dup_init"), { feeds, session });
  expect(check.error).toBeLessThan(1e-2);
});

test("a type that there is not is refused in one line", async () => {
  await expect(openExplainer(ort, bytesOf("b_type99"), { session })).rejects.toThrow(/^invalid model: .*99[^\n]*$/);
});

describe("a network", () => {
  const feeds = images(1);

  async function expectRight(bytes: Uint8Array, output = "logits"): Promise<void> {
    for (const { error } of await checkVjp(ort, bytes, { feeds, output, step: 1e-3, session }))
      expect(error).toBeLessThan(1e-2);
    const explainer = await openExplainer(ort, bytes, { session });
    expect([explainer.score.name, explainer.layers[0].name]).toEqual([output, "features"]);
    const right = await openExplainer(ort, gap(), { session });
    const [got, want] = [await explainer.explain(feeds, { target: 1 }), await right.explain(feeds, { target: 1 })];
    expect(distance(got.maps, want.maps)).toBeLessThan(1e-5);
    await Promise.all([explainer.release(), right.release()]);
  }

  test("that imports ai.onnx.ml alone", async () => {
    const proto = decodeModel(gap());
    await expectRight(encodeModel(changed(proto, { opsetImport: [makeImport("ai.onnx.ml", 3)] })));
  });

  test.each([
    ["a Constant", "Constant"],
    ["an initialiser", "fw"],
  ])("whose first output is %s", async (_, kind) => {
    const proto = decodeModel(gap());
    const graph = proto.graph!;
    const table = node("Identity", "fw", "table");
    const first = makeValueInfo(kind === "Constant" ? "table" : kind);
    const more = { node: [...graph.node, table], output: [first, ...graph.output] };
    await expectRight(encodeModel(changed(proto, { graph: changed(graph, more) })));
  });

  test("with sparse weights", async () => {
    const proto = decodeModel(gap());
    const graph = proto.graph!;
    const w = graph.initializer.find(({ name }) => name === "w")!;
    const values = new Float32Array(w.rawData.slice().buffer);
    const places = BigInt64Array.from(values.keys(), BigInt);
    const dims = w.dims.map(Number);
    const sparse = makeSparse(
      makeTensor("w", DataType.FLOAT, [values.length], values),
      makeTensor("w/places", DataType.INT64, [values.length], places),
      dims,
    );
    const initializer = graph.initializer.filter((tensor) => tensor !== w);
    await expectRight(
      encodeModel(changed(proto, { graph: changed(graph, { initializer, sparseInitializer: [sparse] }) })),
    );
  });
});
