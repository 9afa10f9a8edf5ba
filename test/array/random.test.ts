/** @file Seeded numbers are the same for all time: bundled scenes, shuffled networks and published figures rest on them. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { randomFor, randomNormal, shuffle, uniformFrom } from "../../src/array/random.ts";
import { shuffled, weightsOf } from "../../src/explain/shuffle.ts";
import { readModel } from "../../src/onnx/model.ts";
import { seeded } from "../../src/scenes/random.ts";

test("of scenes", () => {
  const random = seeded(7, 2);
  expect(Array.from({ length: 8 }, () => random.integer(0, 999))).toEqual([689, 882, 987, 576, 34, 942, 374, 915]);
  expect(random.shuffle([..."abcdefgh"]).join("")).toBe("eahbdcgf");
  expect(seeded(2 ** 31 + 5).integer(0, 1e6)).toBe(569678);
  expect(seeded(-3, 9).integer(0, 1e6)).toBe(600413);
});

test("of shuffled networks", () => {
  const model = readModel(new Uint8Array(readFileSync(new URL("../methods/golden.onnx", import.meta.url))));
  const bytes = shuffled(model, weightsOf(model, "logits"), 5);
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(
    "3ad9693d36eb141d14210764a13a9d7959e5d4265fb4ec2d7044b9a076e69de7",
  );
});

test("of checks of gradients", () => {
  expect([...randomNormal(3)(4)]).toEqual([
    0.6988047957420349, -0.06926283240318298, -0.4848034083843231, 1.9942299127578735,
  ]);
  expect([...randomNormal(4e9)(2)]).toEqual([0.7201667428016663, 0.7552730441093445]);
});

test("of named streams", () => {
  const random = randomFor("picture", 3);
  expect([random.uniform(), random.normal(), random.below(100), ...random.choose(4, 9)]).toEqual([
    0.9336686341557652, 0.9676064391827801, 65, 7, 1, 4, 5,
  ]);
});

test("a shuffle is a permutation, and every one of three is as likely", () => {
  const uniform = uniformFrom(1);
  const counts = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const items = [..."abc"];
    shuffle(items, uniform);
    counts.set(items.join(""), (counts.get(items.join("")) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual(["abc", "acb", "bac", "bca", "cab", "cba"]);
  // Chi-squared with 5 degrees of freedom is below 20.5 in 999 of 1,000.
  expect([...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0)).toBeLessThan(20.5);
});
