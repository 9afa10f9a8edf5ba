/** @file The nodes from a layer to the score, drawn: one below the other, with arcs beside them where one reads from further up. */
import type { Step } from "gradcam/web";
import { useState } from "preact/hooks";

/** Nodes that are drawn before a reader asks for more. */
const most = 40;
const row = 30;
const lane = 13;
/** By keys too. */
const scrollable = { tabIndex: 0 };

export function PathToScore({ steps, layer }: { readonly steps: readonly Step[]; readonly layer: string }) {
  const [all, setAll] = useState(false);
  const hidden = all ? 0 : Math.max(0, steps.length - most);
  const shown = steps.slice(hidden);
  const arcs = lanesOf(shown, hidden);
  const width = (1 + arcs.reduce((widest, { at }) => Math.max(widest, at), 0)) * lane + 8;
  const height = (shown.length + 1) * row;
  const y = (index: number) => (Math.max(-1, index - hidden) + 1.5) * row;
  return (
    <section class="path" aria-label="Nodes from the layer to the score" {...scrollable}>
      <svg width={width} height={height} aria-hidden="true">
        <path class="spine" d={`M${width - 6} ${y(hidden - 1)}V${y(steps.length - 1)}`} />
        {arcs.map(({ from, to, at }) => (
          <path
            key={`${from} ${to}`}
            class="arc"
            d={`M${width - 6} ${y(from)}C${width - 6 - at * lane - 8} ${y(from)} ${width - 6 - at * lane - 8} ${y(to)} ${width - 6} ${y(to)}`}
          />
        ))}
        {[hidden - 1, ...shown.map((_, i) => i + hidden)].map((i) => (
          <circle key={i} class={i >= 0 && !steps[i].rule ? "without" : ""} cx={width - 6} cy={y(i)} r="3.5" />
        ))}
      </svg>
      <ol>
        <li>
          {hidden > 0 ? (
            <button type="button" onClick={() => setAll(true)}>
              {hidden} more up to {layer}
            </button>
          ) : (
            <>
              <strong>{layer}</strong> <small>target layer</small>
            </>
          )}
        </li>
        {shown.map(({ operator, tensor, shape, rule }) => (
          <li key={tensor}>
            <strong>{operator}</strong> <code>{tensor}</code>{" "}
            <small>
              [{shape.map((d) => (d < 0 ? "?" : d)).join(", ")}]{!rule && " no gradient rule"}
            </small>
          </li>
        ))}
      </ol>
    </section>
  );
}

interface Arc {
  readonly from: number;
  readonly to: number;
  /** 1 for the arc next to the spine. */
  readonly at: number;
}

/** Reads from further up than the line above, each in the innermost lane that is free. */
function lanesOf(steps: readonly Step[], hidden: number): Arc[] {
  const arcs: Arc[] = [];
  for (const [i, { from }] of steps.entries())
    for (const source of from) {
      const to = i + hidden;
      if (source === to - 1 || source < hidden) continue;
      const taken = new Set(arcs.filter((arc) => arc.to > source && arc.from < to).map(({ at }) => at));
      let at = 1;
      while (taken.has(at)) at++;
      arcs.push({ from: source, to, at: Math.min(at, 6) });
    }
  return arcs;
}
