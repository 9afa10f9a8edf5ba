/** @file Ways to bring a picture: drop, paste, pick, photograph, or take an example. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { LanguageTask, PickedFile } from "../engine/contract.ts";
import { examples, showExample } from "../state/examples.ts";
import { open } from "../state/model.ts";
import { onPicture, openNarrator, ownNow } from "../state/narration.ts";
import { giveAll, isPicture } from "../state/roll.ts";
import { notice } from "../state/studio.ts";
import { ofScene, view } from "../views/registry.ts";

/** Whether the camera's dialog is open. */
export const photographing = signal(false);
const dropping = signal(false);

/** A file for each purpose: models and what belongs to them, else pictures. */
export async function take(files: readonly PickedFile[]): Promise<void> {
  notice.value = undefined;
  const task = await languageTaskOf(files);
  if (task) {
    view.value = task;
    await openNarrator(task, files);
  } else if (files.some(isModel)) {
    // What lies in a model's directory is the model's; a picture beside it was given to be shown.
    const pictures = files.filter((one) => isPicture(one) && !one.path.includes("/"));
    view.value = "model";
    const open = await openFiles(files.filter((one) => !pictures.includes(one)));
    if (pictures.length && open) view.value = "explain";
    if (pictures.length) await giveAll(pictures);
  } else if (files.length) {
    if (ofScene.has(view.value) && !ownNow.value) view.value = "explain";
    onPicture.value = true;
    await giveAll(files);
  }
}

const isModel = ({ file }: PickedFile): boolean => file.name.endsWith(".onnx");

/** Of a directory of a captioner or a VQA model, which; undefined for anything else. A tokenizer and names of answers make a VQA model. */
async function languageTaskOf(files: readonly PickedFile[]): Promise<LanguageTask | undefined> {
  const named = (name: string) => files.find(({ file }) => file.name === name)?.file;
  if (named("captioner.json") || named("decoder_model.onnx")) return "caption";
  if (!named("tokenizer.json")) return undefined;
  return /"id2label"/.test((await named("config.json")?.text()) ?? "") ? "ask" : "caption";
}

/** An ONNX file with a list of labels, or all that lies beside it in a directory. */
export function openFiles(source: readonly PickedFile[]): Promise<boolean> {
  const labels = source
    .map(({ file }) => file)
    .find(({ name }) => /labels|classes|synset|imagenet.*\.(txt|json)$/i.test(name) || name.endsWith(".txt"));
  return open({ source, ...(labels && { labels }) });
}

/** Files of an input, under the paths that it gives them. */
export const pickedOf = (files: Iterable<File> | null): PickedFile[] =>
  [...(files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }));

export function Pick({ large = false }: { readonly large?: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div class={`pick${large ? " large" : ""}`}>
      <input
        ref={input}
        type="file"
        accept="image/*,.tif,.tiff,.heic"
        multiple
        class="unseen"
        tabIndex={-1}
        aria-label="Picture"
        onChange={(event) => {
          void take(pickedOf(event.currentTarget.files));
          event.currentTarget.value = "";
        }}
      />
      <button type="button" class={large ? "primary" : ""} onClick={() => input.current?.click()}>
        {large ? "Choose a picture" : "Picture"}
      </button>
      <button
        type="button"
        onClick={() => {
          photographing.value = true;
        }}
      >
        {large ? "Take a photograph" : "Camera"}
      </button>
    </div>
  );
}

export function Examples() {
  return (
    <ul class="examples" aria-label="Examples">
      {examples.map(({ name, title }) => (
        <li key={name}>
          <button type="button" onClick={() => void showExample(name)}>
            <img src={`examples/${name}.jpg`} alt={title} />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The whole window takes what is dropped or pasted. */
export function useDropAndPaste(): void {
  useEffect(() => {
    const over = (event: DragEvent) => {
      event.preventDefault();
      dropping.value = true;
    };
    const leave = (event: DragEvent) => {
      if (!event.relatedTarget) dropping.value = false;
    };
    const drop = async (event: DragEvent) => {
      event.preventDefault();
      dropping.value = false;
      await take(await filesOf(event.dataTransfer));
    };
    const paste = (event: ClipboardEvent) => {
      const files = pickedOf(event.clipboardData?.files ?? []);
      if (files.length) void take(files);
    };
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    addEventListener("paste", paste);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
      removeEventListener("paste", paste);
    };
  }, []);
}

export function DropHint() {
  return dropping.value ? (
    <div class="dropping" aria-hidden="true">
      <p>Drop pictures to explain them, or a model to open it.</p>
    </div>
  ) : null;
}

/** The files of a drop, those in directories too, under their paths. */
async function filesOf(data: DataTransfer | null): Promise<PickedFile[]> {
  const entries = [...(data?.items ?? [])].map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = pickedOf(data?.files ?? []);
  if (!entries.some((entry) => entry?.isDirectory)) return plain;
  return (await Promise.all(entries.map((entry) => (entry ? filesIn(entry, "") : [])))).flat();
}

async function filesIn(entry: FileSystemEntry, parent: string): Promise<PickedFile[]> {
  const path = `${parent}${entry.name}`;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ file, path }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    found.push(...some);
  }
  return (await Promise.all(found.map((one) => filesIn(one, `${path}/`)))).flat();
}
