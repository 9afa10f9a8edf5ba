/** @file Directories where not all goes well: a corrupt picture among others, Ctrl-C, and a reader who has seen enough. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { decodeNpy } from "../../src/array/npy.ts";
import { sourceAt } from "../../src/evaluate/source.ts";
import { decode } from "../../src/image/sharp.ts";
import { gap } from "../nets.ts";
import { expectMistake } from "./mistake.ts";
import { filesIn, folder, start, within, withModel, writePicture } from "./run.ts";

test("a corrupt picture among others: they are explained, and it has one line", async () => {
  const cwd = folder();
  const net = withModel(cwd, gap({ input: [1, 3, 8, 8] }));
  mkdirSync(path.join(cwd, "photos"));
  for (const name of ["a", "c"]) await writePicture(path.join(cwd, "photos", `${name}.png`));
  writeFileSync(path.join(cwd, "photos/b.png"), "no picture");
  for (const json of [["--json"], []]) {
    const { code, stdout, stderr } = await within(["explain", "photos", ...net, ...json], cwd);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^gradcam: invalid image photos\/b\.png: [^\n]+\n$/);
    if (json.length) expect(stdout.match(/"image":"photos\/[ac]\.png"/g)?.length).toBe(2);
    else expect(stdout).toContain("; 1 of 3 pictures could not be explained.");
  }
  const manifest = JSON.parse(readFileSync(path.join(cwd, "gradcam-out/manifest.json"), "utf8"));
  expect(manifest.images.map(({ image }: { image: string }) => image)).toEqual(["photos/a.png", "photos/c.png"]);
});

test("what is no file is passed over in a directory, and refused by its name", async () => {
  const cwd = folder();
  const net = withModel(cwd, gap({ input: [1, 3, 8, 8] }));
  const photos = path.join(cwd, "photos");
  mkdirSync(path.join(photos, "directory.png"), { recursive: true });
  await writePicture(path.join(photos, "a.png"));
  symlinkSync("a.png", path.join(photos, "link.png"));
  symlinkSync("nowhere.png", path.join(photos, "broken.png"));
  symlinkSync("loop.png", path.join(photos, "loop.png"));
  symlinkSync("../photos", path.join(photos, "around"));
  symlinkSync("/dev/zero", path.join(photos, "device.png"));
  execFileSync("mkfifo", [path.join(photos, "pipe.png")]);
  const { code, stdout, stderr } = await within(["explain", "photos", ...net, "--json", "--out", "o"], cwd);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const pictures = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).image);
  expect(pictures).toEqual(["photos/a.png", "photos/link.png"]);
  for (const name of ["pipe", "device", "loop", "broken"])
    expectMistake(
      await within(["explain", `photos/${name}.png`, ...net, "--out", "o"], cwd),
      cwd,
      `photos/${name}.png`,
    );
  for (const option of ["--model", "--labels"])
    expectMistake(
      await within(["explain", "photos/a.png", ...net, option, "photos/pipe.png", "--out", "o"], cwd),
      cwd,
      "photos/pipe.png is a pipe, a socket or a device; give a file",
    );

  // A dataset's folders are read by the same rule.
  expect(await sourceAt(photos).list()).toEqual(["a.png", "link.png"]);
  await expect(sourceAt(photos).read("pipe.png")).rejects.toThrow(/pipe\.png: is a pipe, a socket or a device/);
});

test("Ctrl-C ends with 130 and leaves whole files", async () => {
  const cwd = folder();
  // 160 pixels a side: occlusion takes 81 runs a picture, so that the signal meets it at work.
  const net = withModel(cwd, gap({ input: [1, 3, 160, 160] }));
  mkdirSync(path.join(cwd, "photos"));
  for (let i = 0; i < 40; i++) await writePicture(path.join(cwd, "photos", `${i}.png`), { seed: i });
  const running = start(["explain", "photos", ...net, "--method", "occlusion", "--json"], cwd);
  let lines = 0;
  running.process.stdout?.on("data", (text: string) => {
    lines += text.split("\n").length - 1;
    // Once: a second one ends it at once.
    if (lines >= 2 && !running.process.killed) running.process.kill("SIGINT");
  });
  const { code, stdout, stderr } = await running.ended;
  expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
  const told = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(told.length).toBeLessThan(40);

  const out = path.join(cwd, "gradcam-out");
  const files = filesIn(out);
  expect(files.filter((name) => name.endsWith(".part"))).toEqual([]);
  for (const name of files.filter((file) => file.endsWith(".png")))
    expect((await decode(path.join(out, name))).width).toBeGreaterThan(0);
  for (const name of files.filter((file) => file.endsWith(".npy")))
    expect(decodeNpy(readFileSync(path.join(out, name))).shape).toEqual([160, 160]);
  const manifest = JSON.parse(readFileSync(path.join(out, "manifest.json"), "utf8"));
  expect(manifest.images.length).toBe(told.length);
});

test("a reader that closes the pipe is no bug", async () => {
  const cwd = folder();
  const net = withModel(cwd, gap({ input: [1, 3, 8, 8] }));
  mkdirSync(path.join(cwd, "photos"));
  for (let i = 0; i < 5; i++) await writePicture(path.join(cwd, "photos", `${i}.png`), { seed: i });
  const running = start(["explain", "photos", ...net, "--json"], cwd);
  running.process.stdout?.once("data", () => running.process.stdout?.destroy());
  const { code, stderr } = await running.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

test("a picture that is not there among others: they are explained, and it has one line", async () => {
  const cwd = folder();
  const net = withModel(cwd, gap({ input: [1, 3, 8, 8] }));
  for (const name of ["a", "c"]) await writePicture(path.join(cwd, `${name}.png`));
  const { code, stdout, stderr } = await within(["explain", "a.png", "b.png", "c.png", ...net, "--json"], cwd);
  expect(code).toBe(2);
  expect(stderr).toBe("gradcam: missing image b.png: no such file\n");
  expect(stdout.match(/"image":"[ac]\.png"/g)?.length).toBe(2);
});
