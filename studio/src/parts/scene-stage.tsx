/** @file The scene, what the words lie on, and its objects, to be moved by pointer or by keys. */
import { signal, useSignalEffect } from "@preact/signals";
import { type SceneObject, side } from "gradcam/scenes";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { Engine } from "../engine/client.ts";
import type { Calls, Said } from "../engine/contract.ts";
import { painterWorker } from "../engine/start.ts";
import { latest } from "../state/latest.ts";
import { complain } from "../state/notices.ts";
import { change, dragged, nameOf, remove, scene, selected } from "../state/scene.ts";
import { Canvas } from "./canvas.tsx";
import { draw } from "./heat.ts";
import { arrows } from "./place.ts";

/** Pixels across and down: painted as fine as the eye wants at rest, as fast as the hand wants while it drags. */
const pixels = { resting: 320, dragged: 144 } as const;
/** A step by a key, in parts of 1024 of the side. */
const steps = arrows(24);
const share = (length: number): string => `${(100 * length) / side}%`;
const percent = (length: number): string => `${Math.round((100 * length) / side)} %`;

/** The scene as it was painted last; it stays until the next one is ready. */
const painted = signal<ImageData | undefined>(undefined);
let painter: Engine | undefined;
const paint = latest(async (wanted: Calls["paint"][0]) => {
  painter ??= new Engine(
    painterWorker,
    () => {
      painter = undefined; // the next scene has another one
    },
    () => {},
  );
  try {
    painted.value = await painter.call("paint", wanted);
  } catch (error) {
    complain(error);
  }
});

interface Props {
  /** What it is lit for. */
  readonly said: Said | undefined;
  /** What lies on the scene, beneath its handles. */
  readonly children?: ComponentChildren;
}

export function SceneStage({ said, children }: Props) {
  const { value: shown } = scene;
  useSignalEffect(() => {
    void paint({ scene: scene.value, pixels: dragged.value ? pixels.dragged : pixels.resting });
  });
  const names = shown.objects.map(nameOf).join(", a ");
  return (
    <div class="stage" style={{ "--ratio": 1 }}>
      <Canvas
        class="picture"
        label={`A scene: a ${names}${said ? `; lit where "${said.text}" came from` : ""}`}
        draw={(canvas) => painted.value && draw(canvas, painted.value)}
        on={[painted.value]}
      />
      <div class="objects">
        {children}
        {/** biome-ignore lint/a11y/useSemanticElements: a fieldset would say nothing of the keys */}
        <div role="group" aria-label="Objects: arrow keys move one, Delete removes it">
          {shown.objects.map((object, i) => (
            <Handle key={i} object={object} index={i} />
          ))}
        </div>
      </div>
      {said?.blank && <p class="blank">Nothing to show: {said.blank}.</p>}
    </div>
  );
}

function Handle({ object, index }: { readonly object: SceneObject; readonly index: number }) {
  /** From the pointer to the object's centre, while it is dragged. */
  const grip = useRef<{ readonly x: number; readonly y: number } | undefined>(undefined);
  const { x, y, radius } = object;
  const placeOf = (event: PointerEvent) => {
    const field = (event.currentTarget as HTMLElement).closest(".objects")?.getBoundingClientRect() as DOMRect;
    const unit = side / field.width;
    return { x: (event.clientX - field.left) * unit, y: (event.clientY - field.top) * unit };
  };
  const keys = (event: KeyboardEvent) => {
    const by = steps[event.key];
    if (by) change(index, { x: x + by[0], y: y + by[1] });
    else if (event.key === "Delete" || event.key === "Backspace") {
      const { previousElementSibling: before, nextElementSibling: after } = event.currentTarget as HTMLElement;
      if (!after) (before as HTMLElement | null)?.focus(); // the last handle goes
      remove(index);
    } else return;
    event.preventDefault();
  };
  return (
    <button
      type="button"
      class="handle"
      aria-pressed={selected.value === index}
      aria-roledescription="movable object"
      aria-label={`${nameOf(object)}, ${percent(x)} across, ${percent(y)} down`}
      style={{ left: share(x - radius), top: share(y - radius), width: share(2 * radius) }}
      onFocus={() => {
        selected.value = index;
      }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        const at = placeOf(event);
        grip.current = { x: x - at.x, y: y - at.y };
        selected.value = index;
      }}
      onPointerMove={(event) => {
        if (!grip.current) return;
        const at = placeOf(event);
        dragged.value = true;
        change(index, { x: at.x + grip.current.x, y: at.y + grip.current.y });
      }}
      onLostPointerCapture={() => {
        grip.current = undefined;
        dragged.value = false;
      }}
      onKeyDown={keys}
    />
  );
}
