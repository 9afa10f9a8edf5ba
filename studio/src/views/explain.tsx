/** @file Explain: a picture, its classes, and where the evidence for each is. */
import { Classes } from "../parts/classes.tsx";
import { Hero } from "../parts/hero.tsx";
import { Layers } from "../parts/layers.tsx";
import { Look } from "../parts/look.tsx";
import { Stage } from "../parts/stage.tsx";
import { Warnings } from "../parts/warnings.tsx";
import { model, seen } from "../state/studio.ts";

export function Explain() {
  return (
    <div class="work">
      <Hero>
        <Stage />
        <Warnings />
        {!model.value?.detects && <Layers />}
      </Hero>
      <aside class="side">
        {seen.value && seen.value.ranking.length > 0 && <Classes />}
        <Look />
      </aside>
    </div>
  );
}
