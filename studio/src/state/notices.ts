/** @file Mistakes in plain words: what happened and what to do; the library's own line stays readable beneath. */
import { UserError } from "gradcam";
import { plainWords } from "gradcam/web";
import { WorkerLost } from "../engine/client.ts";
import { type Notice, notice } from "./studio.ts";

type Words = Pick<Notice, "title" | "advice">;

const words: Readonly<Record<string, Words>> = {
  "invalid-image": {
    title: "This picture cannot be read",
    advice:
      "It may be damaged or cut short, or of a format that this browser does not know. Try a JPEG, PNG or WebP file.",
  },
  "invalid-model": {
    title: "This model cannot be opened",
    advice: "The studio opens image classifiers as .onnx files, alone or with the files of a Hugging Face directory.",
  },
  "invalid-input": {
    title: "These files do not fit together",
    advice: "Check the labels and the configuration files.",
  },
  "invalid-option": { title: "This is not possible here", advice: "The line below says what is." },
  "missing-file": { title: "A file is missing", advice: "Check the connection, then reload the page." },
  "not-finite": {
    title: "The scores are not numbers",
    advice: "The network overflowed on this picture. A model in float32 may do better than one in half precision.",
  },
  "unsupported-operator": {
    title: "This cannot be explained here",
    advice: "The line below says what is missing. Occlusion needs no gradient and may still work.",
  },
  unreachable: {
    title: "The server cannot be reached",
    advice: "Check the address, and whether the server is started with --cors and this page's address.",
  },
  unauthorised: { title: "The server wants a token", advice: "Connect again with one that it knows." },
  forbidden: { title: "The server does not answer this page", advice: "The line below says whom it answers." },
  overloaded: { title: "The server is busy", advice: "Try again in a moment." },
  timeout: { title: "The server took too long", advice: "Try again, or use a method that needs fewer runs." },
  "no-path": { title: "There is no way from this layer to the score", advice: "Choose another layer." },
};

/** Mistakes in what was opened. */
const ofFiles: ReadonlySet<string> = new Set(["invalid-model", "invalid-input", "missing-file"]);

const large: Words = {
  title: "Too large for a browser tab",
  advice: "Use a smaller file. The command line has more room.",
};

const bug: Words = {
  title: "Something went wrong",
  advice: "This is our mistake. Reload the page, and please report it with the line below.",
};

/** Tells of a mistake; a call that was ended on purpose is none. @param advice what to do about files, where it is not the usual */
export function complain(error: unknown, advice?: string): void {
  if (error instanceof WorkerLost) return; // told once, by whoever watches the worker
  const { code, message } = error instanceof UserError ? error : { code: "internal", message: String(error) };
  if (code === "cancelled" || (error as { name?: string })?.name === "AbortError") return;
  const said = code === "too-large" || isOutOfMemory(message) ? large : (words[code] ?? bug);
  const own = ofFiles.has(code) ? advice : undefined;
  const { words: detail, technical } = plainWords(message);
  notice.value = { kind: "error", title: said.title, advice: own ?? said.advice, detail, technical };
}

const isOutOfMemory = (message: string): boolean =>
  /out of memory|memory access|allocation failed|bad_alloc/i.test(message);

export const tell = (title: string, advice: string): void => {
  notice.value = { kind: "note", title, advice };
};
