/** @file All classes, the likeliest first; the map follows whichever is under the pointer or the arrow keys. */
import { computed, signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { chosen, hovered, labelOf, likelihood, rival, seen, shortLabel, stance, untouched } from "../state/studio.ts";

const query = signal("");
const scrolled = signal(0);
const rowHeight = 34;
/** Rows that are drawn beyond those in sight. */
const spare = 6;
const visibleRows = 24;

/** The classes that the search finds, in the order of the ranking. */
const found = computed<readonly number[]>(() => {
  const words = query.value.trim().toLowerCase();
  const { value: sight } = untouched.value ? untouched : seen;
  if (!sight) return [];
  return words ? sight.ranking.filter((c) => matches(c, words)) : sight.ranking;
});

const matches = (index: number, words: string): boolean =>
  String(index) === words || labelOf(index).toLowerCase().includes(words);

export function Classes() {
  const [one, several] = seen.value?.boxes ? ["box", "boxes"] : ["class", "classes"];
  const list = useRef<HTMLDivElement>(null);
  const all = found.value;
  const active = hovered.value ?? chosen.value;
  const first = Math.max(0, Math.floor(scrolled.value / rowHeight) - spare);
  const rows = all.slice(first, first + visibleRows + 2 * spare);

  const move = (to: number) => {
    const at = Math.max(0, Math.min(all.length - 1, to));
    hovered.value = all[at];
    const box = list.current;
    if (!box) return;
    if (at * rowHeight < box.scrollTop) box.scrollTop = at * rowHeight;
    const bottom = (at + 1) * rowHeight - box.clientHeight;
    if (bottom > box.scrollTop) box.scrollTop = bottom;
  };
  const keys = (event: KeyboardEvent) => {
    const at = active === undefined ? -1 : all.indexOf(active);
    const typing = event.target instanceof HTMLInputElement;
    const to: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + 10,
      PageUp: at - 10,
      ...(!typing && { Home: 0, End: all.length - 1 }),
    };
    if (event.key in to) move(to[event.key]);
    else if (event.key === "Enter" && active !== undefined) choose(active);
    else if (event.key === "Escape") hovered.value = undefined;
    else if (event.key === "v" && !typing && active !== undefined) setRival(active);
    else return;
    event.preventDefault();
  };

  const listed = active !== undefined && rows.includes(active) ? `class-${active}` : undefined;
  return (
    <section class="classes" aria-labelledby="classes-title">
      <header>
        <h2 id="classes-title">{seen.value?.boxes ? "Boxes" : "Predictions"}</h2>
        <input
          type="search"
          aria-label={`Search the ${several}`}
          aria-controls="classes"
          aria-activedescendant={listed}
          placeholder={`Search ${(seen.value?.scores.length ?? 0).toLocaleString("en")} ${several}`}
          value={query}
          onInput={(event) => {
            query.value = event.currentTarget.value;
            scrolled.value = 0;
            list.current?.scrollTo({ top: 0 });
          }}
          onKeyDown={keys}
        />
      </header>
      <div
        ref={list}
        id="classes"
        class="rows"
        role="listbox"
        tabIndex={0}
        aria-label={several === "boxes" ? "Boxes" : "Classes"}
        aria-activedescendant={listed}
        onScroll={(event) => {
          scrolled.value = event.currentTarget.scrollTop;
        }}
        onKeyDown={keys}
        onPointerLeave={() => {
          hovered.value = undefined;
        }}
      >
        <div style={{ height: `${all.length * rowHeight}px` }} role="presentation">
          <div style={{ transform: `translateY(${first * rowHeight}px)` }} role="presentation">
            {rows.map((index, i) => (
              <Row key={index} index={index} place={first + i} of={all.length} />
            ))}
          </div>
        </div>
        {all.length === 0 && <p class="none">No {one} with this name.</p>}
      </div>
      <p class="hint">
        Point at a {one}, or use the arrow keys: the map follows. <kbd>Enter</kbd> selects it, <kbd>V</kbd> contrasts it
        with the selected one.
      </p>
    </section>
  );
}

function choose(index: number): void {
  if (rival.value === index) rival.value = chosen.value;
  chosen.value = index;
  hovered.value = undefined;
}

function setRival(index: number): void {
  if (index === chosen.value) return;
  rival.value = index;
  stance.value = "versus";
  hovered.value = undefined;
}

function Row({ index, place, of }: { readonly index: number; readonly place: number; readonly of: number }) {
  const p = seen.value?.probabilities[index] || 0;
  const before = untouched.value?.probabilities[index];
  const isRival = stance.value === "versus" && rival.value === index;
  const state = `${hovered.value === index ? " hovered" : ""}${chosen.value === index ? " chosen" : ""}${isRival ? " rival" : ""}`;
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the listbox has the focus, and says which option is active
    // biome-ignore lint/a11y/useKeyWithClickEvents: the listbox has the keys
    <div
      id={`class-${index}`}
      class={`row${state}`}
      role="option"
      aria-selected={chosen.value === index}
      aria-setsize={of}
      aria-posinset={place + 1}
      title={labelOf(index)}
      data-class={index}
      onPointerMove={() => {
        hovered.value = index;
      }}
      onClick={() => choose(index)}
    >
      <span class="bar" style={{ "--share": p }} />
      {before !== undefined && <span class="before" style={{ "--share": before }} />}
      <span class="label">{shortLabel(index)}</span>
      <span class="number">{seen.value && likelihood(seen.value, index)}</span>
      {/* For the pointer; the list box has the key V, and an option may hold no button. */}
      <span
        class="versus"
        aria-hidden="true"
        title="Contrast with the selected class"
        onClick={(event) => {
          event.stopPropagation();
          setRival(index);
        }}
      >
        vs
      </span>
    </div>
  );
}
