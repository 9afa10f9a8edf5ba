/** @file The index of families on demand says what their files hold, and no operator is in two places. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { InternalError } from "../../src/errors.ts";
import { makeGraph, makeNode } from "../../src/onnx/proto.ts";
import { namesOf, onDemand } from "../../src/ops/families.ts";
import { exported, loadOperators, loadOperatorsOf, operatorOf, operators } from "../../src/ops/index.ts";

const folder = fileURLToPath(new URL("../../src/ops/", import.meta.url));
const core = [...operators.keys()];

test("before it is loaded an operator on demand is our bug, afterwards it has its rule", async () => {
  const [lstm, nothing] = [makeNode("LSTM", ["x"], ["y"]), makeNode("Nothing", ["x"], ["y"])];
  expect(() => operatorOf(lstm)).toThrow(InternalError);
  expect(operatorOf(nothing)).toBeUndefined();
  const body = makeGraph({ name: "body", node: [lstm] });
  await loadOperatorsOf(makeGraph({ name: "outer", node: [makeNode("Loop", [], ["z"], { body: { graph: body } })] }));
  expect(operatorOf(lstm)?.vjp).toBeTypeOf("function");
  expect(operators.has("GRU")).toBe(true);
  expect(operators.has("GridSample")).toBe(false);
});

test.each(onDemand.map((family) => [namesOf(family)[0], family] as const))(
  "the family of %s holds what the index says",
  async (_, family) => {
    const held = exported(await family.load()).map(([name]) => name);
    expect(held.sort()).toEqual(family.names.split(" ").sort());
  },
);

test("an operator is in one place", () => {
  const all = [...core, ...onDemand.flatMap(namesOf)];
  expect(all.filter((name, i) => all.indexOf(name) !== i)).toEqual([]);
});

test("every operator that a file holds is in the table", async () => {
  const table = new Set((await loadOperators()).values());
  for (const file of readdirSync(folder)) {
    const lost = exported(await import(`../../src/ops/${file.replace(".ts", "")}.ts`)).filter(
      ([, op]) => !table.has(op),
    );
    expect(
      lost.map(([name]) => name),
      file,
    ).toEqual([]);
  }
});
