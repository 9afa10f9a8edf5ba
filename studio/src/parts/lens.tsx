/** @file A lens over the picture: what it lies on is seen by Guided Grad-CAM. It moves with the pointer and with the arrow keys. */
import { signal, useSignalEffect } from "@preact/signals";
import { useState } from "preact/hooks";
import type { Answer, Question } from "../engine/contract.ts";
import { call as ask } from "../state/engine.ts";
import { latest } from "../state/latest.ts";
import { complain } from "../state/notices.ts";
import { question, seen } from "../state/studio.ts";
import { Canvas } from "./canvas.tsx";
import { draw, layerOf } from "./heat.ts";
import { arrows, inside, placeOf } from "./place.ts";

/** Where it is, in shares of the network's field. */
const place = signal({ x: 0.5, y: 0.5 });
const steps = arrows(0.04);

export function Lens() {
  const [fine, setFine] = useState<Answer>();
  const [follow] = useState(() =>
    latest(async (asked: Question) => {
      try {
        setFine(await ask("explain", { ...asked, method: "guided-grad-cam" }));
      } catch (error) {
        complain(error);
      }
    }),
  );
  useSignalEffect(() => {
    if (seen.value && question.value) follow(question.value);
  });

  const move = (event: PointerEvent) => {
    const { x, y } = placeOf(event);
    place.value = { x: inside(x), y: inside(y) };
  };
  const nudge = (event: KeyboardEvent) => {
    const by = steps[event.key];
    if (!by) return;
    event.preventDefault();
    place.value = { x: inside(place.value.x + by[0]), y: inside(place.value.y + by[1]) };
  };
  const { x, y } = place.value;
  const at = { "--x": `${100 * x}%`, "--y": `${100 * y}%` };
  return (
    <div
      class="glass"
      style={at}
      role="slider"
      tabIndex={0}
      aria-label="Lens: Guided Grad-CAM under it"
      aria-valuenow={Math.round(100 * x)}
      aria-valuetext={`${Math.round(100 * x)} % across, ${Math.round(100 * y)} % down`}
      onPointerMove={move}
      onPointerDown={move}
      onKeyDown={nudge}
    >
      {fine && <Canvas class="fine" draw={(canvas) => draw(canvas, layerOf(fine, "inferno", 1))} on={[fine]} />}
      <div class="rim" />
    </div>
  );
}
