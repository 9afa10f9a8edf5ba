/** @file A slider over a number. */
import type { Signal } from "@preact/signals";

export interface SliderProps {
  readonly title: string;
  readonly of: Signal<number>;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly disabled?: boolean;
}

export function Slider({ title, of, min, max, step, disabled }: SliderProps) {
  return (
    <label class="range">
      <span>{title}</span>
      <input
        type="range"
        min={min}
        max={max}
        step={step}
        value={of.value}
        disabled={disabled}
        onInput={(event) => {
          of.value = event.currentTarget.valueAsNumber;
        }}
      />
    </label>
  );
}
