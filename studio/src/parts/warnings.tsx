/** @file What must be known of the map that is shown: what was guessed, and what it does not say. */
import { answer } from "../state/studio.ts";

export function Warnings() {
  const told = answer.value?.answer.warnings ?? [];
  if (told.length === 0) return null;
  return (
    <ul class="warnings hint" aria-label="Warnings">
      {told.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
}
