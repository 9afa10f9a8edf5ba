/** @file Mistakes in plain words: the cause, each in its own sentence, and what to do; the library's own line stays readable beneath. */
import { UserError } from "gradcam";
import { plainWords } from "gradcam/web";
import { WorkerLost } from "../engine/client.ts";
import { notice } from "./studio.ts";

/** What went wrong, and what to do. */
type Words = readonly [title: string, advice: string];

/** Causes that the library's line tells apart, the narrower first. */
const causes: readonly (readonly [RegExp, ...Words])[] = [
  [
    /again and again/,
    "The engine stops again and again",
    "The model or the picture may need more memory than this browser gives. Close other tabs, or try a smaller one.",
  ],
  [
    /out of memory|memory access|allocation failed|bad_alloc|has no memory|no canvas of/i,
    "The browser has run out of memory",
    "Close other tabs, or try a smaller picture or model. The command line has more room.",
  ],
  [
    /SHA-256/,
    "A file is not the one that was published",
    "Its checksum does not match. Try again; if that does not help, the copy on the server is damaged.",
  ],
  [
    /^missing external data/,
    "The model's weights are missing",
    "The .onnx file stores them in a separate file, often .onnx_data. Choose or drop both together.",
  ],
  [
    /names for a model of/,
    "The labels do not fit the model",
    "There are more names than classes. Open the model with its own list, or without one.",
  ],
  [
    /^invalid labels/,
    "The labels cannot be read",
    "They must be a text file with one name per line, or JSON; see below.",
  ],
  [
    /HTML/,
    "A web page came in place of the file",
    "Some sites show a page about the file at this address. Use the download link, or the address of the raw file.",
  ],
  [
    /Git LFS/,
    "This is a note about the file, not the file",
    "It is a Git LFS pointer: run git lfs pull, or download the file itself.",
  ],
  [
    /a classifier is asked for/,
    "The studio does not open models of this kind",
    "It opens classifiers, detectors and segmentation models. The command line does more: gradcam explain photo.jpg --model FILE",
  ],
  [
    /^invalid model.*?: (?:not an ONNX file|it is )/,
    "This is not an ONNX file",
    "The studio opens .onnx files, alone or with the files of a Hugging Face directory. Export your model to ONNX.",
  ],
  [
    /is an operator that this ONNX Runtime|has no operator|no kernel for|could not find an implementation/i,
    "The model uses an operator that this browser's engine lacks",
    "The details name it. The command line supports more operators: gradcam explain photo.jpg --model FILE",
  ],
  [
    /^unsupported browser/,
    "This browser is too old",
    "Networks need WebAssembly with SIMD: update it, or use another one.",
  ],
  [/^unsupported server/, "The server is too old", "Update gradcam where it runs."],
  [
    /cannot be fetched|connection broke off|the server answers|dynamically imported|could not be fetched/,
    "A file could not be fetched",
    "The connection or the server failed, after several tries. Check the network, then try again.",
  ],
  [/quota/i, "There is no room left in this browser's storage", "Free some of it, then try again."],
  [
    /^invalid image: (?!truncated|empty)/,
    "This picture's format is not read here",
    "The line below says how to convert it.",
  ],
];

/** What is said of a code where no cause above fits. */
const words: Readonly<Record<string, Words>> = {
  "invalid-image": [
    "This picture cannot be read",
    "It may be damaged, or in a format that this browser does not know. Try a JPEG, PNG or WebP file.",
  ],
  "invalid-model": [
    "This model cannot be opened",
    "The studio opens classifiers, detectors and segmentation models as .onnx files, alone or with the files of a Hugging Face directory.",
  ],
  "invalid-input": ["These files do not fit together", "Check the labels and the configuration files."],
  "invalid-option": ["This is not possible here", "The line below says what is."],
  "missing-file": ["A file is missing", "The line below names it. Choose or drop it with the others."],
  "missing-runtime": [
    "The engine cannot start",
    "The line below says what is missing where the studio is served from.",
  ],
  "not-finite": [
    "The scores are not numbers",
    "The network overflowed on this picture. A model in float32 may do better than one in half precision.",
  ],
  "unsupported-operator": [
    "This cannot be explained here",
    "The line below says what is missing. Occlusion needs no gradient and may still work.",
  ],
  unreachable: [
    "The server cannot be reached",
    "Check the address, and whether the server is started with --cors and this page's address.",
  ],
  unauthorised: ["The server requires a bearer token", "Connect again with a valid one."],
  forbidden: ["The server does not answer this page", "The line below says which pages it answers."],
  overloaded: ["The server is busy", "Try again in a moment."],
  timeout: ["The server took too long", "Try again, or use a method that needs fewer runs."],
  "no-path": ["There is no path from this layer to the score", "Choose another layer."],
  "too-large": ["Too large for a browser tab", "Use a smaller file. The command line has more room."],
};

const bug: Words = [
  "Something went wrong",
  "This is our mistake. Reload the page, and please report it with the line below.",
];

/** Mistakes in what was opened. */
const ofFiles: ReadonlySet<string> = new Set(["invalid-model", "invalid-input", "missing-file"]);

interface Remedy {
  /** What to do about files, where no cause is known. */
  readonly advice?: string;
  /** What failed, once more: offered where that may help. */
  readonly again?: (() => void) | undefined;
}

/** Tells of a mistake; a call that was ended on purpose is none. */
export function complain(error: unknown, { advice, again }: Remedy = {}): void {
  if (error instanceof WorkerLost) return; // told once, by whoever watches the worker
  const { code, message } = error instanceof UserError ? error : { code: "internal", message: String(error) };
  if (code === "cancelled" || (error as { name?: string })?.name === "AbortError") return;
  const cause = causes.find(([said]) => said.test(message))?.slice(1) as Words | undefined;
  const [title, usual] = cause ?? words[code] ?? bug;
  const own = !cause && ofFiles.has(code) ? advice : undefined;
  const { words: detail, technical } = plainWords(message);
  notice.value = { kind: "error", title, advice: own ?? usual, detail, technical, again };
}

export const tell = (title: string, advice: string): void => {
  notice.value = { kind: "note", title, advice };
};
