import { describe, expect, test } from "vitest";
import { picture } from "../../src/image/picture.ts";
import { colormap } from "../../src/render/colormap.ts";
import { heat, overlay } from "../../src/render/overlay.ts";

const two = picture(2, 1, Uint8Array.of(200, 100, 50, 200, 100, 50));
const map = (...values: number[]) => ({ width: 2, height: 1, data: Float32Array.from(values) });
const last = [...colormap("viridis").subarray(-3)];

describe("overlay", () => {
  test("at opacity 1 the maximum has the map's colour", () => {
    const { data } = overlay(two, map(0, 3), { colormap: "viridis", opacity: 1 });
    expect([...data.subarray(3)]).toEqual(last);
  });

  test("at opacity 0 the picture stays", () => expect(overlay(two, map(0, 1), { opacity: 0 })).toEqual(two));

  test("covers less where the value is lower", () => {
    const { data } = overlay(two, map(0, 1), { colormap: "jet", opacity: 0.5 });
    // jet's 0 is (0, 0, 128): 0.4 * 0.5 of it.
    expect([...data.subarray(0, 3)]).toEqual([160, 80, 66]);
  });

  test("is grey and light where the network did not look", () => {
    const [red, green, blue] = overlay(two, map(Number.NaN, 1)).data;
    expect([green, blue]).toEqual([red, red]);
    expect(red).toBeGreaterThan(170);
  });

  test("does not turn a blank map into colours", () => {
    const { data } = overlay(two, map(0, 0));
    expect(data.subarray(0, 3)).toEqual(data.subarray(3));
  });
});

test("heat is the map's colours alone", () => {
  expect([...heat(map(2, 1), { colormap: "viridis" }).data]).toEqual([
    ...last,
    ...colormap("viridis").subarray(128 * 3, 128 * 3 + 3),
  ]);
  expect([...heat(map(Number.NaN, 1)).data.subarray(0, 3)]).toEqual([225, 225, 225]);
});
