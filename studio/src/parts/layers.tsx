/** @file Every layer: a slider from the picture to the score, and a small map of each, all from one run of the network. */
import { signal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Calls, Progress, Question } from "../engine/contract.ts";
import { call as ask } from "../state/engine.ts";
import { latest } from "../state/latest.ts";
import { complain } from "../state/notices.ts";
import { colours, layer, loading, model, question, seen } from "../state/studio.ts";
import { Canvas } from "./canvas.tsx";
import { draw, thumbnail } from "./heat.ts";

const unfolded = signal(false);
const maps = signal<Calls["everyLayer"][1]>([]);

/** The maps at all layers follow the question while they are shown. */
function useEveryLayer(): void {
  const [follow] = useState(() =>
    latest(async (asked: Question) => {
      try {
        const onProgress = (progress: Progress) => {
          loading.value = progress;
        };
        maps.value = await ask("everyLayer", asked, { onProgress });
      } catch (error) {
        unfolded.value = false;
        complain(error);
      }
      loading.value = undefined;
    }),
  );
  useSignalEffect(() => {
    if (!unfolded.value || !model.value?.inside || !seen.value || !question.value) return;
    const { class: index, against, counterfactual } = question.value;
    follow({ class: index, against, counterfactual, method: "grad-cam" });
  });
}

export function Layers() {
  useEveryLayer();
  const layers = model.value?.layers ?? [];
  if (layers.length < 2) return null;
  // The explainer has the default first; the slider goes the way of the signal.
  const order = layers.toReversed();
  const current = layer.value ?? layers[0].name;
  const at = order.findIndex(({ name }) => name === current);
  const choose = (i: number) => {
    const { name } = order[i];
    layer.value = name === layers[0].name ? undefined : name;
  };
  return (
    <section class="layers" aria-label="Layers">
      <label class="range wide">
        <span>Layer</span>
        <input
          type="range"
          min="0"
          max={order.length - 1}
          step="1"
          value={at}
          aria-valuetext={`${current}, ${order[at]?.grid.join(" by ")}`}
          onInput={(event) => choose(event.currentTarget.valueAsNumber)}
        />
        <output>
          {current} <small>{order[at]?.grid.map((d) => (d < 0 ? "?" : d)).join(" × ")}</small>
        </output>
        {model.value?.inside && (
          <button
            type="button"
            aria-expanded={unfolded.value}
            onClick={() => {
              unfolded.value = !unfolded.value;
            }}
          >
            {unfolded.value ? "Hide" : "All layers"}
          </button>
        )}
      </label>
      {unfolded.value && model.value?.inside && (
        <Strip order={order.map(({ name }) => name)} current={current} choose={choose} />
      )}
    </section>
  );
}

interface StripProps {
  readonly order: readonly string[];
  readonly current: string;
  readonly choose: (index: number) => void;
}

function Strip({ order, current, choose }: StripProps) {
  const strip = useRef<HTMLDivElement>(null);
  const found = maps.value;
  useEffect(() => {
    const box = strip.current;
    const one = box?.querySelector<HTMLElement>("[aria-pressed=true]");
    if (box && one) box.scrollLeft = one.offsetLeft - box.clientWidth / 2 + one.clientWidth / 2;
  }, [current, found.length]);
  return (
    <div class="strip" ref={strip}>
      {order.map((name, i) => {
        const known = found.find((one) => one.layer === name);
        return (
          <button
            key={name}
            type="button"
            aria-pressed={name === current}
            aria-label={name}
            title={name}
            onClick={() => choose(i)}
          >
            {known && (
              <Canvas
                draw={(canvas) => draw(canvas, thumbnail(known.map, colours.value))}
                on={[known, colours.value]}
              />
            )}
          </button>
        );
      })}
    </div>
  );
}
