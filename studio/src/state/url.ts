/** @file What can be shared of the state, in the address: never the picture, but for an example's name. */
import { effect } from "@preact/signals";
import { type ColormapName, colormaps } from "gradcam/web";
import { methods } from "../methods.ts";
import { ofScene, type View, view, views } from "../views/registry.ts";
import { examples, showExample } from "./examples.ts";
import { latest } from "./latest.ts";
import { knownPicture, putAway, show } from "./pictures.ts";
import { isWritten, question, scene, sceneOf, sceneText, write as writeQuestion } from "./scene.ts";
import * as studio from "./studio.ts";

/** What the address asks for, once there is a picture: it may name classes that only a model has. */
export interface Asked {
  readonly example?: string;
  readonly chosen?: number;
}

const usual = { opacity: 0.75, threshold: 0.15 } as const;

const whole = (text: string | null): number | undefined => (text && /^\d+$/.test(text) ? Number(text) : undefined);
const share = (text: string | null): number | undefined => (text && +text >= 0 && +text <= 1 ? +text : undefined);
const among = <T extends string>(text: string | null, allowed: readonly T[]): T | undefined =>
  allowed.find((name) => name === text);

/** Takes the state from the address; what makes no sense is passed over. */
export function readAddress(): Asked {
  const asked = new URLSearchParams(location.hash.slice(1));
  view.value = among<View>(asked.get("view"), views) ?? "explain";
  studio.rival.value = whole(asked.get("rival"));
  studio.stance.value = among(asked.get("stance"), studio.stances) ?? "for";
  const names = methods.map(({ name }) => name);
  studio.method.value = among(asked.get("method"), names) ?? "grad-cam";
  const layer = asked.get("layer") ?? undefined;
  const { value: model } = studio.model;
  studio.layer.value = !model || model.layers.some(({ name }) => name === layer) ? layer : undefined;
  studio.colours.value = among<ColormapName>(asked.get("colours"), colormaps) ?? colormaps[0];
  studio.opacity.value = share(asked.get("opacity")) ?? usual.opacity;
  studio.threshold.value = share(asked.get("threshold")) ?? usual.threshold;
  studio.boxed.value = asked.has("box");
  studio.lens.value = asked.has("lens");
  scene.value = sceneOf(asked.get("scene") ?? "") ?? scene.value;
  writeQuestion(asked.get("question") ?? undefined);
  return {
    example: among(
      asked.get("example"),
      examples.map(({ name }) => name),
    ),
    chosen: whole(asked.get("class")),
  };
}

/** What Back undoes: views, pictures, classes and questions are steps; all else is written over the step that is open. */
const step = (): string =>
  JSON.stringify([view.value, pictureNow(), classNow(), ofScene.has(view.value) && [scene.value.seed, questionNow()]]);

const pictureNow = (): number => studio.shown.value?.id ?? 0;
const questionNow = () => (isWritten.value ? question.value : undefined);
/** Undefined for the best one, before any brush. */
function classNow(): number | undefined {
  const { value: index } = studio.chosen;
  return index === (studio.untouched.value ?? studio.seen.value)?.ranking[0] ? undefined : index;
}

/** The step that the address is of. */
let written = "";
/** While an address is being followed, what is half done is not written. */
let following = false;

function write(): void {
  if (following) return;
  const now = step();
  const how = now === written ? "replaceState" : "pushState";
  written = now;
  history[how]({ picture: pictureNow() }, "", `${location.pathname}${location.search}${address()}`);
}

/** Writes what differs from the beginning, as the state changes; and takes the state from an address that is gone to, by Back or by hand. */
export function followAddress(first: Asked): void {
  const go = latest(async ({ asked, picture }: { readonly asked: Asked; readonly picture?: number }) => {
    following = true;
    await apply(asked, picture);
    following = false;
    written = step();
    write();
  });
  void go({ asked: first });
  addEventListener("popstate", ({ state }) => void go({ asked: readAddress(), picture: state?.picture }));
  let timer = 0;
  effect(() => {
    step();
    address();
    clearTimeout(timer);
    timer = window.setTimeout(write, 150);
  });
}

/** @param picture its number, 0 for none; undefined where only a link is known */
async function apply({ example, chosen }: Asked, picture: number | undefined): Promise<void> {
  const { value: shown } = studio.shown;
  const known = picture === undefined ? undefined : knownPicture(picture);
  if (known && known.id !== shown?.id) await show(known.file, known, chosen);
  else if (picture === 0 && !example) putAway();
  else if (!known && example && example !== shown?.example) await showExample(example, chosen);
  else if (studio.seen.value) {
    const { scores, ranking } = studio.untouched.value ?? studio.seen.value;
    studio.chosen.value = chosen !== undefined && chosen < scores.length ? chosen : ranking[0];
    studio.hovered.value = undefined;
  }
}

function address(): string {
  const parts = new URLSearchParams();
  const set = (key: string, value: string | number | undefined, usual?: string | number) => {
    if (value !== undefined && value !== usual) parts.set(key, String(value));
  };
  set("view", view.value, "explain");
  set("example", studio.shown.value?.example);
  set("class", classNow());
  set("rival", studio.rival.value);
  set("stance", studio.stance.value, "for");
  set("method", studio.method.value, "grad-cam");
  set("layer", studio.layer.value);
  set("colours", studio.colours.value, colormaps[0]);
  set("opacity", studio.opacity.value, usual.opacity);
  set("threshold", studio.threshold.value, usual.threshold);
  if (studio.boxed.value) parts.set("box", "");
  if (studio.lens.value) parts.set("lens", "");
  if (ofScene.has(view.value)) {
    set("scene", sceneText(scene.value));
    set("question", questionNow());
  }
  return parts.size ? `#${parts}` : "";
}
