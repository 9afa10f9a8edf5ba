/** @file A signal's explanations: maps as strips of colours below the waveform. */
import { encodePng, rasterise } from "../image/sharp.ts";
import { heat } from "../render/overlay.ts";
import { type Track, timeline } from "../render/timeline.ts";
import type { ClassExplanation } from "../tasks/classify/classification.ts";
import { type Draw, mostRows, titled, views } from "./drawing.ts";

/** The heat alone is drawn this large, whatever the signal's length. */
const heatSize = { width: 1520, height: 92 } as const;

export const drawSignal: Draw<"signal"> = ({ signal, predictions }, { colormap, caption, views: shown = views }) => {
  const drawn: Track[] = [];
  const sheet = (tracks: readonly Track[], left = "") =>
    rasterise(timeline({ signal, tracks, colormap, caption: `${caption}${left}` }), { scale: 2 });
  return {
    async draw(e) {
      const { blank } = e;
      const track = { ...titled(e, predictions), map: blank ? { blank } : e.onSignal };
      drawn.push(track);
      return {
        ...(shown.includes("overlay") && { overlay: await sheet([track]) }),
        ...(shown.includes("heat") && { heat: await encodePng(heat(band(e), { colormap })) }),
      };
    },
    panel() {
      const left = drawn.length > mostRows ? `, ${mostRows} of ${drawn.length} maps` : "";
      return sheet(drawn.slice(0, mostRows), left);
    },
  };
};

/** The map from left to right: of the samples of each column, the largest value. */
function band({ onSignal, blank }: ClassExplanation<"signal">) {
  const { width, height } = heatSize;
  const data = new Float32Array(width * height);
  for (let x = 0; x < width && !blank; x++) {
    const [from, to] = [x, x + 1].map((column) => Math.floor((column * onSignal.length) / width));
    const most = onSignal.subarray(from, Math.max(to, from + 1)).reduce((a, b) => Math.max(a, b), 0);
    for (let y = 0; y < height; y++) data[y * width + x] = most;
  }
  return { width, height, data };
}
