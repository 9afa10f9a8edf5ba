/**
 * @file Files of other kinds, given for a model or for what a model takes: what they are, by how they begin, and what to do with them.
 */
import { UserError } from "../errors.ts";
import { isHtml, pageOfHtml } from "./html.ts";
import { describe } from "./model.ts";
import type { NodeProto } from "./proto.ts";

/** A kind of file. */
interface Kind {
  readonly is: (bytes: Uint8Array, head: string) => boolean;
  /** What the file is. */
  readonly what: string;
  /** How to get a model out of it. */
  readonly model?: string;
  /** How to get a picture or an array out of it. */
  readonly sample?: string;
}

const at = (offset: number, text: string) => (_: Uint8Array, head: string) => head.startsWith(text, offset);
const has =
  (begin: string, ...words: readonly string[]) =>
  (_: Uint8Array, head: string) =>
    head.startsWith(begin) && words.some((word) => head.includes(word));
const either =
  (...tests: readonly Kind["is"][]): Kind["is"] =>
  (bytes, head) =>
    tests.some((is) => is(bytes, head));

const zip = "PK\x03\x04";
const torch = "torch.onnx.export(model.eval(), example, 'model.onnx') writes one";
const toOnnx = (tool: string) => `python -m tf2onnx.convert ${tool} --output model.onnx makes one`;
const keras = "model.export('model.onnx', format='onnx') in Keras makes one";
const slice = "save a slice of it as a picture or its numbers as a .npy file";

const kinds: readonly Kind[] = [
  { is: (bytes) => bytes.length === 0, what: "it is empty", model: "copy or download it once more" },
  {
    is: at(0, "version https://git-lfs"),
    what: "it is a Git LFS pointer, not the file itself",
    model: "git lfs pull fetches it",
    sample: "git lfs pull fetches it",
  },
  {
    is: at(4, "ORTM"),
    what: "it is in ONNX Runtime's own format (.ort)",
    model: "give the .onnx file that it was made from",
  },
  { is: at(4, "TFL3"), what: "it is a TensorFlow Lite model", model: toOnnx("--tflite model.tflite") },
  {
    is: at(0, "GGUF"),
    what: "it is a GGUF file of llama.cpp",
    model: "export the model to ONNX with optimum-cli export onnx",
  },
  {
    is: (_, head) => /^.{4}\0{4}\{"/s.test(head),
    what: "it is a safetensors file, which holds weights without a graph",
    model: "optimum-cli export onnx --model DIRECTORY writes a model",
  },
  { is: has(zip, "data.pkl", "archive/", "constants.pkl"), what: "it is a PyTorch file", model: torch },
  {
    is: either(at(0, "\x80\x02\x8a\x0al\xfc\x9c"), has("\x80", "torch", "collections")),
    what: "it is a pickled PyTorch file",
    model: torch,
  },
  {
    is: (bytes) => bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5,
    what: "it is a pickle of Python",
    model: torch,
    sample: "numpy.save writes a .npy file",
  },
  { is: has(zip, "model.weights.h5", "keras"), what: "it is a Keras model", model: keras },
  { is: has(zip, ".npy"), what: "it is a .npz archive of arrays", sample: "numpy.save writes each as a .npy file" },
  {
    is: at(0, "\x89HDF\r\n"),
    what: "it is an HDF5 file (.h5)",
    model: keras,
    sample: "numpy.save writes its numbers as a .npy file",
  },
  {
    is: either(has("", "<net name=", "<net "), has("<?xml", "OpenVINO")),
    what: "it is an OpenVINO model",
    model: "give the .onnx file that it was made from",
  },
  {
    is: either(has("\x08\x01\x12", "saved_model", "serv", "tensorflow"), has("\n", "Placeholder", "NoOp", "Const")),
    what: "it is a TensorFlow model",
    model: toOnnx("--saved-model DIRECTORY"),
  },
  {
    is: has("", "com.github.apple.coremltools", "coremltoolsVersion"),
    what: "it is a Core ML model",
    model: "give the .onnx file that it was made from",
  },
  {
    is: either(at(0, "ftrt"), at(0, "ptrt")),
    what: "it is an engine of TensorRT",
    model: "give the .onnx file that it was made from",
  },
  {
    is: (_, head) => isHtml(head),
    what: pageOfHtml,
    model: "download the file itself",
    sample: "download the file itself",
  },
  {
    is: at(0, "\x1f\x8b"),
    what: "it is compressed with gzip",
    model: "gunzip unpacks it",
    sample: "gunzip unpacks it",
  },
  {
    is: at(0, zip),
    what: "it is a zip archive",
    model: "unpack it, and give the .onnx file in it",
    sample: "unpack it, and give a file in it",
  },
  {
    is: either(
      at(0, "BZh"),
      at(0, "\xfd7zXZ"),
      at(0, "7z\xbc\xaf"),
      at(0, "\x28\xb5\x2f\xfd"),
      at(0, "Rar!"),
      at(257, "ustar"),
    ),
    what: "it is an archive",
    model: "unpack it, and give the .onnx file in it",
    sample: "unpack it, and give a file in it",
  },
  { is: at(128, "DICM"), what: "it is a DICOM file (.dcm)", sample: `${slice} (pydicom reads it)` },
  {
    is: either(at(344, "n+1\0"), at(344, "ni1\0"), at(4, "n+2\0")),
    what: "it is a NIfTI volume (.nii)",
    sample: `${slice} (nibabel reads it)`,
  },
  { is: at(0, "MATLAB"), what: "it is a MATLAB file", sample: "numpy.save writes its numbers as a .npy file" },
  {
    is: either(
      (_, head) => /^.{4}ftyp(hei[cxms]|hev[cx])/s.test(head),
      (_, head) => /^.{4}ftyp(mif1|msf1).{0,40}heic/s.test(head),
    ),
    what: "it is an HEIC photograph, as iPhones take them",
    sample:
      "open it and export it as JPEG, as with: heif-convert photo.heic photo.jpg (a phone set to “Most Compatible” takes JPEG)",
  },
  {
    is: (_, head) => /^(\ufeff|\xef\xbb\xbf)?\s*(<\?xml.*?|<!--.*?-->\s*|<!doctype svg.*?)*<svg[\s>]/is.test(head),
    what: "it is an SVG drawing, which has no pixels of its own",
    sample: "export it as PNG, as with: inkscape drawing.svg --export-filename=drawing.png",
  },
  {
    is: either(at(0, "\xff\x0a"), at(4, "JXL ")),
    what: "it is a JPEG XL picture",
    sample: "save it as PNG, as with: djxl picture.jxl picture.png",
  },
  {
    is: either(at(4, "jP  "), at(0, "\xff\x4f\xff\x51")),
    what: "it is a JPEG 2000 picture",
    sample: "save it as PNG, as with: magick picture.jp2 picture.png",
  },
  { is: at(0, "8BPS"), what: "it is a Photoshop document", sample: "save a copy of it as PNG" },
  { is: at(0, "%PDF"), what: "it is a PDF document", sample: "save its page as a PNG" },
  {
    is: at(0, "\x93NUMPY"),
    what: "it is an array of NumPy",
    model: "it goes where a picture goes; --model takes an .onnx file",
  },
  {
    is: either(
      at(0, "\x89PNG"),
      at(0, "\xff\xd8\xff"),
      at(0, "GIF8"),
      at(8, "WEBP"),
      (bytes, head) => head.startsWith("BM") && bytes[7] === 0 && bytes[9] === 0,
      at(0, "II*\0"),
      at(0, "MM\0*"),
    ),
    what: "it is a picture",
    model: "--model takes an .onnx file",
  },
  {
    is: (_, head) => /^\s*[[{]/.test(head) && !/[^\t\n\r -~\x80-\xff]/.test(head),
    what: "it is JSON",
    model: "give the .onnx file",
  },
  {
    is: (_, head) => head.length > 0 && !/[^\t\n\r -~\x80-\xff]/.test(head),
    what: "it is a text file",
    model: "give the .onnx file",
  },
];

/** What a file is that is no ONNX model, and what to do; undefined where that cannot be told. */
export const foreignModel = (bytes: Uint8Array): string | undefined => tell(bytes, "model");

/** What a file is that is no picture, sound or array, and what to do; undefined where that cannot be told. */
export const foreignSample = (bytes: Uint8Array): string | undefined => tell(bytes, "sample");

function tell(bytes: Uint8Array, role: "model" | "sample"): string | undefined {
  if (!(bytes instanceof Uint8Array)) return undefined; // who has no types may give anything
  const head = String.fromCharCode(...bytes.subarray(0, 4096));
  const kind = kinds.find((k) => k[role] && k.is(bytes, head));
  return kind && `${kind.what}; ${kind[role]}`;
}

/** @throws UserError `unsupported-operator`: ONNX Runtime's optimiser has laid the numbers out for the processor that it ran on. */
export function refusePacked(node: NodeProto): never {
  throw new UserError(
    "unsupported-operator",
    `unsupported operator: ${describe(node)}: ONNX Runtime has optimised the file for one processor; explain the original file, or set graph_optimization_level = ORT_ENABLE_EXTENDED together with optimized_model_filepath`,
  );
}
