/** @file What is measured of maps on scenes: by hand on a tiny picture, and the script on a few scenes. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const scripts = fileURLToPath(new URL("../../scripts/scenes", import.meta.url));
const { Place, estimate } = await import(path.join(scripts, "measures.mjs"));

test("a peak counts up to 3 % of the side beside the object", () => {
  const [width, height] = [100, 50];
  const mask = new Uint8Array(width * height);
  mask[20 * width + 40] = 1;
  const place = new Place({ picture: { width, height }, masks: [new Uint8Array(mask.length), mask] }, [1]);
  expect(place.has({ x: 43, y: 20 })).toBe(true);
  expect(place.has({ x: 42, y: 22 })).toBe(true);
  expect(place.has({ x: 43, y: 21 })).toBe(false);
  expect(place.has({ x: 44, y: 20 })).toBe(false);
  expect(place.has(undefined)).toBe(false);
  // The lattice points within 3 of a point are 29.
  expect(place.random).toBeCloseTo(29 / 5000, 12);
  expect(place.centre).toBe(false);
});

test("the ratio is the mean inside over the mean outside", () => {
  const mask = Uint8Array.of(1, 1, 0, 0);
  const place = new Place({ picture: { width: 2, height: 2 }, masks: [mask] }, [0]);
  expect(place.ratio({ width: 2, height: 2, data: Float32Array.of(6, 2, 1, 3) })).toBe(2);
});

test("an interval is over scenes: records of one scene do not narrow it", () => {
  const records = Array.from({ length: 40 }, (_, i) => ({ seed: i % 4, hit: i % 4 < 2 }));
  const { value, low, high, count } = estimate(records, ({ hit }: { hit: boolean }) => hit);
  expect([value, low, high, count]).toEqual([0.5, 0, 1, 4]);
});

test("the words' maps of the bundled captioner lie on their objects, on ten scenes", () => {
  const command = [
    "evaluate-maps.mjs",
    "--count",
    "10",
    "--only",
    "scenes-captioner",
    "--method",
    "grad-cam",
    "--json",
  ];
  const [script, ...options] = command;
  const out = execFileSync(process.execPath, [path.join(scripts, script), ...options], { encoding: "utf8" });
  const { tables } = JSON.parse(out);
  const rows = Object.fromEntries(tables[0].rows.map((row: { label: string }) => [row.label, row]));
  const words = rows["grad-cam, words"];
  // The card's figures on many scenes, less what ten may differ by chance.
  expect(words.described.value).toBeGreaterThan(0.7);
  expect(words.fitting.value).toBeGreaterThan(0.8);
  expect(words.described.low).toBeGreaterThan(rows["a random peak"].described.high);
  expect(words.described.low).toBeGreaterThan(rows["the centre"].described.high);
  expect(words.ratio.value).toBeGreaterThan(3.27);
}, 300_000);
