/** @file Model: what is open, what it takes and gives, where maps can lie, and the way from a layer to the score; and your own. */
import { useSignalEffect } from "@preact/signals";
import type { TensorSignature } from "gradcam/web";
import { useRef } from "preact/hooks";
import type { ModelInfo, ModelInside } from "../engine/contract.ts";
import { Choice } from "../parts/choice.tsx";
import { PathToScore } from "../parts/path.tsx";
import { openFiles, pickedOf } from "../parts/pick.tsx";
import { Preparation } from "../parts/preparation.tsx";
import { Server } from "../parts/server.tsx";
import { call as ask } from "../state/engine.ts";
import { save } from "../state/exports.ts";
import { complain } from "../state/notices.ts";
import { layer, model, path } from "../state/studio.ts";

export function Model() {
  const info = model.value;
  useSignalEffect(() => {
    const { value: open } = model;
    const name = layer.value ?? open?.layers[0]?.name;
    if (name && open?.inside)
      ask("path", name).then((steps) => {
        path.value = steps;
      }, complain);
  });
  return (
    <div class="sheet">
      <div class="openings">
        <Yours />
        <Server />
      </div>
      {info?.inside && <Inside info={info} inside={info.inside} />}
      {!info?.detects && <Preparation />}
      {info?.inside && <Way layers={info.layers} />}
    </div>
  );
}

function Inside({ info, inside }: { readonly info: ModelInfo; readonly inside: ModelInside }) {
  const { bytes, operatorSet, score, inputs, outputs, withoutRule } = inside;
  return (
    <section>
      <h1>{info.name}</h1>
      <dl class="facts">
        <dt>Size</dt>
        <dd>{(bytes / 1e6).toFixed(1)} MB</dd>
        <dt>Operator set</dt>
        <dd>{operatorSet}</dd>
        <dt>Score</dt>
        <dd>
          <code>{score.name}</code>
          {score.before && `, before the ${score.before}`}
        </dd>
        <dt>Classes named</dt>
        <dd>{info.labels.length ? info.labels.length.toLocaleString("en") : "none"}</dd>
        {info.sha256 && (
          <>
            <dt>SHA-256</dt>
            <dd>
              <code>{info.sha256.slice(0, 16)}…</code>
            </dd>
          </>
        )}
      </dl>
      <Tensors title="Takes" tensors={inputs} />
      <Tensors title="Gives" tensors={outputs} />
      <p>
        {withoutRule.length === 0
          ? "Every operator has a gradient rule."
          : `Without a gradient rule: ${withoutRule.map(([name, count]) => `${name} (${count})`).join(", ")}. Layers behind them can be explained.`}
      </p>
      <button type="button" onClick={() => void save("onnx")}>
        Download the model that explains itself
      </button>
      <p class="hint">One .onnx file that returns the scores and the map in one run, on any ONNX Runtime.</p>
      {info.fewLabels && <p class="warning">Too few labels: {info.fewLabels}. The download leaves them out.</p>}
    </section>
  );
}

function Way({ layers }: Pick<ModelInfo, "layers">) {
  const current = layer.value ?? layers[0]?.name;
  return (
    <section class="way">
      <h2>From the layer to the score</h2>
      <Choice
        title="Layer"
        of={current ?? ""}
        all={layers.map(
          ({ name, grid }) => [name, `${name} (${grid.map((d) => (d < 0 ? "?" : d)).join(" × ")})`] as const,
        )}
        onChoose={(name) => {
          layer.value = name === layers[0].name ? undefined : name;
        }}
      />
      {path.value && <PathToScore steps={path.value} layer={current ?? ""} />}
    </section>
  );
}

function Yours() {
  const files = useRef<HTMLInputElement>(null);
  const directory = useRef<HTMLInputElement>(null);
  const picked = (event: Event & { currentTarget: HTMLInputElement }) => {
    void openFiles(pickedOf(event.currentTarget.files));
    event.currentTarget.value = "";
  };
  return (
    <section class="yours">
      <h2>Your own model</h2>
      <p class="hint">
        An <code>.onnx</code> file, with a list of labels if you have one; or a directory in Hugging Face layout. It
        stays on this device.
      </p>
      <input
        ref={files}
        type="file"
        multiple
        accept=".onnx,.onnx_data,.data,.txt,.json"
        class="unseen"
        tabIndex={-1}
        aria-label="Model files"
        onChange={picked}
      />
      <input
        ref={directory}
        type="file"
        class="unseen"
        tabIndex={-1}
        aria-label="Model directory"
        {...{ webkitdirectory: true }}
        onChange={picked}
      />
      <div class="buttons">
        <button type="button" class="primary" onClick={() => files.current?.click()}>
          Open files
        </button>
        <button type="button" onClick={() => directory.current?.click()}>
          Open a directory
        </button>
      </div>
    </section>
  );
}

function Tensors({ title, tensors }: { readonly title: string; readonly tensors: readonly TensorSignature[] }) {
  return (
    <>
      <h3>{title}</h3>
      <ul class="tensors">
        {tensors.map(({ name, type, shape }) => (
          <li key={name}>
            <code>{name}</code>{" "}
            <span>
              {type ?? "?"} {shape && `[${shape.map((d) => d || "?").join(", ")}]`}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
