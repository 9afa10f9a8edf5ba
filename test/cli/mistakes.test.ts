/** @file Mistakes in pictures, options and places to write, each told in one line. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { expectMistake, mistake, net, ok } from "./mistake.ts";
import { example, filesIn, folder, gradcam, within, withModel, writePicture } from "./run.ts";

const write = (name: string, content: string | Uint8Array) => (cwd: string) =>
  writeFileSync(path.join(cwd, name), content);

describe("pictures", () => {
  const picture = (content: string | Uint8Array, words: string | RegExp) =>
    mistake(words, ["bad.jpg", ...ok.slice(1)], write("bad.jpg", content));
  const formats = /expected a JPEG, PNG, WebP, AVIF, TIFF or GIF file/;

  test("not an image", () => picture("hello", formats));
  test("empty", () => picture("", formats));
  test("truncated JPEG", () =>
    picture(readFileSync(example).subarray(0, 20000), /bad\.jpg: truncated or damaged JPEG.*expected a whole file/));
  test("truncated PNG", async () => {
    const png = await sharp({ create: { width: 60, height: 60, channels: 3, background: "red" } })
      .png({ compressionLevel: 0 })
      .toBuffer();
    await picture(png.subarray(0, 3000), /truncated or damaged PNG.*expected a whole file/);
  });
  test("0 x 0", () =>
    picture(Buffer.from("47494638396100000000000000" + "3b", "hex"), /invalid image bad\.jpg: .*expected/));
  test("SVG is no photograph", () =>
    picture(
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
      /bad\.jpg: it is an SVG drawing, which has no pixels of its own; export it as PNG/,
    ));
  test("a pixel bomb", () =>
    mistake(/24 x 16 = 384 pixels, allowed 383 \(raise with --max-pixels\)/, [...ok, "--max-pixels", "383"]));
  test("a pixel bomb by its header alone", async () => {
    const bomb = readFileSync(example);
    // A JPEG's frame header: FFC0 (or FFC2), its length, the depth, then height and width.
    const frame = Math.max(bomb.indexOf("ffc0", "hex"), bomb.indexOf("ffc2", "hex"));
    for (const at of [5, 7]) bomb.writeUInt16BE(20000, frame + at);
    await picture(bomb, /20000 x 20000 = 400000000 pixels, allowed 100000000/);
  });
  test("no such file", () => mistake("missing picture: none.jpg: no such file or directory", ["none.jpg"]));
  test("a directory without pictures", () =>
    mistake(/folder holds none; looked for \.jpg/, ["folder"], (cwd) => mkdirSync(path.join(cwd, "folder"))));
});

describe("classes, methods and options", () => {
  const rows: readonly (readonly [string, readonly string[], string | RegExp])[] = [
    [
      "an unknown class",
      ["--class", "wombat"],
      'unknown class: "wombat"; allowed are a class name, an index from 0 to 4, or topN',
    ],
    ["a class out of range", ["--class", "5"], "unknown class: 5; allowed are 0 to 4"],
    ["a negative class", ["--class", "-1"], "unknown class: -1; allowed are 0 to 4"],
    ["too many best classes", ["--class", "top6"], 'unknown class: "top6"; allowed are top1 to top5'],
    ["an unknown rival", ["--against", "wombat"], 'unknown class: "wombat"'],
    [
      "a rival and the opposite",
      ["--against", "1", "--counterfactual"],
      /--against .* cannot be used with .*--counterfactual/,
    ],
    ["an unknown method", ["--method", "x-cam"], 'unknown method: "x-cam"; allowed are grad-cam, '],
    ["more threads than can start", ["--threads", "100000"], /argument '100000' is invalid\. Expected at most \d+/],
    ["an unknown option", ["--bogus"], /unknown option '--bogus'.*--help/],
    ["a misspelt option", ["--metod", "grad-cam"], /unknown option '--metod'.*Did you mean --method\?/],
    ["an option without its value", ["--class"], /option '--class .*argument missing/],
    ["a colour map that is none", ["--colormap", "rainbow"], /Allowed choices are .*jet/],
    ["a size that is none", ["--size", "big"], /integer of at least 1/],
    ["a mean of two channels", ["--mean", "0.5,0.5"], /one number, or three/],
    ["a deviation of 0", ["--std", "0"], /std.*other than 0/],
    ["an unknown provider", ["--provider", "abacus"], /unknown provider: "abacus"; allowed are cpu/],
    ["labels that are not there", ["--labels", "none.txt"], "missing labels: none.txt: no such file"],
    ["a grid of tokens that is none", ["--tokens", "14"], /rows x columns, such as 14x14, or 1\+14x14/],
    ["tokens that no layer has", ["--tokens", "4x4"], "invalid tokens: no layer has room for a grid of 4 x 4"],
    ["an output that is not there", ["--output", "none"], 'unknown output: "none"; the model\'s outputs are logits'],
    ["a layer that is not there", ["--layer", "none"], 'unknown layer: "none"; candidates are features'],
    ["a layer without a grid", ["--layer", "flat"], /"flat" has shape .* no grid; candidates are features/],
    ["the wrong layout", ["--layout", "NHWC"], /takes 8 channels, laid out as NHWC/],
  ];
  test.each(rows)("%s", (_, args, words) => mistake(words, [...ok, ...args]));
  test("no picture", () =>
    mistake("missing picture: give a file or a directory of files; see the examples in --help", []));
  test("more labels than classes", () =>
    mistake(
      /6 names for a model of 5 classes/,
      [...ok, "--labels", "six.txt"],
      write("six.txt", "a\nb\nc\nd\ne\nf\n"),
    ));
  test("labels that are not JSON", () =>
    mistake(/bad\.json is not JSON/, [...ok, "--labels", "bad.json"], write("bad.json", "[")));
  test("an unknown command", async () => {
    const cwd = folder();
    expectMistake(await gradcam(["explian"], cwd), cwd, /unknown command 'explian'.*Did you mean explain\?/);
  });
});

describe("places to write", () => {
  test("a file in the way", () =>
    mistake(
      /cannot write: out: is a file; give another directory with --out/,
      [...ok, "--out", "out"],
      write("out", ""),
    ));
  test("below a file", () =>
    mistake(/cannot write: out.sub: part of the path is a file/, [...ok, "--out", "out/sub"], write("out", "")));
  test("a place of the kernel's", () => mistake(/cannot write: \/proc\/none/, [...ok, "--out", "/proc/none"]));
  test("a directory where a file should go", async () => {
    const cwd = folder();
    await writePicture(path.join(cwd, "a.png"));
    withModel(cwd, net);
    mkdirSync(path.join(cwd, "gradcam-out/a.panel.png"), { recursive: true });
    const { code, stdout, stderr } = await within(["explain", ...ok, "--json"], cwd);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^gradcam: cannot write: .*a\.panel\.png: [^\n]+\n$/);
    expect(filesIn(cwd).filter((name) => name.endsWith(".part"))).toEqual([]);
  });
});
