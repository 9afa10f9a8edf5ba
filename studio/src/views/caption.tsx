/** @file Caption: a scene, what a model says of it, and where each word came from. */
import { isTrue } from "gradcam/scenes";
import { percent } from "gradcam/web";
import { ObjectTools } from "../parts/object.tsx";
import { Sayings } from "../parts/sayings.tsx";
import { SceneStage } from "../parts/scene-stage.tsx";
import { WordLook } from "../parts/word-look.tsx";
import { looked, settled, told } from "../state/narration.ts";

export function Caption() {
  return (
    <div class="work">
      <div class="hero" data-settled={settled.value} aria-busy={!settled.value}>
        <Sentence />
        <SceneStage />
      </div>
      <aside class="side">
        <ObjectTools />
        <WordLook />
      </aside>
    </div>
  );
}

function Sentence() {
  const { value: given } = told;
  if (!given) return <header class="sentence told" />;
  const { text, words } = given.said;
  const one = words[looked.value];
  const holds = isTrue(given.scene, text);
  return (
    <header class="sentence told">
      <div>
        <h1 class="unseen" aria-live="polite">
          {text}
        </h1>
        <Sayings
          class="words"
          label="Words of the caption"
          all={words}
          nameOf={({ text, whole }) => (whole ? `The whole caption: ${text}` : text)}
        >
          {({ text, whole }) => (whole ? "all of it" : text)}
        </Sayings>
        <p class="figures">
          {one && `${one.whole ? "The whole caption" : `“${one.text}”`} ${percent(one.probability)}`}
          {one && !one.whole && ", given the words before it"} ·{" "}
          <span data-true={holds}>{holds ? "true of the scene" : "not true of the scene"}</span>
        </p>
      </div>
    </header>
  );
}
