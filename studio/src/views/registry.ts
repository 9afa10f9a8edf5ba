/** @file The views of the studio, in the order of their tabs. */
import { signal } from "@preact/signals";

export const views = ["explain", "test", "model"] as const;
export type View = (typeof views)[number];

export const titles: Readonly<Record<View, string>> = { explain: "Explain", test: "Test", model: "Model" };

export const view = signal<View>("explain");
