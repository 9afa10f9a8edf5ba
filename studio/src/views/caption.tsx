/** @file Caption: a scene, what a model says of it, and where each word came from. */
import { isTrue } from "gradcam/scenes";
import { percent } from "gradcam/web";
import { Narrator } from "../parts/narrator.tsx";
import { ObjectTools } from "../parts/object.tsx";
import { Sayings } from "../parts/sayings.tsx";
import { WordLook } from "../parts/word-look.tsx";
import { WordStage } from "../parts/word-stage.tsx";
import { about, isScene, looked, settled, told } from "../state/narration.ts";

export function Caption() {
  return (
    <div class="work">
      <div class="hero" data-settled={settled.value} aria-busy={!settled.value}>
        <Sentence />
        <WordStage />
      </div>
      <aside class="side">
        {isScene(about.value) && <ObjectTools />}
        <WordLook />
        <Narrator task="caption" />
      </aside>
    </div>
  );
}

function Sentence() {
  const { value: given } = told;
  if (!given) return <header class="sentence told" />;
  const { text, words } = given.said;
  const one = words[looked.value];
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
          {one && !one.whole && ", given the preceding words"}
          {isScene(given.about) && <Truth of={isTrue(given.about, text)} />}
        </p>
      </div>
    </header>
  );
}

function Truth({ of }: { readonly of: boolean }) {
  return (
    <>
      {" · "}
      <span data-true={of}>{of ? "true of the scene" : "not true of the scene"}</span>
    </>
  );
}
