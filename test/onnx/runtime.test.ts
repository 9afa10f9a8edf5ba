import { expect, test } from "vitest";
import { overPreset } from "../../src/onnx/runtime.ts";

test("options go over presets, entry by entry inside of extra", () => {
  const preset = { intraOpNumThreads: 1, extra: { session: { intra_op: { allow_spinning: "0" } } } };
  const options = { intraOpNumThreads: 2, extra: { session: { folder: "weights" } } };
  expect(overPreset(preset, options)).toEqual({
    intraOpNumThreads: 2,
    extra: { session: { intra_op: { allow_spinning: "0" }, folder: "weights" } },
  });
});
