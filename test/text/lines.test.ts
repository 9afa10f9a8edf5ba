/** @file The bundled recogniser on the example line: its text, and each character's map on the character. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { load } from "../../src/node.ts";

const file = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

test("reads the example line, and every peak is on its own character, in their order", async () => {
  const model = await load(file("models/lines-recogniser"));
  expect(model.reading).toMatchObject({ task: "text-recognition", text: { spelling: "ctc", silent: 0 } });
  const layer = model.reading.layers.find((one) => one.default)?.name;
  expect(model.reading.decisions).toContainEqual({
    ...{ what: "layer", value: layer, option: "--layer" },
    because: "it is the last that is at least twice as fine along the line as the steps of the text",
  });
  const { text, characters, explanations } = await model.explain(file("examples/images/line.png"));
  expect(text).toBe("7u2g4tlf");
  expect(characters).toHaveLength(8);
  const peaks = explanations.map(({ peak }) => peak?.x ?? Number.NaN);
  expect(peaks).toEqual([...peaks].sort((a, b) => a - b));
  // The advances of DejaVu Serif: from the first character's to the last one's.
  expect(Math.min(...peaks)).toBeGreaterThan(8);
  expect(Math.max(...peaks)).toBeLessThan(95);
  await model.release();
});
