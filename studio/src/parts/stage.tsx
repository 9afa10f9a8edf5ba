/** @file The picture, and over it what the network looked at. */
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { boxOf } from "../engine/box.ts";
import { answer, boxed, colours, lens, opacity, patch, seen, shown, threshold, wordsOf } from "../state/studio.ts";
import { Boxes } from "./boxes.tsx";
import { Canvas, drawBitmap } from "./canvas.tsx";
import { draw, layerOf } from "./heat.ts";
import { Lens } from "./lens.tsx";
import { OnPicture } from "./on-picture.tsx";

/** @param children what else lies on the network's field, such as a brush */
export function Stage({ children }: { readonly children?: ComponentChildren }) {
  const { value: picture } = shown;
  const { value: sight } = seen;
  const { value: given } = answer;
  if (!picture) return null;
  const label = given ? `${picture.name}, with the evidence for ${wordsOf(given.question)}` : picture.name;
  return (
    <OnPicture picture={picture} label={label} geometry={sight?.geometry} blank={given?.answer.blank}>
      {patch.value && <Canvas class="patch" draw={drawBitmap(patch.value)} on={[patch.value]} />}
      {given && !given.answer.blank && (
        <Canvas
          class={`heat${lens.value ? " under" : ""}`}
          draw={(canvas) => draw(canvas, layerOf(given.answer, colours.value, opacity.value))}
          on={[given, colours.value, opacity.value]}
        />
      )}
      {boxed.value && <StrongestPart />}
      {lens.value && !sight?.boxes && <Lens />}
      <Boxes />
      {children}
    </OnPicture>
  );
}

const share = (part: number): string => `${100 * part}%`;

function StrongestPart() {
  const given = answer.value;
  const found = useMemo(() => given && boxOf(given.answer.map, threshold.value), [given, threshold.value]);
  if (!found) return null;
  const [x0, y0, x1, y1] = found;
  const style = { left: share(x0), top: share(y0), width: share(x1 - x0), height: share(y1 - y0) };
  return <div class="strongest" style={style} data-box={found.map((v) => v.toFixed(4)).join(" ")} />;
}
