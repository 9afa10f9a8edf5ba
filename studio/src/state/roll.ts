/** @file Pictures that were given together: one is on the stage, the others wait beneath it. None is dropped without a word. */
import { signal } from "@preact/signals";
import type { PickedFile } from "../engine/contract.ts";
import { tell } from "./notices.ts";
import { nextId, show } from "./pictures.ts";

export interface Frame {
  readonly id: number;
  readonly name: string;
  readonly file: File;
  /** For a small picture of it. */
  readonly url: string;
}

export const roll = signal<readonly Frame[]>([]);
const longest = 200;

const endings = /\.(jpe?g|jfif|png|webp|gif|avif|bmp|ico|tiff?|hei[cf]|svg|jxl|jp2)$/i;
export const isPicture = ({ file }: PickedFile): boolean => file.type.startsWith("image/") || endings.test(file.name);

/** Files that nobody means to give: systems leave them in folders. */
const isHidden = ({ file }: PickedFile): boolean => /^(\..*|Thumbs\.db|desktop\.ini)$/i.test(file.name);

/** Shows the first of them; what cannot be shown is named. */
export async function giveAll(files: readonly PickedFile[]): Promise<void> {
  const seen = files.length > 1 ? files.filter((one) => !isHidden(one)) : files;
  const pictures = seen.some(isPicture) ? seen.filter(isPicture) : seen;
  const others = seen.filter((one) => !pictures.includes(one)).map(({ file }) => file.name);
  const frames = pictures.slice(0, longest).map(({ file }) => frameOf(file));
  replace(frames.length > 1 ? frames : []);
  const left = pictures.length - frames.length;
  const said = [
    left > 0 && `${left} of ${pictures.length} pictures were left out; for a folder of them: gradcam explain DIR`,
    others.length > 0 &&
      `${others.length === 1 ? "1 file is no picture" : `${others.length} files are no pictures`}: ${listed(others)}`,
  ].filter(Boolean);
  if (said.length) tell("Some files were left out", `${said.join(". ")}.`);
  if (frames[0]) await showFrame(frames[0]);
}

const listed = (names: readonly string[]): string =>
  names.length > 4 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");

const frameOf = (file: File): Frame => ({
  id: nextId(),
  name: file.name || "pasted",
  file,
  url: URL.createObjectURL(file),
});

export const showFrame = ({ id, name, file }: Frame): Promise<void> => show(file, { id, name });

/** A picture by itself, which the others make room for. */
export function giveOne(...given: Parameters<typeof show>): Promise<void> {
  replace([]);
  return show(...given);
}

function replace(frames: readonly Frame[]): void {
  for (const { url } of roll.value) URL.revokeObjectURL(url);
  roll.value = frames;
}
