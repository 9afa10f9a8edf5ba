/** @file How maps of words are shown, and handed over as numbers. */
import { encodeNpy } from "gradcam/web";
import { handOver } from "../state/exports.ts";
import { looked, sayings } from "../state/narration.ts";
import { Colours } from "./colours.tsx";

export function WordLook() {
  const said = sayings.value[looked.value];
  return (
    <section class="look" aria-label="Display">
      <Colours />
      <fieldset class="saves">
        <legend>Save</legend>
        <div>
          <button
            type="button"
            title=".npy, the unnormalised numbers of the selected word"
            disabled={!said}
            onClick={() =>
              said &&
              handOver({
                name: `${said.text.replace(/\W+/g, "-")}.npy`,
                type: "application/octet-stream",
                bytes: encodeNpy(said.map.data, said.map.dims),
              })
            }
          >
            Map
          </button>
        </div>
      </fieldset>
    </section>
  );
}
