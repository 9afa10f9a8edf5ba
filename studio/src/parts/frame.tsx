/** @file What is around every view: name, tabs, model and engine; progress; notices. */
import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ownNow, replied, told } from "../state/narration.ts";
import { asking, backend, loading, looking, model, notice, sentTo, shown } from "../state/studio.ts";
import { ofScene, titles, view, views } from "../views/registry.ts";
import { Pick } from "./pick.tsx";

export function Bar() {
  const steps: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1 };
  return (
    <header class="bar">
      <a class="name" href="./" aria-label="gradcam studio, start again">
        gradcam <span>studio</span>
      </a>
      <div class="tabs" role="tablist" aria-label="Views">
        {views.map((name, i) => (
          <button
            key={name}
            id={`tab-${name}`}
            type="button"
            role="tab"
            aria-selected={view.value === name}
            aria-controls="view"
            tabIndex={view.value === name ? 0 : -1}
            onClick={() => {
              view.value = name;
            }}
            onKeyDown={(event) => {
              const next = views[(i + (steps[event.key] ?? 0) + views.length) % views.length];
              if (next === name) return;
              view.value = next;
              document.getElementById(`tab-${next}`)?.focus();
            }}
          >
            {titles[name]}
          </button>
        ))}
      </div>
      <div class="tools">
        {shown.value && <Pick />}
        <Theme />
      </div>
    </header>
  );
}

const themes = ["auto", "light", "dark"] as const;
const theme = signal<(typeof themes)[number]>(
  themes.find((name) => name === localStorage.getItem("gradcam-theme")) ?? "auto",
);
effect(() => {
  if (theme.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
});

function Theme() {
  const next = themes[(themes.indexOf(theme.value) + 1) % themes.length];
  return (
    <button
      type="button"
      class="theme"
      title={`Theme: ${theme.value}`}
      aria-label={`Theme: ${theme.value}; change to ${next}`}
      onClick={() => {
        theme.value = next;
        try {
          localStorage.setItem("gradcam-theme", next);
        } catch {
          // A full or forbidden storage forgets the choice; the page looks right until it is closed.
        }
      }}
    >
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <circle cx="8" cy="8" r="6.5" fill="none" stroke="currentColor" />
        <path d={theme.value === "light" ? "" : "M8 1.5a6.5 6.5 0 0 1 0 13z"} fill="currentColor" />
        {theme.value === "dark" && <path d="M8 1.5a6.5 6.5 0 0 0 0 13z" fill="currentColor" />}
      </svg>
    </button>
  );
}

/** The model, and what runs it. */
export function Foot() {
  const spoken = { caption: told.value, ask: replied.value }[view.value as string];
  const info = model.value;
  const engine = backend.value;
  if (!info || !engine) return null;
  // Captions and answers are made here all the same.
  const remote = sentTo.value !== undefined && !ofScene.has(view.value);
  const { onProcessor } = info.inside ?? {};
  const provider = onProcessor ? "wasm" : engine.provider;
  const note = onProcessor ?? engine.note;
  const threads = engine.threads > 1 ? `, ${engine.threads} threads` : "";
  return (
    <footer class="foot">
      <span>{(ofScene.has(view.value) && ownNow.value?.name) || (spoken?.said.model ?? info.name)}</span>
      {remote ? (
        <span data-provider="server">{sentTo.value}</span>
      ) : (
        <span data-provider={provider}>
          {provider === "webgpu" ? "WebGPU" : `WebAssembly${threads}`}
          {note && ` (${note})`}
        </span>
      )}
      <span>
        {sentTo.value === undefined ? "Nothing leaves this device." : `Pictures are sent to ${sentTo.value}.`}
      </span>
    </footer>
  );
}

export function Working() {
  const share = loading.value?.done ?? asking.value ?? (looking.value ? Number.NaN : undefined);
  if (share === undefined) return null;
  const what = loading.value?.what ?? (looking.value ? "Looking" : "Asking");
  const known = Number.isFinite(share);
  return (
    <div class="working" role="status">
      <progress {...(known && { value: share })} max={1} aria-label={what} />
      <span>
        {what}
        {known && ` ${Math.round(100 * share)} %`}
      </span>
    </div>
  );
}

export function Notices() {
  const { value: told } = notice;
  useEffect(() => {
    const close = ({ key }: KeyboardEvent) => {
      if (key === "Escape") notice.value = undefined;
    };
    addEventListener("keydown", close);
    return () => removeEventListener("keydown", close);
  }, []);
  return (
    <div class="notices" role="alert">
      {told && (
        <div class={`notice ${told.kind}`}>
          <h2>{told.title}</h2>
          <p>{told.advice}</p>
          {told.detail && <p class="detail">{told.detail}</p>}
          {told.technical && (
            <details class="detail">
              <summary>Details</summary>
              {told.technical}
            </details>
          )}
          {told.again && (
            <button
              type="button"
              class="again"
              onClick={() => {
                notice.value = undefined;
                told.again?.();
              }}
            >
              Try again
            </button>
          )}
          <button
            type="button"
            class="close"
            aria-label="Close"
            onClick={() => {
              notice.value = undefined;
            }}
          >
            ×
          </button>
        </div>
      )}
    </div>
  );
}
