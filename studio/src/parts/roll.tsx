/** @file The pictures that were given together, small, to walk through by pointer or arrow keys. */
import { useRef, useState } from "preact/hooks";
import { type Frame, roll, showFrame } from "../state/roll.ts";
import { shown } from "../state/studio.ts";

const steps: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

export function Roll() {
  const strip = useRef<HTMLDivElement>(null);
  const { value: frames } = roll;
  if (frames.length === 0) return null;
  const at = frames.findIndex(({ id }) => id === shown.value?.id);
  const keys = (event: KeyboardEvent) => {
    const buttons = [...(strip.current?.children ?? [])] as HTMLElement[];
    const from = buttons.indexOf(event.target as HTMLElement);
    const to = { Home: 0, End: frames.length - 1 }[event.key] ?? from + (steps[event.key] ?? Number.NaN);
    const next = frames[to];
    if (!next) return;
    event.preventDefault();
    buttons[to].focus();
    void showFrame(next);
  };
  return (
    <section class="roll" aria-label="Pictures given together">
      <div ref={strip} class="strip" role="toolbar" aria-label="Pictures: arrow keys go through them" onKeyDown={keys}>
        {frames.map((frame, i) => (
          <Small key={frame.id} frame={frame} current={i === at} reached={i === Math.max(0, at)} />
        ))}
      </div>
      <p class="hint" aria-live="polite">
        {at < 0 ? frames.length : `${at + 1} of ${frames.length}`} pictures{at < 0 ? "" : `: ${frames[at].name}`}. For a
        folder of them, as files: <code>gradcam explain DIR</code>
      </p>
    </section>
  );
}

interface SmallProps {
  readonly frame: Frame;
  readonly current: boolean;
  /** Whether the tab key leads to it. */
  readonly reached: boolean;
}

function Small({ frame, current, reached }: SmallProps) {
  // Broken, or of a format that this package reads and the browser does not.
  const [unread, setUnread] = useState(false);
  return (
    <button
      type="button"
      aria-pressed={current}
      aria-label={frame.name}
      title={frame.name}
      tabIndex={reached ? 0 : -1}
      onClick={() => void showFrame(frame)}
    >
      {unread ? (
        <small>{frame.name}</small>
      ) : (
        <img src={frame.url} alt="" loading="lazy" decoding="async" onError={() => setUnread(true)} />
      )}
    </button>
  );
}
