/** @file The boxes that a detector found, over the picture; the map follows the one under the pointer, and a click keeps it. */
import { chosen, hovered, likelihood, seen, shortLabel } from "../state/studio.ts";

const share = (part: number): string => `${100 * part}%`;

export function Boxes() {
  const { value: sight } = seen;
  if (!sight?.boxes) return null;
  const { input, left, top, scaleX, scaleY } = sight.geometry;
  const across = (x: number) => (x - left) / (input.width * scaleX);
  const down = (y: number) => (y - top) / (input.height * scaleY);
  const placed = sight.boxes.map(({ box: [x0, y0, x1, y1] }, index) => {
    const [x, y, width, height] = [across(x0), down(y0), across(x1) - across(x0), down(y1) - down(y0)];
    return {
      index,
      area: width * height,
      style: { left: share(x), top: share(y), width: share(width), height: share(height) },
    };
  });
  const active = hovered.value ?? chosen.value;
  // Small ones lie on large ones, so that each can be pointed at.
  return placed
    .toSorted((a, b) => b.area - a.area)
    .map(({ index, style }) => (
      <button
        key={index}
        type="button"
        class={`found${active === index ? " active" : ""}`}
        style={style}
        data-index={index}
        aria-label={`Box ${index}: ${shortLabel(index)}, ${likelihood(sight, index)}`}
        aria-pressed={chosen.value === index}
        onPointerEnter={() => {
          hovered.value = index;
        }}
        onPointerLeave={() => {
          hovered.value = undefined;
        }}
        onClick={() => {
          chosen.value = index;
        }}
      >
        {active === index && (
          <span>
            {shortLabel(index)} {likelihood(sight, index)}
          </span>
        )}
      </button>
    ));
}
