/** @file How pictures are made inputs, as the model says, as is guessed, or as a person sets it; and what the network gets to see. */
import { signal, useSignalEffect } from "@preact/signals";
import type { Preprocess } from "gradcam/web";
import { call as ask } from "../state/engine.ts";
import { complain } from "../state/notices.ts";
import { setPreparation } from "../state/preparation.ts";
import { model, seen } from "../state/studio.ts";
import { Canvas } from "./canvas.tsx";
import { Choice } from "./choice.tsx";
import { draw } from "./heat.ts";
import { type Frame, filters, frameOf, frames, inFrame, presetOf, presets } from "./presets.ts";

const preview = signal<ImageData | undefined>(undefined);

const said = {
  model: "As specified by the model.",
  guess: "A guess, because the model does not specify it: please check.",
  hand: "As set by you.",
} as const;

export function Preparation() {
  const info = model.value;
  useSignalEffect(() => {
    if (!seen.value || !model.value?.inside) {
      preview.value = undefined;
      return;
    }
    ask("input", undefined).then((pixels) => {
      preview.value = pixels;
    }, complain);
  });
  if (!info?.inside) return null;
  const { preprocess: how, inputSize: fixed, preparedBy } = info.inside;
  return (
    <section class="preparation" aria-label="Preprocessing">
      <h2>Preprocessing</h2>
      <p class="hint" data-by={preparedBy}>
        {said[preparedBy]}
      </p>
      {preview.value ? (
        <Canvas
          class="preview"
          label="What the network sees"
          draw={(canvas) => preview.value && draw(canvas, preview.value)}
          on={[preview.value]}
        />
      ) : (
        <p class="hint">Choose a picture to see what the network gets.</p>
      )}
      <Framing how={how} fixed={fixed} onSet={setPreparation} />
      <Choice title="Filter" of={how.filter} all={filters} onChoose={(filter) => setPreparation({ filter })} />
      <Values how={how} onSet={setPreparation} />
      {how.channels === 3 && (
        <Choice title="Channels" of={how.order} all={["RGB", "BGR"]} onChoose={(order) => setPreparation({ order })} />
      )}
      {preparedBy === "hand" && (
        <button type="button" onClick={() => setPreparation(undefined)}>
          As it was
        </button>
      )}
    </section>
  );
}

interface PartProps {
  readonly how: Preprocess;
  readonly onSet: (change: Partial<Preprocess>) => void;
}

/** Resizing and cropping. Sides that the model fixes can be read, not set. */
function Framing({ how, fixed, onSet }: PartProps & { readonly fixed: Frame["size"] }) {
  const frame = frameOf(how, fixed);
  const set = (change: Partial<Frame>) => onSet(inFrame({ ...frame, ...change }));
  const { width, height } = frame.size;
  return (
    <>
      <Choice
        title="Frame"
        of={frame.kind}
        all={frames.filter(([kind]) => kind !== "whole" || fixed.width === 0)}
        onChoose={(kind) => set({ kind })}
      />
      {frame.kind === "edge" && (
        <Numbers title="Shorter side" of={[frame.edge]} least={1} onSet={([edge]) => set({ edge: Math.round(edge) })} />
      )}
      {frame.kind !== "whole" && (
        <Numbers
          title="Size"
          of={[width, height]}
          least={1}
          disabled={fixed.width > 0 && fixed.height > 0}
          onSet={([w, h]) =>
            set({ size: { width: fixed.width || Math.round(w), height: fixed.height || Math.round(h) } })
          }
        />
      )}
    </>
  );
}

/** From pixels of 0 to 255 to the numbers that the network gets. */
function Values({ how, onSet }: PartProps) {
  const found = presetOf(how);
  const titles = presets.map(({ title }) => title);
  return (
    <>
      <Choice
        title="Values"
        of={found?.title ?? "own"}
        all={found ? titles : [...titles, ["own", "Other numbers"]]}
        onChoose={(title) => {
          const preset = presets.find((one) => one.title === title);
          if (preset) onSet(preset.values(how));
        }}
      />
      <Numbers title="Scale" of={[how.scale]} onSet={([scale]) => onSet({ scale })} />
      <Numbers title="Mean" of={how.mean} onSet={(mean) => onSet({ mean })} />
      <Numbers title="Std" of={how.std} not={0} onSet={(std) => onSet({ std })} />
    </>
  );
}

interface NumbersProps {
  readonly title: string;
  readonly of: readonly number[];
  readonly least?: number;
  readonly not?: number;
  readonly disabled?: boolean;
  readonly onSet: (numbers: number[]) => void;
}

const shown = (v: number): string => {
  const inverse = 1 / v;
  return v < 0.1 && Math.abs(inverse - Math.round(inverse)) < 1e-6 ? `1/${Math.round(inverse)}` : String(+v.toFixed(6));
};

/** One line of numbers; as many as there were. A fraction is a number too. What is none is marked and not taken. */
function Numbers({ title, of, least = Number.NEGATIVE_INFINITY, not, disabled, onSet }: NumbersProps) {
  const read = (text: string): number[] | undefined => {
    const numbers = text
      .trim()
      .split(/[\s,×]+/)
      .map((word) => {
        const [over, under = 1] = word.split("/").map(Number);
        return word === "" ? Number.NaN : over / under;
      });
    const good = numbers.every((v) => Number.isFinite(v) && v >= least && v !== not);
    return good && numbers.length === of.length ? numbers : undefined;
  };
  return (
    <label class="choice">
      <span>{title}</span>
      <input
        type="text"
        inputMode="decimal"
        autocomplete="off"
        disabled={disabled}
        value={of.map(shown).join(least === 1 ? " × " : ", ")}
        onInput={({ currentTarget: field }) => {
          field.setAttribute("aria-invalid", String(!read(field.value)));
        }}
        onChange={({ currentTarget: field }) => {
          const numbers = read(field.value);
          if (numbers) onSet(numbers);
        }}
      />
    </label>
  );
}
