/** @file Ask: a scene, a question about it, the best answers, and where each came from. */
import { answerTo } from "gradcam/scenes";
import { percent } from "gradcam/web";
import { useEffect, useRef } from "preact/hooks";
import { Narrator } from "../parts/narrator.tsx";
import { ObjectTools } from "../parts/object.tsx";
import { Sayings } from "../parts/sayings.tsx";
import { WordLook } from "../parts/word-look.tsx";
import { WordStage } from "../parts/word-stage.tsx";
import { about, isScene, put, question, refusal, replied, settled } from "../state/narration.ts";
import { suggestions } from "../state/scene.ts";

export function Ask() {
  return (
    <div class="work">
      <div class="hero" data-settled={settled.value} aria-busy={!settled.value}>
        <Question />
        <WordStage />
      </div>
      <aside class="side">
        <Answers />
        {isScene(about.value) && <ObjectTools />}
        <WordLook />
        <Narrator task="ask" />
      </aside>
    </div>
  );
}

function Question() {
  const input = useRef<HTMLInputElement>(null);
  const { value: asked } = question;
  useEffect(() => {
    if (input.current) input.current.value = asked;
  }, [asked]);
  return (
    <header class="asking">
      <h1 class="unseen">Ask about {isScene(about.value) ? "the scene" : "the picture"}</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          put(input.current?.value ?? "");
        }}
      >
        <input
          ref={input}
          type="text"
          aria-label="Question"
          aria-invalid={refusal.value !== undefined}
          aria-describedby="refusal"
          autocomplete="off"
          spellcheck={false}
        />
        <button type="submit" class="primary">
          Ask
        </button>
      </form>
      <p id="refusal" class="refusal" role="alert">
        {refusal.value}
      </p>
      {isScene(about.value) && (
        <ul class="suggestions" aria-label="Questions about this scene">
          {suggestions.value.map((text) => (
            <li key={text}>
              <button type="button" aria-pressed={text === asked} onClick={() => put(text)}>
                {text}
              </button>
            </li>
          ))}
        </ul>
      )}
    </header>
  );
}

function Answers() {
  const { value: given } = replied;
  if (!given || refusal.value !== undefined) return null;
  const [best] = given.said.answers;
  return (
    <section class="answers" aria-label="Answers">
      <p class="best" aria-live="polite">
        <em>{best.text}</em>
      </p>
      {isScene(given.about) && <Truth said={best.text} is={answerTo(given.about, given.question)} />}
      <Sayings class="replies" label="Top answers" all={given.said.answers} nameOf={({ text }) => text}>
        {({ text, probability }) => (
          <>
            <span class="bar" />
            <span class="label">{text}</span>
            <span class="number">{percent(probability)}</span>
          </>
        )}
      </Sayings>
    </section>
  );
}

function Truth({ said, is }: { readonly said: string; readonly is: string | undefined }) {
  return (
    <p class="hint">
      {is === undefined ? (
        "The scene has no single answer to this."
      ) : (
        <span data-true={is === said}>{is === said ? "True of the scene." : `The right answer is ${is}.`}</span>
      )}
    </p>
  );
}
