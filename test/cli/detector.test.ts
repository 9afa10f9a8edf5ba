/** @file A detector on the command line: boxes told and drawn, nothing found, questions that it cannot be asked, a folder taken up again. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { decode, encodePng } from "../../src/image/sharp.ts";
import { numbersOf, readNpy } from "../arrays.ts";
import { expectMistake } from "./mistake.ts";
import { filesIn, folder, repository, within } from "./run.ts";

const references = path.join(repository, "test/detect/references");
const model = path.join(references, "yolov8/model.onnx");
const { names } = JSON.parse(readFileSync(path.join(references, "yolov8/case.json"), "utf8"));
let photo: Uint8Array;

beforeAll(async () => {
  const planes = numbersOf(readNpy(path.join(references, "picture.npy")));
  const data = Uint8Array.from(
    { length: 64 * 64 * 3 },
    (_, i) => planes[(i % 3) * 64 * 64 + Math.floor(i / 3)] as number,
  );
  photo = await encodePng({ width: 64, height: 64, data });
});

/** A folder with a photograph, and the options that name the model and the classes. */
function place(labels: readonly string[] = names) {
  const cwd = folder();
  writeFileSync(path.join(cwd, "a.png"), photo);
  writeFileSync(path.join(cwd, "names.json"), JSON.stringify(labels));
  return { cwd, net: ["--model", model, "--labels", "names.json", "--threads", "1"] };
}

interface Line {
  readonly detections: readonly { index: number; class: number; label: string; score: number; box: number[] }[];
  readonly explanations: readonly Record<string, unknown>[];
  readonly overlay?: string;
  readonly panel?: string;
  readonly remark?: string;
}

async function explained(args: readonly string[], at = place()) {
  const ended = await within(["explain", "a.png", ...at.net, ...args, "--json"], at.cwd);
  expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: "" });
  return { line: JSON.parse(ended.stdout) as Line, out: path.join(at.cwd, "gradcam-out") };
}

test("every box has its map, and all are in one picture", async () => {
  const { line, out } = await explained(["--max-detections", "3"]);
  expect(line.detections.map(({ index }) => index)).toEqual([0, 1, 2]);
  expect(line.explanations.map(({ target, detection, method }) => [target, detection, method])).toEqual(
    [0, 1, 2].map((index) => [`box:${index}`, index, "hires-cam"]),
  );
  expect(line.overlay).toBe("a.detections.png");
  expect(filesIn(out)).toEqual(
    [0, 1, 2]
      .flatMap((index) => ["heat.png", "npy", "png"].map((ending) => `a.hires-cam.box-${index}.${ending}`))
      .concat("a.detections.png", "a.panel.png", "manifest.json")
      .sort(),
  );
  const { methods, found } = JSON.parse(readFileSync(path.join(out, "manifest.json"), "utf8"));
  expect({ methods, found }).toEqual({ methods: ["hires-cam"], found: { score: 0.25, iou: 0.7, maxDetections: 3 } });
});

test("two boxes of one class have overlays of their own, that differ from the maps alone", async () => {
  const { line, out } = await explained(["--target", "box:0", "--target", "box:1"]);
  expect(line.detections[0]?.class).toBe(line.detections[1]?.class);
  const [first, second] = await Promise.all([0, 1].map((i) => decode(path.join(out, `a.hires-cam.box-${i}.png`))));
  expect(first?.data).not.toEqual(second?.data);
  const all = await decode(path.join(out, "a.detections.png"));
  expect(all.width).toBeGreaterThanOrEqual(first?.width ?? 0);
});

test("the table has each box with its class, score and place, and says what was explained", async () => {
  const { cwd, net } = place();
  const { code, stdout } = await within(
    ["explain", "a.png", ...net, "--target", "box:1", "--target", "not:box:0"],
    cwd,
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ +0 {2}cat +53\.9 % {2}-107, -66, 142, 174$/m);
  expect(stdout).toContain("  hires-cam, cat (box 1): gradcam-out/a.hires-cam.box-1.png\n");
  expect(stdout).toContain("  hires-cam, against cat (box 0)");
  expect(stdout).toContain("  all boxes: gradcam-out/a.detections.png\n");
});

test("names of any characters are drawn", async () => {
  const hard = ["<b>&\"'</b>: a, b ~ class:c", "חתול \u202e", "猫".repeat(200)];
  const { line } = await explained(["--max-detections", "2"], place(hard));
  expect(line.detections[0]?.label).toBe(hard[0]);
});

test("nothing found: exit code 0, a remark, and no picture of nothing", async () => {
  const { line, out } = await explained(["--score", "0.9"]);
  expect([line.detections, line.explanations]).toEqual([[], []]);
  expect(line.remark).toMatch(/Nothing was found above a score of 90\.0 %; the best is 53\.9 %\. --score lowers/);
  expect([line.overlay, line.panel]).toEqual([undefined, undefined]);
  expect(filesIn(out)).toEqual(["manifest.json"]);
});

test("nothing found: no word of images that are not there", async () => {
  const { cwd, net } = place();
  const { code, stdout } = await within(["explain", "a.png", ...net, "--score", "0.9"], cwd);
  expect(code).toBe(0);
  expect(stdout).toContain("Nothing was found");
  expect(stdout).not.toContain("Images are in");
});

describe("a question that it cannot be asked", () => {
  test.each([
    ["box:99", /unknown box: "box:99"; allowed are 0 to \d+/],
    ["box:-1", /unknown box: "box:-1"; allowed are 0 to/],
    ["box:x", /unknown box: "box:x"; allowed are 0 to/],
    [
      "box:0.middle",
      /unknown part of a box: "box:0.middle"; allowed are box:0.left, box:0.top, box:0.right, box:0.bottom$/m,
    ],
    ["box:0.objectness", /allowed are box:0.left/],
    ["class:unicorn", /unknown class: "unicorn"; allowed are a class name, an index from 0 to 2/],
    ["class:dog", /unknown box: "class:dog"; no dog was found, but cat, cup$/m],
    ["pixel:3,4", /no pixel to ask about; it can be asked box:0 \(or another number\), box:topN/],
    ["char:1", /no char to ask about; it can be asked box:0/],
    ["box:0 ~ box:0", /expected another thing after " ~ " than in front/],
    ["box:0 ~ box:top2", /expected one thing after " ~ "/],
    ["person", /expected a kind and a colon first: class:, box:/],
  ])("%s", async (target, words) => {
    const { cwd, net } = place();
    expectMistake(await within(["explain", "a.png", ...net, "--target", target], cwd), cwd, words);
  });

  test.each([
    [["--against", "cat"], /asked by a target, as "not:box:0" or "box:0 ~ box:1"/],
    [["--counterfactual"], /asked by a target, as "not:box:0"/],
    [["--score", "2"], /'2' is invalid. Expected a number from 0 to 1/],
    [["--max-detections", "0"], /Expected an integer of at least 1/],
    [["--score", "0.9", "--target", "box:0"], /unknown box: "box:0"; nothing was found; --score lowers what counts/],
    [["--score", "0.9", "--class", "cat"], /unknown box: "class:cat"; nothing was found; --score lowers/],
    [["--task", "classification"], /a classifier gives scores of shape \[n, classes\]; "output0" has \[1,7,84\]/],
  ])("%j", async (args, words) => {
    const { cwd, net } = place();
    expectMistake(await within(["explain", "a.png", ...net, ...args], cwd), cwd, words);
  });

  test.each([
    [["--target", "box:0"], /"box:0": this model has no box to ask about; it can be asked class:/],
    [["--target", "not:box:3"], /this model has no box/],
    [["--score", "0.5"], /invalid score: .*detector/],
    [["--task", "detection"], /looks like a detection model's.*no known head.*\{ seeds:/],
  ])("of a classifier: %j", async (args, words) => {
    const { cwd } = place();
    const net = path.join(repository, "test/cases/models/uint8_input.onnx");
    expectMistake(await within(["explain", "a.png", "--model", net, ...args], cwd), cwd, words);
  });
});

describe("a folder", () => {
  const folderOf = () => {
    const at = place();
    mkdirSync(path.join(at.cwd, "in"));
    for (const name of ["a", "b"]) cpSync(path.join(at.cwd, "a.png"), path.join(at.cwd, `in/${name}.png`));
    return at;
  };

  test("is taken up where it was left, unless other detections are asked for", async () => {
    const { cwd, net } = folderOf();
    const run = (...args: string[]) => within(["explain", "in", ...net, "--max-detections", "2", ...args], cwd);
    expect((await run()).code).toBe(0);
    const again = await run("--resume", "--json");
    expect(again.stderr).toContain("2 of 2 pictures were explained in an earlier run");
    expect(
      again.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).overlay),
    ).toEqual(["a.detections.png", "b.detections.png"]); // prettier-ignore
    const other = await run("--resume", "--score", "0.4");
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining("found.score: 0.25 then, 0.4 now")]);
  });

  test("in which nothing is found is taken up, too", async () => {
    const { cwd, net } = folderOf();
    const run = (...args: string[]) => within(["explain", "in", ...net, "--score", "0.9", ...args], cwd);
    expect((await run()).code).toBe(0);
    expect((await run("--resume")).stderr).toContain("2 of 2 pictures were explained in an earlier run");
  });

  test("goes on behind a picture that lacks a box, in a line that names it", async () => {
    const { cwd, net } = folderOf();
    const white = { width: 64, height: 64, data: new Uint8Array(64 * 64 * 3).fill(255) };
    writeFileSync(path.join(cwd, "in/a.png"), await encodePng(white));
    const { code, stdout, stderr } = await within(
      ["explain", "in", ...net, "--score", "0.5", "--target", "box:1"],
      cwd,
    );
    expect(stderr).toMatch(/^gradcam: in[\\/]a.png: unknown box: "box:1"; [^\n]+\n$/);
    expect(stdout).toContain("1 of 2 pictures could not be explained");
    expect(stdout).toContain("hires-cam, cat (box 1)");
    expect(code).toBe(2);
  });
});

test("layers: the scores of the head, and the layer of each level first", async () => {
  const { code, stdout } = await within(["layers", "--json", model], references);
  expect(code).toBe(0);
  const { score, layers } = JSON.parse(stdout);
  expect(score).toEqual({ name: "output0" });
  expect(layers.map((layer: { default?: true }) => layer.default).indexOf(undefined)).toBe(3);
});

describe("inspect", () => {
  const inspected = async (file: string, ...args: string[]) => {
    const { code, stdout } = await within(["inspect", file, "--json", ...args], references);
    expect(code).toBe(0);
    return JSON.parse(stdout);
  };

  test("says how the head was read, and nothing of a classifier", async () => {
    const { cwd } = place();
    const { decisions, warnings, questions, scores } = await inspected(model, "--labels", path.join(cwd, "names.json"));
    const of = (what: string) => decisions.filter((one: { what: string }) => one.what === what);
    expect(of("head")).toEqual([
      {
        what: "head",
        value: "a box for each place, [n, 4 + classes, places]",
        because: '"output0" has the shape [1, 7, 84]',
      },
    ]);
    expect(of("probabilities")[0].value).not.toBe("softmax");
    expect(of("output")).toEqual([]);
    expect(of("layer").map(({ because }: { because: string }) => because)).toEqual(
      Array(3).fill("a level of the head starts from it"),
    );
    expect(warnings.map(({ code }: { code: string }) => code)).not.toContain("labels");
    expect(questions[0]).toBe("box:0 (or another number)");
    expect(scores).toMatchObject({ output: "output0", before: null });
  });

  test("says what was guessed of it", async () => {
    const { decisions, warnings } = await inspected("detr/model-dynamo.onnx", "--task", "detection");
    const text = "the model does not say how they are scored; a sigmoid of each class was assumed";
    expect(decisions).toContainEqual(expect.objectContaining({ what: "head", because: text }));
    expect(warnings).toContainEqual({ code: "head-guessed", text: `How boxes are read was guessed: ${text}.` });
  });

  test("says that no head is known", async () => {
    const { decisions } = await inspected(
      path.join(repository, "test/cases/models/uint8_input.onnx"),
      "--task",
      "detection",
    );
    expect(decisions).toContainEqual(expect.objectContaining({ what: "head", value: "none that is known" }));
  });
});
