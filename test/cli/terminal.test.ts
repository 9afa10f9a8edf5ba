/**
 * @file What somebody else's names do to a terminal: nothing. Labels, tensors, files and arguments that hold ANSI and OSC sequences, line
 * breaks and characters that turn the direction of writing are printed as text, by every command, in results, mistakes and JSON.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { printable } from "../../src/render/printable.ts";
import { folder, gradcam, repository, within, writePicture } from "./run.ts";

const cases = path.join(repository, "test/cases/hostile");
const evil = "\x1b[2J\x1b]0;PWNED\x07\x9b31m\u202ered";
/** What terminals obey, by Unicode's own properties, but for the line breaks between lines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const obeyed = /(?!\n)[\x00-\x1f\x7f-\x9f\p{Bidi_Control}\u2028\u2029]/u;

async function hostile(): Promise<string> {
  const cwd = folder();
  for (const file of ["lab.json", "escin.onnx"]) copyFileSync(path.join(cases, file), path.join(cwd, file));
  await writePicture(path.join(cwd, `${evil}\nFAKE.png`), { width: 32, height: 32 });
  return cwd;
}
const model = ["--model", "escin.onnx", "--labels", "lab.json"];
const photo = `${evil}\nFAKE.png`;

test.each<[string, readonly string[], number]>([
  ["explain", ["explain", photo, ...model, "--class", "top3"], 0],
  ["explain --json", ["explain", photo, ...model, "--json"], 0],
  ["explain, a class that is not there", ["explain", photo, ...model, "--class", `${evil}\nFAKE`], 2],
  ["explain, a method that is not there", ["explain", photo, ...model, "--method", evil], 2],
  ["explain, a class that is two", ["explain", photo, ...model, "--class", "=1+1"], 2],
  ["explain, a layer that is not there", ["explain", photo, ...model, "--layer", `${evil}\nFAKE`], 2],
  ["explain, a file that is not there", ["explain", `${evil}\nFAKE.jpg`, ...model], 2],
  ["layers", ["layers", ...model], 0],
  ["layers --json", ["layers", ...model, "--json"], 0],
  ["compile", ["compile", "escin.onnx", "--labels", "lab.json", "--out", `${evil}\nFAKE.onnx`], 0],
  ["evaluate", ["evaluate", "data", ...model, "--metrics", "sparseness", "--workers", "1"], 0],
  ["evaluate, a format that is not there", ["evaluate", "data", "--metrics", "sparseness", "--format", evil], 2],
  ["caption, no such model", ["caption", photo, "--model", `${evil}\nFAKE`], 2],
  ["study, no such file", ["study", "status", `${evil}\nFAKE`], 2],
  ["a command that is not there", [`${evil}\nFAKE`], 2],
  ["an option that is not there", ["explain", `--${evil}\nFAKE`], 2],
  ["a number that is none", ["explain", photo, "--threads", `${evil}\nFAKE`], 2],
])("%s", async (_, args, code) => {
  const cwd = await hostile();
  if (args[0] === "evaluate") {
    const of = path.join(cwd, "data", `${evil}\nFAKE`);
    mkdirSync(of, { recursive: true });
    await writePicture(path.join(of, "a.png"), { width: 32, height: 32 });
    await writePicture(path.join(cwd, "data/b.png"), { width: 32, height: 32 });
    writeFileSync(path.join(cwd, "data/manifest.csv"), `picture,label\nb.png,3\n"${evil}\nFAKE/a.png","${evil}"`);
  }
  // An evaluation has workers, which are built files.
  const ended = await (args[0] === "evaluate" ? gradcam : within)(args, cwd);
  const { stdout, stderr } = ended;
  expect({ code: ended.code, stderr: code ? "" : stderr }).toEqual({ code, stderr: "" });
  for (const text of [stdout, stderr]) {
    expect(text).not.toMatch(obeyed);
    expect(text).not.toMatch(/^FAKE/m);
  }
  if (code) expect(stderr.trimEnd().split("\n")).toHaveLength(1);
});

test("what we style ourselves is styled, and a name's own styles are text", () => {
  const bin = path.join(repository, "dist/cli/bin.js");
  const env = { ...process.env, FORCE_COLOR: "1", NO_COLOR: undefined };
  const out = execFileSync(process.execPath, [bin, "layers", "--model", path.join(cases, "escin.onnx")], { env });
  const text = out.toString();
  expect(text).toContain("\x1b[1mescin\x1b[22m");
  expect(text.replaceAll("\x1b[1m", "").replaceAll("\x1b[22m", "")).not.toMatch(obeyed);
});

test("JSON keeps what it says", async () => {
  const cwd = await hostile();
  const { stdout } = await within(["explain", photo, ...model, "--class", "0", "--json"], cwd);
  const labels = JSON.parse(readFileSync(path.join(cwd, "lab.json"), "utf8")).id2label;
  const { image, explanations } = JSON.parse(stdout);
  expect(image).toBe(photo);
  expect(explanations[0].label).toBe(labels[0]);
});

test("every control and format character is shown as JSON writes it; all else stays", () => {
  const plain = /[\p{L}\p{N}\p{P}\p{S}\p{M}\p{Zs}\u200c\u200d]/u;
  // An expectation for each of a million characters would take seconds.
  const wrong: string[] = [];
  for (let code = 0; code <= 0x10ffff; code++) {
    const character = String.fromCodePoint(code);
    const shown = printable(character);
    const kept = shown === character;
    const hidden = obeyed.test(character) || character === "\n";
    if (kept ? hidden : plain.test(character) || JSON.parse(`"${shown}"`) !== character)
      wrong.push(`${code.toString(16)} is shown as ${shown}`);
  }
  expect(wrong).toEqual([]);
});

test("nothing is printed beside this way", () => {
  const files = readdirSync(path.join(repository, "src/cli")).filter((file) => !/^(terminal|bin)\.ts$/.test(file));
  const others = files.filter((file) =>
    /\bconsole\.|picocolors|process\.stdout/.test(readFileSync(path.join(repository, "src/cli", file), "utf8")),
  );
  expect(others).toEqual([]);
});
