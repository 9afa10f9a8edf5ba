/** @file How the answer is made and drawn: method, colours, opacity, box, lens; and saving it. */
import type { ExportKind } from "../engine/contract.ts";
import { methods } from "../methods.ts";
import { save } from "../state/exports.ts";
import { boxed, lens, method, model, seen, threshold } from "../state/studio.ts";
import { Choice } from "./choice.tsx";
import { Colours } from "./colours.tsx";
import { Slider } from "./slider.tsx";

const saves: readonly (readonly [ExportKind, string, string])[] = [
  ["png", "Overlay", "PNG, in the picture's own pixels"],
  ["figure", "Figure", "PNG, labelled, for a paper or a ticket"],
  ["panel", "Panel", "PNG, the top 3 classes and yours, labelled"],
  ["npy", "Map", ".npy, the unnormalised numbers"],
  ["json", "Record", "JSON, everything needed to reproduce it"],
  ["svg", "SVG", "The figure as a drawing, for print"],
];

export function Look() {
  const current = methods.find(({ name }) => name === method.value);
  return (
    <section class="look" aria-label="Display">
      <Choice
        title="Method"
        of={method.value}
        all={methods.map(({ name, title }) => [name, title] as const)}
        onChoose={(name) => {
          method.value = name;
        }}
      />
      <p class="hint">{current?.summary}</p>
      <Colours />
      <div class="pair">
        <label class="switch">
          <input
            type="checkbox"
            checked={boxed.value}
            onChange={(event) => {
              boxed.value = event.currentTarget.checked;
            }}
          />
          <span>Box at {Math.round(100 * threshold.value)} %</span>
        </label>
        <Slider title="Threshold" of={threshold} min={0.05} max={0.95} step={0.05} disabled={!boxed.value} />
      </div>
      {!model.value?.detects && (
        <label class="switch">
          <input
            type="checkbox"
            checked={lens.value}
            onChange={(event) => {
              lens.value = event.currentTarget.checked;
            }}
          />
          <span>Lens: Guided Grad-CAM where you point</span>
        </label>
      )}
      <fieldset class="saves">
        <legend>Save</legend>
        <div>
          {saves
            .filter(([kind]) => kind !== "svg" || model.value?.inside) // a server draws PNG
            .filter(([kind]) => !model.value?.detects || kind === "png" || kind === "npy")
            .map(([kind, title, what]) => (
              <button
                key={kind}
                type="button"
                title={what}
                disabled={!seen.value?.ranking.length}
                onClick={() => void save(kind)}
              >
                {title}
              </button>
            ))}
        </div>
      </fieldset>
    </section>
  );
}
