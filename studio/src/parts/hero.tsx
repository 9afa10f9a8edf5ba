/** @file The question, the picture, and what belongs beneath it; says whether the map answers the question as it stands. */
import type { ComponentChildren } from "preact";
import { settled } from "../state/studio.ts";
import { Roll } from "./roll.tsx";
import { Sentence } from "./sentence.tsx";

export function Hero({ children }: { readonly children: ComponentChildren }) {
  return (
    <div class="hero" data-settled={settled.value} aria-busy={!settled.value}>
      <Sentence />
      {children}
      <Roll />
    </div>
  );
}
