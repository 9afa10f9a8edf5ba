/** @file What can be shared of the state, in the address: never the picture, but for an example's name. */
import { effect } from "@preact/signals";
import { methods } from "gradcam";
import { type ColormapName, colormaps } from "gradcam/web";
import { ofScene, type View, view, views } from "../views/registry.ts";
import { isWritten, question, scene, sceneOf, sceneText, write } from "./scene.ts";
import * as studio from "./studio.ts";

/** Examples that come with the studio. */
export const examples = [
  { name: "cat-and-cup", title: "A cat and a cup of espresso" },
  { name: "cat", title: "A cat" },
  { name: "rocket", title: "A rocket on its pad" },
] as const;

/** What the address asks for, once there is a picture: it may name classes that only a model has. */
export interface Asked {
  readonly example?: string;
  readonly chosen?: number;
}

const whole = (text: string | null): number | undefined => (text && /^\d+$/.test(text) ? Number(text) : undefined);
const share = (text: string | null): number | undefined => (text && +text >= 0 && +text <= 1 ? +text : undefined);
const among = <T extends string>(text: string | null, allowed: readonly T[]): T | undefined =>
  allowed.find((name) => name === text);

/** Takes the state from the address; what makes no sense is passed over. */
export function readAddress(): Asked {
  const asked = new URLSearchParams(location.hash.slice(1));
  view.value = among<View>(asked.get("view"), views) ?? view.value;
  studio.rival.value = whole(asked.get("rival"));
  studio.stance.value = among(asked.get("stance"), studio.stances) ?? "for";
  const names = methods.map(({ name }) => name);
  studio.method.value = among(asked.get("method"), names) ?? "grad-cam";
  studio.layer.value = asked.get("layer") ?? undefined;
  studio.colours.value = among<ColormapName>(asked.get("colours"), colormaps) ?? colormaps[0];
  studio.opacity.value = share(asked.get("opacity")) ?? studio.opacity.value;
  studio.threshold.value = share(asked.get("threshold")) ?? studio.threshold.value;
  studio.boxed.value = asked.has("box");
  studio.lens.value = asked.has("lens");
  scene.value = sceneOf(asked.get("scene") ?? "") ?? scene.value;
  write(asked.get("question") ?? undefined);
  return {
    example: among(
      asked.get("example"),
      examples.map(({ name }) => name),
    ),
    chosen: whole(asked.get("class")),
  };
}

/** Writes what differs from the beginning, as the state changes. */
export function keepAddress(): void {
  let timer = 0;
  effect(() => {
    const text = address();
    clearTimeout(timer);
    timer = window.setTimeout(
      () => history.replaceState(null, "", `${location.pathname}${location.search}${text}`),
      150,
    );
  });
}

function address(): string {
  const parts = new URLSearchParams();
  const set = (key: string, value: string | number | undefined, usual?: string | number) => {
    if (value !== undefined && value !== usual) parts.set(key, String(value));
  };
  const best = studio.seen.value?.ranking[0];
  set("view", view.value, "explain");
  set("example", studio.shown.value?.example);
  set("class", studio.chosen.value, best);
  set("rival", studio.rival.value);
  set("stance", studio.stance.value, "for");
  set("method", studio.method.value, "grad-cam");
  set("layer", studio.layer.value);
  set("colours", studio.colours.value, colormaps[0]);
  set("opacity", studio.opacity.value, 0.75);
  set("threshold", studio.threshold.value, 0.15);
  if (studio.boxed.value) parts.set("box", "");
  if (studio.lens.value) parts.set("lens", "");
  if (ofScene.has(view.value)) {
    set("scene", sceneText(scene.value));
    set("question", isWritten.value ? question.value : undefined);
  }
  return parts.size ? `#${parts}` : "";
}
