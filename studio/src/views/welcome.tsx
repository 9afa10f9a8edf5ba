/** @file The first thing that a visitor sees. */
import { Examples, Pick } from "../parts/pick.tsx";
import { Roll } from "../parts/roll.tsx";
import { sentTo } from "../state/studio.ts";

export function Welcome() {
  return (
    <div class="welcome">
      <h1>Ask a network why.</h1>
      <p>
        Give it a picture. It says what it sees, and the picture lights up where it found the evidence, for any of a
        thousand things it knows. {sentTo.value === undefined && "It all runs here; the picture stays on this device."}
      </p>
      <Pick large />
      <p class="hint">or drop one anywhere, paste one, or start with one of these</p>
      <Examples />
      <Roll />
    </div>
  );
}
