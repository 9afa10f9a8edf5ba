/** @file Each cause of a failure has its own title and remedy, and none of a user's is called our mistake. */
import { UserError, type UserErrorCode } from "gradcam";
import { expect, test } from "vitest";
import { WorkerLost } from "../../studio/src/engine/client.ts";
import { complain } from "../../studio/src/state/notices.ts";
import { notice } from "../../studio/src/state/studio.ts";

const cases: readonly [UserErrorCode, string, RegExp, RegExp][] = [
  [
    "invalid-input",
    "invalid file: m.onnx has the SHA-256 00, expected 11",
    /not the one that was published/,
    /Try again/,
  ],
  [
    "missing-file",
    'missing external data: m.onnx keeps weights in "w.data", which is not beside it',
    /weights are missing/,
    /both/,
  ],
  [
    "invalid-input",
    "invalid labels: 8 names for a model of 5 classes; give 5 at most",
    /labels do not fit/,
    /own list/,
  ],
  [
    "invalid-input",
    "invalid labels: l.txt: it is no text; expected class names",
    /labels cannot be read/,
    /name per line/,
  ],
  [
    "invalid-model",
    "invalid model m.onnx: it is a page of HTML, as a web server sends",
    /web page came/,
    /download link/,
  ],
  [
    "invalid-model",
    "invalid model m.onnx: it is a Git LFS pointer, not the file itself; git lfs pull fetches it",
    /note about/,
    /git lfs pull/,
  ],
  [
    "invalid-model",
    "invalid model m.onnx: it is a PyTorch file; torch.onnx.export(…) writes one",
    /not an ONNX file/,
    /Export/,
  ],
  [
    "invalid-model",
    "invalid model: a classifier is asked for, and this is a text-recognition model",
    /does not open models of this kind/,
    /detectors and segmentation models.*gradcam explain/,
  ],
  ["invalid-model", "invalid model m.onnx: not an ONNX file, or a truncated one", /not an ONNX file/, /Export/],
  [
    "invalid-model",
    "invalid model: ONNX Runtime refuses it: operator set 13 has no operator Frob",
    /operator that this browser/,
    /command line/,
  ],
  ["invalid-model", "invalid model: ONNX Runtime stopped: std::bad_alloc", /run out of memory/, /smaller/],
  ["too-large", "too large image: the browser has no memory for it (RangeError)", /run out of memory/, /smaller/],
  [
    "too-large",
    "too large image: 20000 x 10000 = 200000000 pixels, allowed 100000000",
    /Too large for a browser tab/,
    /smaller/,
  ],
  ["too-large", "too large: the engine stopped again and again", /again and again/, /Close other tabs/],
  ["unsupported-operator", "unsupported operator: node 3 (Foo) has no rule", /cannot be explained here/, /Occlusion/],
  ["unsupported-operator", "unsupported browser: it has no WebAssembly SIMD", /browser is too old/, /update/],
  [
    "missing-file",
    "missing file: http://x/m.onnx cannot be fetched; is there a network?",
    /could not be fetched/,
    /try again/,
  ],
  ["missing-file", "missing file: http://x/m.onnx: the server answers 503", /could not be fetched/, /try again/],
  ["missing-file", "missing model: http://x/m.onnx: there is no such file", /A file is missing/, /names it/],
  [
    "invalid-image",
    "invalid image: it is an HEIC photograph, as iPhones take them; open it and export it",
    /format is not read/,
    /convert/,
  ],
  ["invalid-image", "invalid image: truncated or damaged TIFF; expected a whole file", /cannot be read/, /damaged/],
  ["invalid-image", "invalid image: empty, expected a JPEG", /cannot be read/, /damaged/],
];

test.each(cases)("%s: %s", (code, message, title, advice) => {
  const again = () => undefined;
  complain(new UserError(code, message), { again });
  expect(notice.value?.title).toMatch(title);
  expect(notice.value?.advice).toMatch(advice);
  expect(notice.value?.again).toBe(again);
});

test("a script that could not be had is the network's fault; what nobody foresaw is ours; a lost worker is told elsewhere", () => {
  complain(new TypeError("Failed to fetch dynamically imported module: http://x/a.js"));
  expect(notice.value?.title).toMatch(/could not be fetched/);
  complain(new TypeError("x is undefined"));
  expect(notice.value?.advice).toMatch(/our mistake/);
  notice.value = undefined;
  complain(new WorkerLost("the engine has stopped"));
  complain(new UserError("cancelled", "cancelled"));
  expect(notice.value).toBeUndefined();
});
