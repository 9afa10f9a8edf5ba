/** @file `gradcam explain` and `inspect` of text recognisers: the JSON contract, the table, a line of any length, and mistakes. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { encodePng } from "../../src/image/sharp.ts";
import { filesIn, folder, within } from "../cli/run.ts";
import { bars } from "./bars.ts";

/** Nothing, a, b, nothing, a: of the 8 cells that the network takes the last three are padding. */
const line = [0, 128, 255, 0, 128];

async function room() {
  const cwd = folder();
  writeFileSync(path.join(cwd, "net.onnx"), bars({ softmax: true }));
  writeFileSync(path.join(cwd, "characters.txt"), "a\nb\n");
  const [width, height] = [16 * line.length, 16];
  const data = Uint8Array.from(
    { length: 3 * width * height },
    (_, i) => line[Math.floor((Math.floor(i / 3) % width) / 16)] as number,
  );
  writeFileSync(path.join(cwd, "line.png"), await encodePng({ width, height, data }));
  const model = ["--model", "net.onnx", "--labels", "characters.txt", "--mean", "0", "--std", "1"];
  return { cwd, explain: (...args: string[]) => within(["explain", "line.png", ...model, ...args], cwd) };
}

test("a line of JSON with the text, its characters, and a map of each on the picture", async () => {
  const { cwd, explain } = await room();
  const { code, stdout, stderr } = await explain("--json", "--out", "maps");
  expect([code, stderr]).toEqual([0, ""]);
  const said = JSON.parse(stdout);
  expect(said).toMatchObject({ task: "text-recognition", text: "aba", predictions: [] });
  expect(said.probability).toBeGreaterThan(0.3);
  expect(said.characters.map(({ index, character }: Record<string, unknown>) => [index, character])).toEqual([
    [0, "a"],
    [1, "b"],
    [2, "a"],
  ]);
  expect(
    said.explanations.map(({ target, character, method }: Record<string, unknown>) => [target, character, method]),
  ).toEqual([
    ["char:0", 0, "hires-cam"],
    ["char:1", 1, "hires-cam"],
    ["char:2", 2, "hires-cam"],
  ]);
  // The b, and nothing behind the end of the line.
  const { peak, box } = said.explanations[1];
  expect(peak.x).toBeGreaterThanOrEqual(32);
  expect(peak.x).toBeLessThan(48);
  expect(box[2]).toBeLessThanOrEqual(80);
  expect(filesIn(path.join(cwd, "maps"))).toContain("line.hires-cam.char-1.png");
});

test("the table, and what inspect says", async () => {
  const { cwd, explain } = await room();
  const { stdout } = await explain("--target", "char:1", "--method", "grad-cam");
  expect(stdout).toMatch(/^ {2}aba {2}\d+\.\d %$/m);
  expect(stdout).toMatch(/^ {5}1 {2}b +\d+\.\d %$/m);
  expect(stdout).toContain('grad-cam, "b" (character 1): ');
  const inspected = JSON.parse(
    (await within(["inspect", "net.onnx", "--labels", "characters.txt", "--json"], cwd)).stdout,
  );
  expect(inspected).toMatchObject({ task: "text-recognition", preparation: { resize: { height: 4, widest: 32 } } });
  expect(inspected.questions[0]).toBe("char:0 (or another number)");
});

test.each([
  [["--target", "char:99"], 'unknown character: "char:99"; allowed are 0 to 2'],
  [["--class", "a"], 'invalid target: "class:a": this model has no class to ask about; it can be asked char:0'],
  [["--labels", "line.png"], "invalid labels: line.png"],
])("%j is one line that says what is allowed", async (args, words) => {
  const { explain } = await room();
  const { code, stdout, stderr } = await explain(...args);
  expect([code, stdout, stderr.trim().split("\n").length]).toEqual([2, "", 1]);
  expect(stderr).toContain(words);
});

test("what takes classifiers only says what explains a recogniser", async () => {
  const { cwd } = await room();
  const { code, stderr } = await within(["compile", "net.onnx", "--labels", "characters.txt"], cwd);
  expect([code, stderr]).toEqual([
    2,
    "gradcam: invalid model: a classifier is asked for, and this is a text-recognition model; gradcam explain, explain() and the service explain it\n",
  ]);
});
