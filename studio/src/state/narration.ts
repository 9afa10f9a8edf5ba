/** @file What the models say of the scene: the caption, the answers, and which of their words is looked at. They follow the scene. */
import { batch, computed, effect, signal } from "@preact/signals";
import { UserError } from "gradcam";
import type { Scene } from "gradcam/scenes";
import type { CallName, Calls, Progress, Replied, Said, Told } from "../engine/contract.ts";
import { ofScene, type View, view } from "../views/registry.ts";
import { ask } from "./actions.ts";
import { latest } from "./latest.ts";
import { complain } from "./notices.ts";
import { question, scene } from "./scene.ts";
import { backend, loading } from "./studio.ts";

/** A scene, and what was said of it. */
interface Of<T> {
  readonly scene: Scene;
  readonly said: T;
}

export const told = signal<Of<Told> | undefined>(undefined);
export const replied = signal<(Of<Replied> & { readonly question: string }) | undefined>(undefined);
/** Why a question is not answered, in the library's words. */
export const refusal = signal<string | undefined>(undefined);

/** The word, by its place in what is said, that is kept, and the one under the pointer. */
export const kept = signal(0);
export const pointed = signal<number | undefined>(undefined);

/** What is said in the view that is open. */
export const sayings = computed<readonly Said[]>(() => {
  if (view.value !== "ask") return told.value?.said.words ?? [];
  return (refusal.value === undefined && replied.value?.said.answers) || [];
});
/** The word whose map lies on the scene; a shorter caption may lack the place that was kept. */
export const looked = computed<number>(() =>
  Math.max(0, Math.min(pointed.value ?? kept.value, sayings.value.length - 1)),
);

/** Whether what is said is said of the scene, and to the question, as they stand. */
export const settled = computed(() =>
  view.value === "ask"
    ? refusal.value !== undefined ||
      (replied.value?.scene === scene.value && replied.value?.question === question.value)
    : told.value?.scene === scene.value,
);

/** The first call fetches a model and opens it. */
const opened = new Set<CallName>();

async function call<K extends "caption" | "reply">(name: K, argument: Calls[K][0]): Promise<Calls[K][1]> {
  if (opened.has(name)) return ask(name, argument);
  const onProgress = (progress: Progress) => {
    loading.value = progress;
  };
  onProgress({ done: Number.NaN, what: "Opening the model" });
  try {
    const answer = await ask(name, argument, { onProgress });
    opened.add(name);
    return answer;
  } finally {
    loading.value = undefined;
  }
}

interface Wanted {
  readonly view: View;
  readonly scene: Scene;
  readonly question: string;
}

/** From here on caption and answer follow the scene and the question, while they can be seen. */
export function followScene(): void {
  const follow = latest(async ({ view, scene, question }: Wanted) => {
    try {
      if (view === "caption") told.value = { scene, said: await call("caption", scene) };
      else {
        const said = await call("reply", { scene, question });
        batch(() => {
          refusal.value = undefined;
          replied.value = { scene, question, said };
        });
      }
    } catch (error) {
      // A question of unknown words is refused where it was written; all else is told as everywhere.
      const inWords = error instanceof UserError && ["unknown-name", "invalid-input"].includes(error.code);
      if (view === "ask" && inWords) refusal.value = error.message;
      else complain(error);
    }
  });
  effect(() => {
    const wanted = { view: view.value, scene: scene.value, question: question.value };
    if (backend.value && ofScene.has(wanted.view)) follow(wanted);
  });
  effect(() => {
    view.value; // each view has its own words
    batch(() => {
      kept.value = 0;
      pointed.value = undefined;
    });
  });
}
