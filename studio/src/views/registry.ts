/** @file The views of the studio, in the order of their tabs. */
import { signal } from "@preact/signals";

export const views = ["explain", "test", "caption", "ask", "model"] as const;
export type View = (typeof views)[number];

export const titles: Readonly<Record<View, string>> = {
  explain: "Explain",
  test: "Test",
  caption: "Caption",
  ask: "Ask",
  model: "Model",
};

/** Views of the picture on the stage; without one they are the welcome. */
export const ofPicture: ReadonlySet<View> = new Set(["explain", "test"]);
/** Views of the scene. */
export const ofScene: ReadonlySet<View> = new Set(["caption", "ask"]);

export const view = signal<View>("explain");
