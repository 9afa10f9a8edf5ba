/** @file Which model speaks: the bundled one, or a person's own; and what it is asked about. */
import { useRef } from "preact/hooks";
import type { LanguageTask } from "../engine/contract.ts";
import { onPicture, openNarrator, own } from "../state/narration.ts";
import { pickedOf } from "./pick.tsx";

const titles: Readonly<Record<LanguageTask, string>> = { caption: "Captioner", ask: "VQA model" };

export function Narrator({ task }: { readonly task: LanguageTask }) {
  const directory = useRef<HTMLInputElement>(null);
  const mine = own.value[task];
  const title = titles[task];
  return (
    <section class="narrator" aria-label={title}>
      <h2>{mine ? mine.name : `${title}: bundled`}</h2>
      {mine ? (
        <div class="choice">
          <span>About</span>
          <fieldset class="segments">
            <legend class="unseen">Subject of the questions</legend>
            {[true, false].map((picture) => (
              <label key={String(picture)}>
                <input
                  type="radio"
                  name="about"
                  checked={onPicture.value === picture}
                  onChange={() => {
                    onPicture.value = picture;
                  }}
                />
                <span>{picture ? "A picture" : "A scene"}</span>
              </label>
            ))}
          </fieldset>
        </div>
      ) : (
        <p class="hint">
          Yours: a directory in Hugging Face layout{task === "caption" && ", or with a captioner.json"}. Drop it on the
          page, or open it. It stays on this device.
        </p>
      )}
      {mine?.assumed && (
        <p class="hint">It does not specify its preprocessing: ImageNet's mean and standard deviation are assumed.</p>
      )}
      <input
        ref={directory}
        type="file"
        class="unseen"
        tabIndex={-1}
        aria-label={`${title}'s directory`}
        {...{ webkitdirectory: true }}
        onChange={(event) => {
          const files = pickedOf(event.currentTarget.files);
          event.currentTarget.value = "";
          if (files.length) void openNarrator(task, files);
        }}
      />
      <div class="buttons">
        <button type="button" onClick={() => directory.current?.click()}>
          {mine ? "Open another" : "Open your own"}
        </button>
        {mine && (
          <button type="button" onClick={() => void openNarrator(task, undefined)}>
            Use the bundled model
          </button>
        )}
      </div>
    </section>
  );
}
