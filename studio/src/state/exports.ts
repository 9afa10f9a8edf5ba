/** @file What a person takes away. */
import type { Exported, ExportKind } from "../engine/contract.ts";
import { painted } from "./brush.ts";
import { call, persistently } from "./engine.ts";
import { complain, tell } from "./notices.ts";
import { untilPrepared } from "./preparation.ts";
import * as studio from "./studio.ts";

/** Hands a person a file. */
export async function save(kind: ExportKind): Promise<void> {
  await untilPrepared();
  await painted;
  const { value: question } = studio.question;
  const asked = question ?? { class: 0, method: studio.method.value };
  const picture = (studio.shown.value?.name ?? "picture").replace(/\.[a-z0-9]{2,5}$/i, "");
  const { colours, opacity, threshold, boxed } = studio;
  const drawn = { colormap: colours.value, opacity: opacity.value, threshold: threshold.value, boxed: boxed.value };
  try {
    const made = await persistently(() => call("export", { kind, question: asked, picture, ...drawn }));
    handOver(made);
    if (made.note) tell("Saved, with less in it", made.note);
  } catch (error) {
    complain(error);
  }
}

export function handOver({ name, type, bytes }: Exported): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes as BlobPart], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
