/** @file What a model has said, word by word or answer by answer: the one under the pointer or the keys lies on the scene. */

import { percent } from "gradcam/web";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { Said } from "../engine/contract.ts";
import { kept, looked, pointed } from "../state/narration.ts";

const steps: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

interface Props<T extends Said> {
  readonly class: string;
  readonly label: string;
  readonly all: readonly T[];
  /** How one is called to those who do not see it. */
  readonly nameOf: (said: T) => string;
  readonly children: (said: T) => ComponentChildren;
}

export function Sayings<T extends Said>({ class: name, label, all, nameOf, children }: Props<T>) {
  const group = useRef<HTMLDivElement>(null);
  const chosen = Math.min(kept.value, all.length - 1);
  const keys = (event: KeyboardEvent) => {
    const to = { Home: 0, End: all.length - 1 }[event.key] ?? chosen + (steps[event.key] ?? 0);
    if (to === chosen && !(event.key in steps)) return;
    event.preventDefault();
    kept.value = (to + all.length) % all.length;
    group.current?.querySelectorAll<HTMLElement>("[role=radio]")[kept.value]?.focus();
  };
  return (
    <div ref={group} class={name} role="radiogroup" aria-label={label} onKeyDown={keys}>
      {all.map((said, i) => (
        // biome-ignore lint/a11y/useSemanticElements: words of a sentence, which follow the pointer too
        <button
          key={i}
          type="button"
          role="radio"
          aria-checked={i === chosen}
          aria-label={`${nameOf(said)}, ${percent(said.probability)}`}
          tabIndex={i === chosen ? 0 : -1}
          class={i === looked.value ? "lit" : ""}
          style={{ "--share": said.probability }}
          onClick={() => {
            kept.value = i;
          }}
          onPointerEnter={() => {
            pointed.value = i;
          }}
          onPointerLeave={() => {
            pointed.value = undefined;
          }}
        >
          {children(said)}
        </button>
      ))}
    </div>
  );
}
