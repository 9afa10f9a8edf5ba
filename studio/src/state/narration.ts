/** @file What the models say of the scene or the picture: the caption, the answers, and which of their words is looked at. */

import { batch, computed, effect, signal } from "@preact/signals";
import { UserError } from "gradcam";
import type { Scene } from "gradcam/scenes";
import { plainWords } from "gradcam/web";
import type {
  CallName,
  Calls,
  LanguageTask,
  NarratorInfo,
  PickedFile,
  Progress,
  Replied,
  Said,
  Subject,
  Told,
} from "../engine/contract.ts";
import { languageTasks } from "../engine/contract.ts";
import { ofScene, type View, view } from "../views/registry.ts";
import { call as ask, local } from "./engine.ts";
import { latest } from "./latest.ts";
import { onRevival } from "./lifecycle.ts";
import { complain } from "./notices.ts";
import { scene, question as sceneQuestion, write } from "./scene.ts";
import { backend, loading, type Shown, shown } from "./studio.ts";

/** What is spoken of. */
type About = Scene | Shown;

/** What was said, and of what. */
interface Of<T> {
  readonly about: About;
  readonly said: T;
}

/** A person's own model. */
interface Own extends NarratorInfo {
  readonly files: readonly PickedFile[];
}

/** Models in the place of the bundled ones. */
export const own = signal<Partial<Readonly<Record<LanguageTask, Own>>>>({});
/** Whether a model of one's own is asked about the picture; the bundled ones know nothing but scenes. */
export const onPicture = signal(true);

const task = computed<LanguageTask>(() => (view.value === "ask" ? "ask" : "caption"));
export const ownNow = computed(() => own.value[task.value]);
/** What is spoken of; undefined where it is a picture, and there is none yet. */
export const about = computed<About | undefined>(() => (ownNow.value && onPicture.value ? shown.value : scene.value));
export const isScene = (of: About | undefined): of is Scene => of !== undefined && "objects" in of;

/** What is asked about pictures, for which nobody suggests questions. */
const pictureQuestion = signal("what is in the picture?");
export const question = computed(() => (isScene(about.value) ? sceneQuestion.value : pictureQuestion.value));
export function put(text: string): void {
  kept.value = 0;
  if (isScene(about.value)) write(text);
  else pictureQuestion.value = text;
}

export const told = signal<Of<Told> | undefined>(undefined);
export const replied = signal<(Of<Replied> & { readonly question: string }) | undefined>(undefined);
/** Why a question is not answered, in the library's words. */
export const refusal = signal<string | undefined>(undefined);

/** The word, by its place in what is said, that is kept, and the one under the pointer. */
export const kept = signal(0);
export const pointed = signal<number | undefined>(undefined);

/** What is said in the view that is open, and where the maps lie. */
const given = computed(() => (view.value === "ask" ? replied.value?.said : told.value?.said));
export const geometry = computed(() => given.value?.geometry);
export const sayings = computed<readonly Said[]>(() => {
  if (view.value !== "ask") return told.value?.said.words ?? [];
  return (refusal.value === undefined && replied.value?.said.answers) || [];
});
/** The word whose map is shown; a shorter caption may lack the place that was kept. */
export const looked = computed<number>(() =>
  Math.max(0, Math.min(pointed.value ?? kept.value, sayings.value.length - 1)),
);

/** Whether what is said is said of what is shown, and to the question, as they stand. */
export const settled = computed(() =>
  view.value === "ask"
    ? refusal.value !== undefined ||
      (replied.value?.about === about.value && replied.value?.question === question.value)
    : told.value?.about === about.value,
);

const onProgress = (progress: Progress) => {
  loading.value = progress;
};

/** The first call fetches a model and opens it. */
const opened = new Set<CallName>();

async function call<K extends "caption" | "reply">(name: K, argument: Calls[K][0]): Promise<Calls[K][1]> {
  if (opened.has(name)) return ask(name, argument);
  onProgress({ done: Number.NaN, what: "Opening the model" });
  try {
    const answer = await ask(name, argument, { onProgress });
    opened.add(name);
    return answer;
  } finally {
    loading.value = undefined;
  }
}

const layouts: Readonly<Record<LanguageTask, string>> = {
  caption:
    "A captioner is a directory with tokenizer.json, config.json, and encoder_model.onnx beside decoder_model.onnx, or one model.onnx; or with a captioner.json.",
  ask: "A VQA model is a directory with one model.onnx, tokenizer.json, and a config.json that names the answers in id2label.",
};

/** A person's own model takes the place of the one there is, which stays where the files are refused; without files the bundled one is back. */
export async function openNarrator(which: LanguageTask, files: readonly PickedFile[] | undefined): Promise<void> {
  onProgress({ done: Number.NaN, what: "Opening the model" });
  try {
    const info = await ask("narrator", { task: which, files }, { onProgress });
    batch(() => {
      own.value = { ...own.value, [which]: files && { ...info, files } };
      onPicture.value = true;
      if (which === "caption") told.value = undefined;
      else replied.value = refusal.value = undefined;
    });
  } catch (error) {
    complain(error, { advice: layouts[which] });
  }
  loading.value = undefined;
}

interface Wanted {
  readonly view: View;
  readonly about: About;
  readonly question: string;
}

/** From here on caption and answer follow what they are about, and the question, while they can be seen. */
export function followSubject(): void {
  const follow = latest(async ({ view, about, question }: Wanted) => {
    const subject: Subject = isScene(about) ? about : { id: about.id, file: about.file };
    try {
      if (view === "caption") told.value = { about, said: await call("caption", subject) };
      else {
        const said = await call("reply", { subject, question });
        batch(() => {
          refusal.value = undefined;
          replied.value = { about, question, said };
        });
      }
    } catch (error) {
      // A question of unknown words is refused where it was written; all else is told as everywhere.
      const inWords = error instanceof UserError && ["unknown-name", "invalid-input"].includes(error.code);
      if (view === "ask" && inWords) refusal.value = plainWords(error.message).words;
      else complain(error, { again: () => void follow({ view, about, question }) });
    }
  });
  effect(() => {
    const [{ value: of }, { value: which }] = [about, ownNow];
    const wanted = of && { view: view.value, about: of, question: question.value, which };
    if (backend.value && wanted && ofScene.has(wanted.view)) follow(wanted);
  });
  effect(() => {
    view.value; // each view has its own words
    batch(() => {
      kept.value = 0;
      pointed.value = undefined;
    });
  });
  // What was said of one picture has no place on another.
  effect(() => {
    shown.value;
    onPicture.value;
    batch(() => {
      if (told.peek() && !isScene(told.peek()?.about)) told.value = undefined;
      if (replied.peek() && !isScene(replied.peek()?.about)) replied.value = undefined;
    });
  });
  onRevival(async () => {
    opened.clear();
    for (const which of languageTasks) {
      const files = own.peek()[which]?.files;
      if (files) await local("narrator", { task: which, files }, { onProgress });
    }
    loading.value = undefined;
  });
}
