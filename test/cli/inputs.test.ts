/**
 * @file Every kind of input and output, on networks that PyTorch exported with random weights (scripts/export-inputs.py): the maps are
 * those of PyTorch's autograd, and those of quantised networks near the float ones'. GRADCAM_INPUTS names another folder of such cases.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { decodeNpy } from "../../src/array/npy.ts";
import { decode } from "../../src/image/sharp.ts";
import { apart } from "../explain/ask.ts";
import { folder, repository, within } from "./run.ts";

const saturating = {
  code: "saturating-products",
  text: expect.stringMatching(/^a likely cause: .* saturate on this processor/),
};
const root = process.env.GRADCAM_INPUTS ?? path.join(repository, "test/inputs");
const cases = readdirSync(root).filter((name) => existsSync(path.join(root, name, "case.json")));

async function explain(name: string, args: readonly string[]) {
  const out = folder();
  const { code, stdout, stderr } = await within(["explain", ...args, "--json", "--out", out], path.join(root, name));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const line = JSON.parse(stdout);
  const map = decodeNpy(readFileSync(path.join(out, line.explanations[0].map.file)));
  return { out, line, map };
}

test("the cases are there", () => expect(cases.length).toBeGreaterThan(1));

describe.each(cases)("%s", (name) => {
  const { args } = JSON.parse(readFileSync(path.join(root, name, "case.json"), "utf8"));
  const golden = path.join(root, name, "grad_cam.npy");

  test("is explained, and drawn", async () => {
    const { out, line, map } = await explain(name, args);
    const [{ overlay, heat, peak }] = line.explanations;
    expect(peak).toBeDefined();
    for (const file of [overlay, heat, line.panel]) {
      const { data } = await decode(path.join(out, file));
      expect(new Set(data).size, `${file} shows something`).toBeGreaterThan(20);
    }
    if (existsSync(golden)) {
      const want = decodeNpy(readFileSync(golden));
      expect(map.shape).toEqual(want.shape);
      expect(apart([...map.data], [...want.data])).toBeLessThan(1e-3);
    }
    if (args.includes("--reference")) {
      const [{ reference }] = line.explanations;
      console.log(`${name} beside its reference: ${JSON.stringify(reference)}`);
      expect(line.reference.sameClass).toBe(true);
      expect(reference.correlation).toBeGreaterThan(0.98);
      const { warnings } = line.reference;
      // Weights of eight bits: on a processor whose products saturate the maps may differ, and it is said why.
      if (name.endsWith("all_bits") && warnings.length > 0) expect(warnings).toMatchObject([saturating]);
      else {
        expect(reference.difference).toBeLessThan(0.15);
        expect(warnings).toEqual([]);
      }
    }
  });
});
