/** @file Model: what is open, what it takes and gives, where maps can lie, and the way from a layer to the score; and your own. */
import { signal, useSignalEffect } from "@preact/signals";
import type { TensorSignature } from "gradcam/web";
import { useRef } from "preact/hooks";
import { Canvas } from "../parts/canvas.tsx";
import { draw } from "../parts/heat.ts";
import { PathToScore } from "../parts/path.tsx";
import { openFiles, pickedOf } from "../parts/pick.tsx";
import { ask, save } from "../state/actions.ts";
import { complain } from "../state/notices.ts";
import { layer, model, path, seen } from "../state/studio.ts";

const preview = signal<ImageData | undefined>(undefined);

export function Model() {
  const info = model.value;
  useSignalEffect(() => {
    const { value: open } = model;
    const name = layer.value ?? open?.layers[0]?.name;
    if (name)
      ask("path", name).then((steps) => {
        path.value = steps;
      }, complain);
  });
  useSignalEffect(() => {
    if (!seen.value) {
      preview.value = undefined;
      return;
    }
    ask("input", undefined).then((pixels) => {
      preview.value = pixels;
    }, complain);
  });
  return (
    <div class="sheet">
      <Yours />
      {info && (
        <>
          <section>
            <h1>{info.name}</h1>
            <dl class="facts">
              <dt>Size</dt>
              <dd>{(info.bytes / 1e6).toFixed(1)} MB</dd>
              <dt>Operator set</dt>
              <dd>{info.operatorSet}</dd>
              <dt>Score</dt>
              <dd>
                <code>{info.score.name}</code>
                {info.score.before && `, in front of the ${info.score.before}`}
              </dd>
              <dt>Classes named</dt>
              <dd>{info.labels.length.toLocaleString("en") || "none"}</dd>
              {info.sha256 && (
                <>
                  <dt>SHA-256</dt>
                  <dd>
                    <code>{info.sha256.slice(0, 16)}…</code>
                  </dd>
                </>
              )}
            </dl>
            <Tensors title="Takes" tensors={info.inputs} />
            <Tensors title="Gives" tensors={info.outputs} />
            <p>
              {info.withoutRule.length === 0
                ? "Every operator has a gradient rule."
                : `Without a gradient rule: ${info.withoutRule.map(([name, count]) => `${name} (${count})`).join(", ")}. Layers behind them can be explained.`}
            </p>
            <button type="button" onClick={() => void save("onnx")}>
              Download the model that explains itself
            </button>
            <p class="hint">One .onnx file that gives its scores and the map in one run, on any ONNX Runtime.</p>
          </section>
          <Preparation />
          <section class="way">
            <h2>From the layer to the score</h2>
            <label class="choice">
              <span>Layer</span>
              <select
                value={layer.value ?? info.layers[0]?.name}
                onChange={(event) => {
                  const { value: name } = event.currentTarget;
                  layer.value = name === info.layers[0].name ? undefined : name;
                }}
              >
                {info.layers.map(({ name, grid }) => (
                  <option key={name} value={name}>
                    {name} ({grid.map((d) => (d < 0 ? "?" : d)).join(" × ")})
                  </option>
                ))}
              </select>
            </label>
            {path.value && <PathToScore steps={path.value} layer={layer.value ?? info.layers[0]?.name ?? ""} />}
          </section>
        </>
      )}
    </div>
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

/** How pictures are made inputs, and what that looks like. */
function Preparation() {
  const info = model.value;
  if (!info) return null;
  const { resize, crop, filter, mean, std, scale, order, layout } = info.preprocess;
  const sized = !resize
    ? "Left at its size"
    : "width" in resize
      ? `Resized to ${resize.width} × ${resize.height}`
      : `Resized to ${resize.shortestEdge} on its shorter side`;
  const numbers = (list: readonly number[]) => list.map((v) => +v.toFixed(3)).join(", ");
  return (
    <section class="preparation">
      <h2>How it is shown a picture</h2>
      <p>
        {info.assumed && <strong>Assumed, for the model does not say. </strong>}
        {sized} ({filter}){crop && `, of which the middle ${crop.width} × ${crop.height} is kept`}. Pixels times{" "}
        {+scale.toPrecision(3)}, less {numbers(mean)}, over {numbers(std)}; {order}, {layout}.
      </p>
      {preview.value ? (
        <Canvas
          class="preview"
          label="What the network sees"
          draw={(canvas) => preview.value && draw(canvas, preview.value)}
          on={[preview.value]}
        />
      ) : (
        <p class="hint">Show it a picture, and this is what it gets.</p>
      )}
    </section>
  );
}
