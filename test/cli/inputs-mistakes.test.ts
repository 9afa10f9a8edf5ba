/** @file Mistakes in arrays, recordings and other inputs, each told in one line with nothing half written. */
import { cpSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "vitest";
import { encodeNpy } from "../../src/array/npy.ts";
import { waveFile } from "../signal/wave-file.ts";
import { expectMistake } from "./mistake.ts";
import { folder, repository, within } from "./run.ts";

type Files = Readonly<Record<string, Uint8Array | string>>;

/** Runs `explain` in a copy of a case of test/inputs. */
async function refused(name: string, args: readonly string[], words: string | RegExp, files: Files = {}) {
  const cwd = folder();
  cpSync(path.join(repository, "test/inputs", name), cwd, { recursive: true });
  for (const [file, content] of Object.entries(files)) writeFileSync(path.join(cwd, file), content);
  expectMistake(await within(["explain", ...args, "--model", "model.onnx"], cwd), cwd, words);
}

const npy = (...shape: number[]) => encodeNpy(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
/** Another type in the header; the values are as many bytes. */
const typed = (type: string, file: Uint8Array) =>
  Uint8Array.from(Buffer.from(Buffer.from(file).toString("latin1").replace("<f4", type), "latin1"));

describe("arrays", () => {
  const rows: readonly (readonly [string, Uint8Array | string, string | RegExp])[] = [
    [
      "a wrong shape",
      npy(1, 12, 20, 25),
      '"input" takes an array of shape [1, 12, 20, 24], this one has [1, 12, 20, 25]',
    ],
    ["too few axes", npy(20, 24), "takes an array of shape [1, 12, 20, 24], this one has [20, 24]"],
    ["a text", "1, 2, 3\n", "invalid .npy a.npy: other first bytes, expected the first bytes of a .npy file"],
    ["an empty file", "", "invalid .npy a.npy: other first bytes"],
    [
      "values that are missing",
      npy(1, 12, 20, 24).subarray(0, 1000),
      /invalid \.npy a\.npy: 872 bytes of values, expected 23040/,
    ],
    ["whole numbers", typed("<i4", npy(1, 12, 20, 24)), "invalid input a.npy: it holds int32, the model takes floats"],
    ["objects", typed("|O4", npy(1, 12, 20, 24)), /invalid \.npy a\.npy: the header .*, expected numbers or booleans/],
    [
      "NaN",
      encodeNpy(new Float32Array(5760).fill(Number.NaN), [1, 12, 20, 24]),
      /not finite: the scores "output" hold NaN/,
    ],
  ];
  test.each(rows)("%s", (_, content, words) => refused("volume", ["a.npy"], words, { "a.npy": content }));

  test("no such file", () => refused("volume", ["none.npy"], "missing volume: none.npy: no such file or directory"));
  test("lists of unequal length", () =>
    refused("volume", ["a.json"], /invalid \.json a\.json: \[3\], expected numbers, or lists/, {
      "a.json": "[[1, 2], [3]]",
    }));
  test("no JSON", () => refused("volume", ["a.json"], "invalid array: a.json is not JSON", { "a.json": "[1" }));
  test("a recording for a volume", () =>
    refused("volume", ["a.wav"], '"input" takes a volume of shape [1, 12, 20, 24], not a sound; give a .npy file', {
      "a.wav": waveFile({ bits: 16 }, [[0, 0.5]]),
    }));
  test("a picture for a volume", () =>
    refused(
      "volume",
      ["../../../inputs/a.png"].map(() => "a.png"),
      "not a picture; give a .npy file",
      {
        "a.png": pngOf(),
      },
    ));
  test("a picture for a sound", () =>
    refused(
      "audio_free",
      ["a.png"],
      '"input" takes a signal of shape [1, ?], not a picture; give a .wav or .npy file',
      {
        "a.png": pngOf(),
      },
    ));
  test("a method of pictures", () =>
    refused(
      "volume",
      ["input.npy", "--method", "occlusion"],
      "occlusion takes pictures; the input has shape [1,1,12,20,24]",
    ));
});

describe("recordings", () => {
  const wav = (content: Uint8Array | string, words: string | RegExp) =>
    refused("audio_free", ["a.wav"], words, { "a.wav": content });
  test("a text", () => wav("hello", "invalid .wav a.wav: other first bytes, expected RIFF and WAVE"));
  test("a coding that is not PCM", () =>
    wav(
      waveFile({ code: 7, bits: 8 }, [[0]]),
      "unsupported .wav a.wav: format 7 of 8 bits; allowed are PCM of 8, 16, 24 or 32",
    ));
  test("samples that are missing", () =>
    wav(
      waveFile({ bits: 16 }, [Array(100).fill(0)]).subarray(0, 100),
      /invalid \.wav a\.wav: 56 bytes of samples, expected 200/,
    ));
  test("no samples", () => wav(waveFile({ bits: 16 }, [[]]), "invalid .wav a.wav: no samples, expected one or more"));
  test("no file", () => refused("audio_free", ["b.wav"], "missing signal: b.wav"));
});

describe("other inputs", () => {
  const asked = (input: string[], words: string | RegExp, files: Files = {}) =>
    refused("question", ["input.png", ...input], words, files);
  const words = (file: string) => ["--input", `words=${file}`];
  test("left out", () => asked([], 'missing input: "words"; the model takes image, words'));
  test("unknown", () => asked(["--input", "text=words.npy"], 'unknown input: "text"; the model takes image, words'));
  test("no name", () =>
    refused(
      "question",
      ["input.png", "--input", "words.npy"],
      /--input <name=file>' argument 'words\.npy' is invalid.*the name of an input/,
    ));
  test("no such file", () => asked(words("none.npy"), 'missing input "words": none.npy: no such file'));
  test("floats for whole numbers", () =>
    asked(words("a.npy"), "invalid input a.npy: it holds float32, the model takes int64", { "a.npy": npy(1, 4) }));
  test("fractions for whole numbers", () =>
    asked(words("a.json"), "invalid input a.json: it holds fractions, the model takes int64", {
      "a.json": "[1.5, 2, 3, 4]",
    }));
  test("another length", () =>
    asked(words("a.json"), 'invalid input: "words" has shape [1,5]; the model takes [n,4]', {
      "a.json": "[1,2,3,4,5]",
    }));
  test("a picture for words", () =>
    asked(words("input.png"), 'invalid input input.png: "words" takes an array of int64; give a .npy or .json file'));
  test("the picture twice", () =>
    refused("question", ["--input", "image=none.png", ...words("words.npy")], "missing picture: none.png"));
});

describe("similarity and references", () => {
  test("nothing to be similar to", () =>
    refused("embedding", ["input.png", "--similar-to", "none.png"], "missing image none.png: no such file"));
  test("a reference of another grid", () =>
    refused(
      "embedding",
      ["input.png", "--reference", path.join(repository, "models/efficientnet-lite0")],
      /invalid reference: its map has the grid \[7,7\], the model's \[8,8\]/,
    ));
  test("a reference that is not there", () =>
    refused("embedding", ["input.png", "--reference", "none.onnx"], "missing model: none.onnx: no such file"));
});

const pngOf = () =>
  Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC", "base64");
