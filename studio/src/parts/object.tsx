/** @file What can be done to the scene: the object in hand gets another shape, colour, size or texture, or goes; others come. */
import { type Colour, colours, inks, shapes, sizes, textures } from "gradcam/scenes";
import { add, change, fewest, most, nameOf, next, remove, scene, selected } from "../state/scene.ts";
import { Choice } from "./choice.tsx";

export function ObjectTools() {
  const { objects } = scene.value;
  const index = selected.value;
  const object = index === undefined ? undefined : objects[index];
  return (
    <section class="object" aria-label="The scene">
      <h2>{object ? nameOf(object) : "The scene"}</h2>
      {object && index !== undefined ? (
        <>
          <fieldset class="swatches inks">
            <legend>Colour</legend>
            {colours.map((name) => (
              <label key={name} title={name}>
                <input
                  type="radio"
                  name="ink"
                  aria-label={name}
                  checked={object.colour === name}
                  onChange={() => change(index, { colour: name })}
                />
                <span class="swatch" style={{ background: inkOf(name) }} />
              </label>
            ))}
          </fieldset>
          <Segments title="Size" names={sizes} of={object.size} onChoose={(size) => change(index, { size })} />
          <Choice title="Shape" all={shapes} of={object.shape} onChoose={(shape) => change(index, { shape })} />
          <Choice
            title="Texture"
            all={textures}
            of={object.texture}
            onChoose={(texture) => change(index, { texture })}
          />
        </>
      ) : (
        <p class="hint">Drag an object, or move it with the arrow keys. You can change the selected one here.</p>
      )}
      <div class="buttons">
        <button type="button" disabled={objects.length >= most} onClick={add}>
          Add an object
        </button>
        <button
          type="button"
          disabled={index === undefined || objects.length <= fewest}
          onClick={() => index !== undefined && remove(index)}
        >
          Remove
        </button>
        <button type="button" onClick={next}>
          New scene
        </button>
      </div>
      <p class="hint">
        The models were trained on scenes with {fewest} to {most} objects.
      </p>
    </section>
  );
}

const inkOf = (name: Colour): string => `rgb(${inks[name].join(" ")})`;

interface Picked<T extends string> {
  readonly title: string;
  readonly names: readonly T[];
  readonly of: T;
  readonly onChoose: (name: T) => void;
}

function Segments<T extends string>({ title, names, of, onChoose }: Picked<T>) {
  return (
    <div class="choice">
      <span>{title}</span>
      <fieldset class="segments">
        <legend class="unseen">{title}</legend>
        {names.map((name) => (
          <label key={name}>
            <input type="radio" name={title} checked={of === name} onChange={() => onChoose(name)} />
            <span>{name}</span>
          </label>
        ))}
      </fieldset>
    </div>
  );
}
