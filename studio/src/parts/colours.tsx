/** @file The colours of maps, and how much of them lies over the picture. */
import { colormap, colormaps } from "gradcam/web";
import { colours, opacity } from "../state/studio.ts";
import { Canvas } from "./canvas.tsx";
import { Slider } from "./slider.tsx";

export function Colours() {
  return (
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
      <Slider title="Opacity" of={opacity} min={0} max={1} step={0.05} />
    </div>
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
