/** @file How the answer is made and drawn: method, colours, opacity, box, lens; and saving it. */
import { methods } from "gradcam";
import { colormap, colormaps } from "gradcam/web";
import type { ExportKind } from "../engine/contract.ts";
import { save } from "../state/actions.ts";
import { boxed, colours, lens, method, opacity, threshold } from "../state/studio.ts";
import { Canvas } from "./canvas.tsx";

const saves: readonly (readonly [ExportKind, string, string])[] = [
  ["png", "Overlay", "PNG, in the picture's own pixels"],
  ["panel", "Figure", "SVG, labelled, for a paper or a ticket"],
  ["npy", "Map", ".npy, the raw numbers"],
  ["json", "Record", "JSON, all that is needed to make it again"],
];

export function Look() {
  const current = methods.find(({ name }) => name === method.value);
  return (
    <section class="look" aria-label="How it is shown">
      <label class="choice">
        <span>Method</span>
        <select
          value={method.value}
          onChange={(event) => {
            method.value = event.currentTarget.value;
          }}
        >
          {methods.map(({ name, title }) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <p class="hint">{current?.summary}</p>
      <div class="pair">
        <fieldset class="swatches">
          <legend>Colours</legend>
          {colormaps.map((name) => (
            <label key={name} title={name}>
              <input
                type="radio"
                name="colours"
                aria-label={name}
                checked={colours.value === name}
                onChange={() => {
                  colours.value = name;
                }}
              />
              <Canvas class="swatch" draw={(canvas) => drawSwatch(canvas, name)} on={[name]} />
            </label>
          ))}
        </fieldset>
        <label class="range">
          <span>Opacity</span>
          <input
            type="range"
            min="0"
            max="1"
            step="0.05"
            value={opacity.value}
            onInput={(event) => {
              opacity.value = event.currentTarget.valueAsNumber;
            }}
          />
        </label>
      </div>
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
        <label class="range">
          <span>Threshold</span>
          <input
            type="range"
            min="0.05"
            max="0.95"
            step="0.05"
            value={threshold.value}
            disabled={!boxed.value}
            onInput={(event) => {
              threshold.value = event.currentTarget.valueAsNumber;
            }}
          />
        </label>
      </div>
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
      <fieldset class="saves">
        <legend>Save</legend>
        <div>
          {saves.map(([kind, title, what]) => (
            <button key={kind} type="button" title={what} onClick={() => void save(kind)}>
              {title}
            </button>
          ))}
        </div>
      </fieldset>
    </section>
  );
}

function drawSwatch(canvas: HTMLCanvasElement, name: (typeof colormaps)[number]): void {
  const table = colormap(name);
  const pixels = new ImageData(256, 1);
  for (let i = 0; i < 256; i++) pixels.data.set([table[i * 3], table[i * 3 + 1], table[i * 3 + 2], 255], i * 4);
  canvas.width = 256;
  canvas.height = 1;
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
}
