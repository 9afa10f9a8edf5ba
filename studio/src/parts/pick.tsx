/** @file Ways to bring a picture: drop, paste, pick, photograph, or take an example. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { open, show } from "../state/actions.ts";
import { complain } from "../state/notices.ts";
import { looking, notice } from "../state/studio.ts";
import { examples } from "../state/url.ts";
import { ofScene, view } from "../views/registry.ts";

/** Whether the camera's dialog is open. */
export const photographing = signal(false);
const dropping = signal(false);

export async function showExample(name: string, index?: number): Promise<void> {
  try {
    const response = await fetch(new URL(`examples/${name}.jpg`, document.baseURI));
    if (!response.ok) throw new Error(`the example is missing: ${response.status}`);
    await show(await response.blob(), { name, example: name }, index);
  } catch (error) {
    complain(error);
  }
}

/** A file for each purpose: models and what belongs to them, else pictures. */
export function take(files: readonly File[]): void {
  notice.value = undefined;
  const model = files.some(({ name }) => name.endsWith(".onnx"));
  if (model) {
    view.value = "model";
    void openFiles(files);
  } else if (files[0]) {
    if (ofScene.has(view.value)) view.value = "explain";
    void show(files[0], { name: files[0].name || "pasted" });
  }
}

/** An ONNX file with a list of labels, or all that lies beside it in a directory. */
export function openFiles(files: readonly File[]): Promise<boolean> {
  const labels = files.find(
    ({ name }) => /labels|classes|synset|imagenet.*\.(txt|json)$/i.test(name) || name.endsWith(".txt"),
  );
  return open({ source: files, ...(labels && { labels }) });
}

export function Pick({ large = false }: { readonly large?: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div class={`pick${large ? " large" : ""}`}>
      <input
        ref={input}
        type="file"
        accept="image/*"
        class="unseen"
        tabIndex={-1}
        aria-label="Picture"
        onChange={(event) => {
          take([...(event.currentTarget.files ?? [])]);
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
          <button type="button" disabled={looking.value} onClick={() => void showExample(name)}>
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
      take(await filesOf(event.dataTransfer));
    };
    const paste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) take(files);
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
      <p>Let go: a picture is explained, a model is opened.</p>
    </div>
  ) : null;
}

/** The files of a drop, those in directories too, under their paths. */
async function filesOf(data: DataTransfer | null): Promise<File[]> {
  const entries = [...(data?.items ?? [])].map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = [...(data?.files ?? [])];
  if (!entries.some((entry) => entry?.isDirectory)) return plain;
  return (await Promise.all(entries.map((entry) => (entry ? filesIn(entry, "") : [])))).flat();
}

async function filesIn(entry: FileSystemEntry, parent: string): Promise<File[]> {
  const path = `${parent}${entry.name}`;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    Object.defineProperty(file, "webkitRelativePath", { value: path }); // which a dropped file does not have
    return [file];
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
