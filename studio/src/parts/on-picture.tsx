/** @file A picture and, over the part of it that a network sees, what lies there. The rest is veiled. */
import type { Geometry } from "gradcam/web";
import type { ComponentChildren, CSSProperties } from "preact";
import type { Shown } from "../state/studio.ts";
import { Canvas, drawBitmap } from "./canvas.tsx";

const share = (part: number): string => `${100 * part}%`;

/** Where the network's input lies on the picture. */
export function fieldOf({ input, original, left, top, scaleX, scaleY }: Geometry): CSSProperties {
  return {
    left: share(left / original.width),
    top: share(top / original.height),
    width: share((input.width * scaleX) / original.width),
    height: share((input.height * scaleY) / original.height),
  };
}

interface Props {
  readonly picture: Shown;
  /** What a screen reader says. */
  readonly label: string;
  /** Undefined before a network has seen the picture. */
  readonly geometry: Geometry | undefined;
  /** Why there is no map, where there is none. */
  readonly blank?: string;
  readonly children?: ComponentChildren;
}

export function OnPicture({ picture, label, geometry, blank, children }: Props) {
  return (
    <div class="stage" style={{ "--ratio": picture.width / picture.height }}>
      <Canvas class="picture" label={label} draw={drawBitmap(picture.bitmap)} on={[picture]} />
      {geometry && (
        <div class="field" style={fieldOf(geometry)}>
          {children}
        </div>
      )}
      {blank && <p class="blank">Nothing to show: {blank}.</p>}
    </div>
  );
}
