/** @file The first thing that a visitor sees. */
import { Examples, Pick } from "../parts/pick.tsx";
import { Roll } from "../parts/roll.tsx";
import { sentTo } from "../state/studio.ts";

export function Welcome() {
  return (
    <div class="welcome">
      <h1>Ask a network why.</h1>
      <p>
        Choose a picture. You get the predictions, and the picture lights up where the evidence is, for any of a
        thousand classes. {sentTo.value === undefined && "Everything runs here; the picture stays on this device."}
      </p>
      <Pick large />
      <p class="hint">or drop one anywhere, paste one, or start with one of these</p>
      <Examples />
      <Roll />
    </div>
  );
}
