/** @file What words are about, lit where the one that is looked at came from: the scene, or the picture for a model of one's own. */
import { about, geometry, isScene, looked, sayings } from "../state/narration.ts";
import { colours, opacity, type Shown } from "../state/studio.ts";
import { Canvas } from "./canvas.tsx";
import { draw, layerOf } from "./heat.ts";
import { fieldOf, OnPicture } from "./on-picture.tsx";
import { Examples, Pick } from "./pick.tsx";
import { Roll } from "./roll.tsx";
import { SceneStage } from "./scene-stage.tsx";

export function WordStage() {
  const { value: subject } = about;
  const said = sayings.value[looked.value];
  const heat = said && !said.blank && (
    <Canvas
      class="heat"
      draw={(canvas) => draw(canvas, layerOf(said, colours.value, opacity.value))}
      on={[said, colours.value, opacity.value]}
    />
  );
  if (!subject) return <NoPicture />;
  if (!isScene(subject)) return <Photograph picture={subject}>{heat}</Photograph>;
  const field = geometry.value && fieldOf(geometry.value);
  return (
    <SceneStage said={said}>
      {field && (
        <div class="sight" style={field}>
          {heat}
        </div>
      )}
    </SceneStage>
  );
}

function Photograph({ picture, children }: { readonly picture: Shown; readonly children: preact.ComponentChildren }) {
  const said = sayings.value[looked.value];
  const label = `${picture.name}${said ? `; lit where "${said.text}" came from` : ""}`;
  return (
    <>
      <OnPicture picture={picture} label={label} geometry={geometry.value} blank={said?.blank}>
        {children}
      </OnPicture>
      <Roll />
    </>
  );
}

function NoPicture() {
  return (
    <div class="nothing">
      <p>Show it a picture.</p>
      <Pick large />
      <Examples />
    </div>
  );
}
