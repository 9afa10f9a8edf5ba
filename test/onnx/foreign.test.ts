/** @file Files of other kinds, as a model and as a picture: what they are is said, and what to do. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as ort from "onnxruntime-node";
import { expect, onTestFinished, test } from "vitest";
import { openExplainer, vjp } from "../../src/index.ts";
import { readSample } from "../../src/node/samples.ts";
import { load } from "../../src/node.ts";
import { gap } from "../nets.ts";

/** Bytes by what they begin with; numbers are places at which a text stands. */
const file = (begin: string, more: Readonly<Record<number, string>> = {}, length = 600): Uint8Array => {
  const bytes = new Uint8Array(length);
  for (const [at, text] of [[0, begin] as const, ...Object.entries(more)])
    [...text].forEach((character, i) => {
      bytes[Number(at) + i] = character.charCodeAt(0);
    });
  return bytes;
};
const text = (content: string) => new TextEncoder().encode(content);
const zip = "PK\x03\x04";

test.each<[string, Uint8Array, RegExp]>([
  ["nothing", new Uint8Array(), /empty/],
  [
    "a Git LFS pointer",
    text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n"),
    /Git LFS.*git lfs pull/,
  ],
  [".ort", file("", { 4: "ORTM" }), /\.ort\).*\.onnx file that it was made from/],
  ["TensorFlow Lite", file("\x1c\0\0\0", { 4: "TFL3" }), /TensorFlow Lite.*tf2onnx/],
  ["GGUF", file("GGUF\x03"), /GGUF/],
  ["safetensors", file("\x40\0\0\0\0\0\0\0", { 8: '{"__metadata__":{}}' }), /safetensors.*without a graph/],
  ["PyTorch, as it saves today", file(zip, { 30: "archive/data.pkl" }), /PyTorch.*torch\.onnx\.export/],
  [
    "PyTorch, as it saved before",
    file("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M"),
    /PyTorch.*torch\.onnx\.export/,
  ],
  ["a pickle", file("\x80\x04\x95\x10\0\0\0\0\0\0\0}"), /pickle/],
  ["Keras", file(zip, { 30: "model.weights.h5" }), /Keras/],
  ["Keras .h5", file("\x89HDF\r\n\x1a\n"), /\.h5\).*Keras/],
  ["OpenVINO", text('<?xml version="1.0"?>\n<net name="model" version="11">\n'), /OpenVINO/],
  [
    "TensorFlow SavedModel",
    file("\x08\x01\x12\x50\x0a\x08", { 20: "saved_model_main_op serve" }),
    /TensorFlow.*tf2onnx/,
  ],
  ["TensorFlow GraphDef", file("\n\x20\n\x05input\x12\x0bPlaceholder"), /TensorFlow/],
  ["HTML", text("<!DOCTYPE html>\n<html><head><title>Sign in</title>"), /HTML.*download/],
  ["gzip", file("\x1f\x8b\x08"), /gzip.*gunzip/],
  ["zip", file(zip, { 30: "readme.txt" }), /zip archive/],
  ["tar", file("model/", { 257: "ustar" }), /archive/],
  ["a picture", file("\x89PNG\r\n\x1a\n"), /picture.*--model takes/],
  ["an array", file("\x93NUMPY\x01\0"), /NumPy/],
  ["JSON", text('{"model_type": "vit"}'), /JSON/],
  ["text", text("Please see the README.\n"), /text file/],
])("as a model: %s", async (_, bytes, words) => {
  const folder = mkdtempSync(path.join(tmpdir(), "gradcam-foreign-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const name = path.join(folder, "model.onnx");
  writeFileSync(name, bytes);
  const expected = { name: "UserError", code: "invalid-model", message: expect.stringMatching(words) };
  await expect(openExplainer(ort, bytes)).rejects.toMatchObject(expected);
  await expect(vjp(ort, bytes, { feeds: {}, seeds: {}, wrt: [] })).rejects.toMatchObject(expected);
  await expect(load(name)).rejects.toMatchObject({ ...expected, message: expect.stringContaining(name) });
});

test("a damaged ONNX file is none of them", async () => {
  await expect(openExplainer(ort, gap().subarray(0, 300))).rejects.toThrow(
    "invalid model: not an ONNX file, or a truncated one",
  );
});

test.each<[string, Uint8Array, RegExp]>([
  ["a Git LFS pointer", text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), /Git LFS.*git lfs pull/],
  ["HTML", text("\n<html><body>404</body></html>"), /HTML.*download/],
  ["gzip, as .nii.gz is", file("\x1f\x8b\x08"), /gzip.*gunzip/],
  ["NIfTI", file("\x5c\x01\0\0", { 344: "n+1\0" }), /NIfTI.*nibabel/],
  ["DICOM", file("", { 128: "DICM" }), /DICOM.*pydicom/],
  ["arrays in an archive", file(zip, { 30: "arr_0.npy" }), /\.npz/],
  ["HDF5", file("\x89HDF\r\n\x1a\n"), /HDF5.*\.npy/],
  ["MATLAB", text("MATLAB 5.0 MAT-file, Platform: GLNXA64"), /MATLAB.*\.npy/],
  ["a document", text("%PDF-1.7"), /PDF/],
  ["HEIC", file("\0\0\0\x18ftypheic\0\0\0\0mif1heic"), /HEIC.*heif-convert/],
  ["SVG", text('<?xml version="1.0"?>\n<svg width="9" height="9"/>'), /SVG.*PNG/],
  ["JPEG XL", file("\xff\x0a"), /JPEG XL.*djxl/],
])("as a picture: %s", async (_, bytes, words) => {
  const folder = mkdtempSync(path.join(tmpdir(), "gradcam-foreign-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const ending of [".png", ".npy", ".wav", ".nii"]) {
    const name = path.join(folder, `x${ending}`);
    writeFileSync(name, bytes);
    const error = await readSample(name, {}, "float32").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "UserError", message: expect.stringMatching(words) });
    expect(String(error)).toContain(name);
    expect(String(error)).not.toContain("\n");
  }
  await expect(readSample(bytes, {}, "float32")).rejects.toMatchObject({
    name: "UserError",
    message: expect.stringMatching(words),
  });
});
