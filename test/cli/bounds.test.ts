/** @file What bounds the work of methods: --max-memory, --option of evaluate, and Ctrl-C with --partial. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { gap } from "../nets.ts";
import { built, example, filesIn, folder, start, within, withModel, writePicture } from "./run.ts";

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function mistake(args: readonly string[], cwd = folder()): Promise<string> {
  const { code, stdout, stderr } = await within(args, cwd);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  return stderr;
}

test.each(["0MB", "1e3", "500", "-1GB", "MB", "1 TB", ""])("--max-memory %j is no size", async (size) => {
  for (const command of ["explain", "evaluate"])
    expect(await mistake([command, "none.jpg", "--max-memory", size])).toContain("such as 500MB or 2GB");
});

test("more memory than is allowed is one line, in explain and in evaluate, and nothing is written", async () => {
  const cwd = folder();
  for (const method of ["grad-cam", "gradient", "rise", "score-cam"])
    expect(await mistake(["explain", example, "--method", method, "--max-memory", "20MB"], cwd)).toMatch(
      /invalid maxMemory: 20 MB; allowed is at least \d+ MB/,
    );
  const asked = ["--metric", "pointing-game", "--max-memory", "0.01MB", "--workers", "1", "--out", "out"];
  expect(await mistake(["evaluate", "scenes:2", ...asked], cwd)).toMatch(/allowed is at least \d+ MB/);
  expect(filesIn(cwd).filter((file) => /\.(npy|png|json)$/.test(file))).toEqual([]);
});

test("options of methods in evaluate: checked before the model is opened, told, and a part of the run", async () => {
  const wrong = ["evaluate", "scenes:2", "--model", "none.onnx", "--metric", "deletion", "--method", "rise"];
  expect(await mistake([...wrong, "--option", "patch=3"])).toContain('unknown option of rise: "patch"');
  expect(await mistake([...wrong, "--option", "samples=0"])).toContain("allowed is an integer of at least 1");
  const attack = ["evaluate", "photos", "--adversarial", "--method", "rise", "--option", "samples=3"];
  expect(await mistake(attack)).toContain("leave out --option");

  const cwd = folder();
  const net = withModel(cwd, gap());
  mkdirSync(path.join(cwd, "data"));
  writeFileSync(path.join(cwd, "data/manifest.csv"), "picture\na.png\n");
  await writePicture(path.join(cwd, "data/a.png"), { seed: 3 });
  const asked = [
    "evaluate",
    "data",
    ...net,
    "--metric",
    "sparseness,complexity",
    "--method",
    "rise,grad-cam",
    "--workers",
    "1",
  ];
  const figures = async (out: string, ...told: string[]) => {
    const { code, stderr } = await built([...asked, "--out", out, ...told], cwd);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(readFileSync(path.join(cwd, out, "figures.json"), "utf8"));
  };
  const few = await figures("few", "--option", "samples=3", "--max-memory", "10MB");
  expect(few.options).toEqual({ samples: 3 });
  const many = await figures("many", "--option", "samples=40");
  expect(many.figures).not.toEqual(few.figures);
  expect(await mistake([...asked, "--out", "few", "--option", "samples=40"], cwd)).toContain("few");
});

/** Starts, waits until its model is open and some masks are drawn, and interrupts. */
async function interrupted(...flags: string[]) {
  const cwd = folder();
  const net = withModel(cwd, gap({ input: [1, 3, 96, 96] }));
  const asked = ["--method", "rise", "--option", "samples=100000000", "--json", ...flags];
  const running = start(["explain", example, ...net, ...asked], cwd);
  const deadline = Date.now() + 30_000;
  while (!existsSync(path.join(cwd, "gradcam-out")) && Date.now() < deadline) await pause(100);
  await pause(3000);
  running.process.kill("SIGINT");
  return { ...(await running.ended), cwd };
}

test("Ctrl-C with --partial: the estimate until then, marked, and 130; a later run does it again", async () => {
  const { code, stdout, stderr, cwd } = await interrupted("--partial");
  expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
  const line = JSON.parse(stdout);
  expect(line).toMatchObject({ partial: true, explanations: [{ method: "rise", partial: true }] });
  expect(existsSync(path.join(cwd, "gradcam-out", line.explanations[0].map.file))).toBe(true);
  const manifest = path.join(cwd, "gradcam-out/manifest.json");
  if (existsSync(manifest)) expect(JSON.parse(readFileSync(manifest, "utf8")).images).toEqual([]);
});

test("Ctrl-C without it: 130, and nothing", async () => {
  const { code, stdout, stderr, cwd } = await interrupted();
  expect({ code, stdout, stderr }).toEqual({ code: 130, stdout: "", stderr: "" });
  expect(filesIn(cwd).filter((file) => file.endsWith(".npy"))).toEqual([]);
});
