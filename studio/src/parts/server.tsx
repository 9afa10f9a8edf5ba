/** @file A server in place of this device: for models too large for a browser. It says clearly that pictures leave, before they do and while. */
import { useRef, useState } from "preact/hooks";
import { connectTo, useServer, useThisDevice } from "../state/server.ts";
import { type Server as Known, sentTo, server } from "../state/studio.ts";
import { Choice } from "./choice.tsx";

export function Server() {
  const { value: known } = server;
  return (
    <section class="server" aria-label="A server">
      <h2>A server</h2>
      {!known ? <Address /> : known.used ? <InUse host={known.host} /> : <Offer known={known} />}
    </section>
  );
}

/** As `gradcam serve` has it, the server is one step up from the page. */
const beside = location.pathname.endsWith("/studio/") ? new URL("..", location.origin + location.pathname).href : "";

function Address() {
  const url = useRef<HTMLInputElement>(null);
  const token = useRef<HTMLInputElement>(null);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const given = { url: url.current?.value ?? "", token: token.current?.value };
        if (token.current) token.current.value = ""; // kept nowhere but in the connection
        void connectTo(given);
      }}
    >
      <p class="hint">
        For models too large for a browser: your own <code>gradcam serve</code>. Connecting lists its models and sends
        no picture.
      </p>
      <label class="choice">
        <span>Address</span>
        <input
          ref={url}
          type="text"
          inputMode="url"
          required
          defaultValue={beside}
          placeholder="http://localhost:8080"
          autocomplete="off"
          spellcheck={false}
        />
      </label>
      <label class="choice">
        <span>Token</span>
        <input ref={token} type="password" placeholder="if required" autocomplete="off" />
      </label>
      <button type="submit">Connect</button>
    </form>
  );
}

function Offer({ known: { host, models } }: { readonly known: Known }) {
  const [name, setName] = useState(models[0]);
  return (
    <>
      <Choice title="Model" of={name} all={models} onChoose={setName} />
      <p class="warning">
        The current picture, and every one you show from then on, will be sent to <strong>{host}</strong>.
      </p>
      <div class="buttons">
        <button type="button" class="primary" onClick={() => void useServer(name)}>
          Send pictures to it
        </button>
        <button type="button" onClick={() => void useThisDevice()}>
          Cancel
        </button>
      </div>
    </>
  );
}

function InUse({ host }: { readonly host: string }) {
  return (
    <p class="hint">
      In use: {host}. Painting over pictures, shuffled weights and every layer at once need the model here.
    </p>
  );
}

/** Above every view of pictures, for as long as they leave. */
export function Sent() {
  const { value: host } = sentTo;
  if (host === undefined) return null;
  return (
    <div class="sent" role="status">
      <p>
        Pictures you show are sent to <strong>{host}</strong>.
      </p>
      <button type="button" onClick={() => void useThisDevice()}>
        Back to this device
      </button>
    </div>
  );
}
