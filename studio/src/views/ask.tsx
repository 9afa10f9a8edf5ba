/** @file Ask: a scene, a question about it, the best answers, and where each came from. */
import { answerTo } from "gradcam/scenes";
import { percent } from "gradcam/web";
import { useEffect, useRef } from "preact/hooks";
import { ObjectTools } from "../parts/object.tsx";
import { Sayings } from "../parts/sayings.tsx";
import { SceneStage } from "../parts/scene-stage.tsx";
import { WordLook } from "../parts/word-look.tsx";
import { kept, refusal, replied, settled } from "../state/narration.ts";
import { question, suggestions, write } from "../state/scene.ts";

export function Ask() {
  return (
    <div class="work">
      <div class="hero" data-settled={settled.value} aria-busy={!settled.value}>
        <Question />
        <SceneStage />
      </div>
      <aside class="side">
        <Answers />
        <ObjectTools />
        <WordLook />
      </aside>
    </div>
  );
}

function asks(text: string): void {
  kept.value = 0;
  write(text);
}

function Question() {
  const input = useRef<HTMLInputElement>(null);
  const { value: asked } = question;
  useEffect(() => {
    if (input.current) input.current.value = asked;
  }, [asked]);
  return (
    <header class="asking">
      <h1 class="unseen">Ask about the scene</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          asks(input.current?.value ?? "");
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
      <ul class="suggestions" aria-label="Questions about this scene">
        {suggestions.value.map((text) => (
          <li key={text}>
            <button type="button" aria-pressed={text === asked} onClick={() => asks(text)}>
              {text}
            </button>
          </li>
        ))}
      </ul>
    </header>
  );
}

function Answers() {
  const { value: given } = replied;
  if (!given || refusal.value !== undefined) return null;
  const [best] = given.said.answers;
  const truth = answerTo(given.scene, given.question);
  return (
    <section class="answers" aria-label="Answers">
      <p class="best" aria-live="polite">
        <em>{best.text}</em>
      </p>
      <p class="hint">
        {truth === undefined ? (
          "The scene itself has no one answer to this."
        ) : (
          <span data-true={truth === best.text}>
            {truth === best.text ? "The scene says so too." : `The scene says: ${truth}.`}
          </span>
        )}
      </p>
      <Sayings class="replies" label="Best answers" all={given.said.answers} nameOf={({ text }) => text}>
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
