/** @file Work that takes seconds: begun by a button, with progress and an end by another, gone when the question changes. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Calls, Progress, Question } from "../engine/contract.ts";
import { call as ask } from "../state/engine.ts";
import { complain } from "../state/notices.ts";
import { question, seen, settled } from "../state/studio.ts";

type JobName = "occlude" | "sanity";

interface Props<K extends JobName> {
  readonly call: K;
  readonly title: string;
  readonly what: string;
  readonly button: string;
  readonly children: (result: Calls[K][1], asked: Question) => ComponentChildren;
}

export function Job<K extends JobName>({ call, title, what, button, children }: Props<K>) {
  const [progress, setProgress] = useState<Progress>();
  const [result, setResult] = useState<{ readonly of: Question; readonly answer: Calls[K][1] }>();
  const running = useRef<AbortController | undefined>(undefined);
  const { value: asked } = question;
  const { value: sight } = seen;
  useEffect(() => {
    running.current?.abort();
    setResult(undefined);
  }, [sight]);

  const run = async () => {
    if (!asked) return;
    const controller = new AbortController();
    running.current = controller;
    setResult(undefined);
    setProgress({ done: 0 });
    try {
      const answer = await ask(call, asked, { signal: controller.signal, onProgress: setProgress });
      setResult({ of: asked, answer });
    } catch (error) {
      complain(error);
    }
    setProgress(undefined);
  };
  return (
    <section class="job" aria-label={title}>
      <h2>{title}</h2>
      <p class="hint">{what}</p>
      {progress ? (
        <div class="running">
          <progress value={progress.done} max={1} aria-label={title} />
          <button type="button" onClick={() => running.current?.abort()}>
            Stop
          </button>
        </div>
      ) : (
        <button type="button" disabled={!settled.value} onClick={() => void run()}>
          {button}
        </button>
      )}
      {result && <div class="result">{children(result.answer, result.of)}</div>}
    </section>
  );
}
