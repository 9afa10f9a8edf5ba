/** @file A brush on the network's field: by pointer, or by the arrow keys with the space bar held to paint. */
import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Brush as Kind } from "../engine/contract.ts";
import { paint } from "../state/brush.ts";
import { seen } from "../state/studio.ts";
import { arrows, inside, placeOf } from "./place.ts";
import { Slider } from "./slider.tsx";

export const kind = signal<Kind>("erase");
/** Radius in shares of the field's shorter side. */
export const size = signal(0.08);
const at = signal<{ readonly x: number; readonly y: number } | undefined>(undefined);

const steps = arrows(0.03);

export function Brush() {
  const last = useRef<{ x: number; y: number } | undefined>(undefined);
  const field = seen.value?.geometry.input;
  if (!field) return null;
  const { width, height } = field;
  const radius = size.value * Math.min(width, height);

  /** A line of touches from the last place to this one. */
  const stroke = (x: number, y: number) => {
    const from = last.current ?? { x, y };
    const [dx, dy] = [(x - from.x) * width, (y - from.y) * height];
    const count = Math.max(1, Math.ceil(Math.hypot(dx, dy) / (radius / 2)));
    const dabs = Array.from({ length: count }, (_, i) => ({
      x: from.x * width + (dx * (i + 1)) / count,
      y: from.y * height + (dy * (i + 1)) / count,
      radius,
    }));
    last.current = { x, y };
    paint(kind.value, dabs);
  };
  const keys = (event: KeyboardEvent) => {
    const { x, y } = at.value ?? { x: 0.5, y: 0.5 };
    const by = steps[event.key];
    if (!by && event.key !== " ") return;
    event.preventDefault();
    const next = { x: inside(x + (by?.[0] ?? 0)), y: inside(y + (by?.[1] ?? 0)) };
    at.value = next;
    last.current = undefined;
    if (event.key === " " || event.shiftKey) stroke(next.x, next.y);
  };
  return (
    <div
      class="brush"
      role="application"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it is painted on by the keys too
      tabIndex={0}
      aria-label={`Brush: ${kind.value}. Arrow keys move it, space paints, shift and arrow keys paint a line.`}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        const { x, y } = placeOf(event);
        last.current = undefined;
        at.value = { x, y };
        stroke(x, y);
      }}
      onPointerMove={(event) => {
        const { x, y } = placeOf(event);
        at.value = { x, y };
        if (event.buttons & 1) stroke(x, y);
      }}
      onPointerUp={() => {
        last.current = undefined;
      }}
      onPointerLeave={() => {
        at.value = undefined;
      }}
      onKeyDown={keys}
    >
      {at.value && (
        <span
          class="tip"
          style={{
            left: `${100 * at.value.x}%`,
            top: `${100 * at.value.y}%`,
            width: `${(200 * radius) / width}%`,
            aspectRatio: "1",
          }}
        />
      )}
    </div>
  );
}

const kinds: Readonly<Record<Kind, string>> = { erase: "Erase", blur: "Blur", restore: "Restore" };

export function BrushTools({ onClean, dirty }: { readonly onClean: () => void; readonly dirty: boolean }) {
  return (
    <div class="brushes">
      <fieldset class="segments">
        <legend class="unseen">Effect of the brush</legend>
        {(Object.keys(kinds) as Kind[]).map((name) => (
          <label key={name}>
            <input
              type="radio"
              name="brush"
              checked={kind.value === name}
              onChange={() => {
                kind.value = name;
              }}
            />
            <span>{kinds[name]}</span>
          </label>
        ))}
      </fieldset>
      <Slider title="Size" of={size} min={0.03} max={0.25} step={0.01} />
      <button type="button" disabled={!dirty} onClick={onClean}>
        Start over
      </button>
    </div>
  );
}
