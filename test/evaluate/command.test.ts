/** @file `gradcam evaluate` as people run it: the same figures however the work went, and mistakes in one line. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "libsql";
import { expect, test } from "vitest";
import { expectMistake, net } from "../cli/mistake.ts";
import { built, filesIn, folder, gradcam, start, withModel, writePicture } from "../cli/run.ts";
import { gap } from "../nets.ts";

const all =
  "pointing-game,mask-overlap,inside-outside,occlusion-correlation,deletion,faithfulness-correlation,cascading-randomisation,agreement";

/** Pictures of noise with a box and a mask each, and one that is broken. */
async function prepare(side = 40, count = 6): Promise<string> {
  const cwd = folder();
  withModel(cwd, gap({ input: [1, 3, 32, 32] }));
  mkdirSync(path.join(cwd, "set"));
  const lines = ["picture,label,name,x0,y0,x1,y1,mask"];
  for (let i = 0; i < count; i++) {
    await writePicture(path.join(cwd, `set/${i}.png`), { width: side, height: side, seed: i });
    lines.push(`${i}.png,${i % 2},,,,,,`, `${i}.png,,${i % 2},4,4,${10 + i},20,`, `${i}.png,,${(i + 1) % 2},,,,,0.png`);
  }
  writeFileSync(path.join(cwd, "set/broken.png"), "no picture");
  lines.push("broken.png,1,,,,,,", "gone.png,1,,,,,,");
  writeFileSync(path.join(cwd, "set/manifest.csv"), lines.join("\n"));
  return cwd;
}

const labels = ["--labels", "labels.txt"];
const evaluate = (metrics: string, out: string, ...more: string[]) => [
  ...[
    "evaluate",
    "set",
    "--model",
    "net.onnx",
    ...labels,
    "--methods",
    "grad-cam,gradient",
    "--metrics",
    metrics,
    "--out",
    out,
  ],
  ...more,
];

/** What must not depend on how the work went. */
const figuresIn = (cwd: string, out: string) => {
  const { examined, figures, differences, failures, outcomes } = JSON.parse(
    readFileSync(path.join(cwd, out, "figures.json"), "utf8"),
  );
  return { examined, figures, differences, failures, outcomes };
};

/** How many pictures are written down. */
function examinedIn(file: string): number {
  if (!existsSync(file)) return 0;
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare("SELECT 1 FROM picture").all().length;
  } catch {
    return 0; // its tables are not there yet
  } finally {
    db.close();
  }
}

test("figures are the same with one worker and two, after a kill and a resumption, and a broken picture is counted", {
  timeout: 150_000,
}, async () => {
  const cwd = await prepare();
  writeFileSync(path.join(cwd, "labels.txt"), "zero\none\ntwo");
  const one = await gradcam(evaluate(all, "one", "--workers", "1"), cwd);
  expect(one).toMatchObject({ code: 0, stderr: "" });
  const figures = figuresIn(cwd, "one");
  expect(figures.examined).toBe(6);
  expect(figures.failures.map(({ id }: { id: string }) => id)).toEqual(["broken.png", "gone.png"]);
  expect(figures.figures.map(({ metric }: { metric: string }) => metric)).toEqual(
    expect.arrayContaining(all.split(",")),
  );
  for (const { value } of figures.figures) expect(value).toEqual(expect.any(Number));
  expect(filesIn(path.join(cwd, "one"))).toEqual(["figures.csv", "figures.json", "report.html", "results.sqlite"]);

  // The report is whole: every section, pictures, plots and failures, and nothing that it would have to fetch.
  const report = readFileSync(path.join(cwd, "one/report.html"), "utf8");
  for (const name of all.split(",")) expect(report).toContain(`<section id="${name}">`);
  expect(report).toContain("<svg");
  expect(report).toContain("data:image/jpeg;base64,");
  expect(report).toContain("gone.png");
  expect(report).not.toMatch(/(?:src|href)="(?!data:|#)/);
  expect(report).not.toMatch(/@import|url\(/);

  // Killed after the first results, as by a power cut, then run again on another number of workers.
  const running = start(evaluate(all, "two", "--workers", "1"), cwd);
  await expect.poll(() => examinedIn(path.join(cwd, "two/results.sqlite")), { interval: 50 }).toBeGreaterThan(0);
  running.process.kill("SIGKILL");
  await running.ended;
  const two = await gradcam(evaluate(all, "two", "--workers", "2"), cwd);
  expect(two).toMatchObject({ code: 0, stderr: "" });
  expect(figuresIn(cwd, "two")).toEqual(figures);

  // A third time there is nothing left to do.
  const again = await built(evaluate(all, "two"), cwd);
  expect(again.code).toBe(0);
  expect(figuresIn(cwd, "two")).toEqual(figures);
});

test("an evaluation in which every picture failed ends with 2", async () => {
  const cwd = folder();
  const net = withModel(cwd, gap({ input: [1, 3, 16, 16] }));
  writeFileSync(path.join(cwd, "labels.txt"), "zero\none\ntwo");
  mkdirSync(path.join(cwd, "set/zero"), { recursive: true });
  for (const name of ["a", "b"]) writeFileSync(path.join(cwd, `set/zero/${name}.png`), "no picture");
  const args = ["set", ...net, "--labels", "labels.txt", "--metrics", "sparseness", "--workers", "1", "--out", "o"];
  const { code, stderr } = await built(["evaluate", ...args], cwd);
  expect(stderr).toMatch(/^gradcam: no image could be evaluated: all 2 failed; the first was zero\/a\.png: [^\n]+\n$/);
  expect(code).toBe(2);
  expect(figuresIn(cwd, "o").failures).toHaveLength(2);
});

test("a sample is the same whoever draws it, and another seed draws another", async () => {
  const dir = await prepare(16);
  writeFileSync(path.join(dir, "labels.txt"), "zero\none\ntwo");
  const drawn = async (out: string, seed: string) => {
    const { stdout } = await built(
      evaluate("sparseness", out, "--sample", "4", "--seed", seed, "--workers", "1", "--json"),
      dir,
    );
    const { dataset, figures } = JSON.parse(stdout);
    expect(dataset.pictures).toBe(4);
    return figures[0].value;
  };
  const first = await drawn("a", "1");
  expect(await drawn("b", "1")).toBe(first);
  expect(await drawn("c", "5")).not.toBe(first);
});

test("under attack an absent class rises, and the maps before and after are told and drawn", async () => {
  const cwd = await prepare(32, 3);
  writeFileSync(path.join(cwd, "labels.txt"), "zero\none\ntwo");
  const lines = readFileSync(path.join(cwd, "set/manifest.csv"), "utf8").split("\n");
  // Labels and a box of one class alone, so that others are absent.
  const kept = lines
    .filter((line) => !/^(broken|gone)|0\.png$/.test(line))
    .map((line) => line.replace(/^(\d+\.png,)\d/, "$10"));
  writeFileSync(
    path.join(cwd, "set/manifest.csv"),
    kept.map((line) => line.replace(/^(\d+\.png,,)\d/, "$10")).join("\n"),
  );
  const { code, stdout, stderr } = await built(
    [
      ...["evaluate", "set", "--model", "net.onnx", ...labels, "--adversarial", "--methods", "grad-cam,gradient"],
      "--json",
      "--out",
      "adv",
    ],
    cwd,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  for (const { absent, class: present, probability, steps, methods } of JSON.parse(stdout)) {
    expect(absent).not.toBe(present);
    expect(probability > 0.9999 || steps === 300).toBe(true);
    expect(methods.map(({ method }: { method: string }) => method)).toEqual(["grad-cam", "gradient"]);
    for (const { correlation, hits } of methods) {
      expect(Math.abs(correlation)).toBeLessThanOrEqual(1);
      expect(hits).toHaveLength(2);
    }
  }
  expect(filesIn(path.join(cwd, "adv"))).toEqual(["adversarial.html", "adversarial.json"]);
  expect(readFileSync(path.join(cwd, "adv/adversarial.html"), "utf8")).toContain("data:image/jpeg;base64,");
});

test("mistakes", async () => {
  const dir = folder();
  withModel(dir, net);
  writeFileSync(path.join(dir, "labels.txt"), "zero\none\ntwo");
  mkdirSync(path.join(dir, "set"));
  await writePicture(path.join(dir, "set/a.png"));
  writeFileSync(path.join(dir, "set/manifest.csv"), "picture,label\na.png,1");
  const wrong = async (words: string, args: readonly string[]) => expectMistake(await built(args, dir), dir, words);
  await wrong('unknown metric: "nonsense"; allowed are localisation-error', evaluate("nonsense", "out"));
  await wrong("missing --metric; allowed are", ["evaluate", "set", "--model", "net.onnx"]);
  await wrong("--adversarial has its own metric", evaluate("deletion", "out", "--adversarial"));
  await wrong("pointing-game needs boxes, and no image has any", evaluate("pointing-game", "out"));
  await wrong(
    'unknown format: "zip"; allowed are manifest, coco, voc, yolo, easy-vqa, masks, folders',
    evaluate("deletion", "out", "--format", "zip"),
  );
  await wrong("missing dataset: nowhere", ["evaluate", "nowhere", "--metrics", "deletion", "--model", "net.onnx"]);
  expect((await built(evaluate("sparseness", "out", "--workers", "1"), dir)).code).toBe(0);
  await wrong("holds another evaluation's results (metrics was", evaluate("complexity", "out"));
});
