/** @file A photograph from the device's camera. */
import { useEffect, useRef } from "preact/hooks";
import { giveOne } from "../state/roll.ts";
import { notice } from "../state/studio.ts";
import { photographing } from "./pick.tsx";

const refusals: Readonly<Record<string, string>> = {
  NotAllowedError:
    "The browser was not allowed to use it. Allow the camera in the address bar, or choose a picture instead.",
  NotFoundError: "This device has none. Choose a picture instead.",
  NotReadableError: "Another program is using it. Close that, or choose a picture instead.",
};

export function Camera() {
  return photographing.value ? <Viewfinder /> : null;
}

function Viewfinder() {
  const dialog = useRef<HTMLDialogElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const close = () => {
    photographing.value = false;
  };
  useEffect(() => {
    let stream: MediaStream | undefined;
    let ended = false;
    const begin = async () => {
      try {
        if (!navigator.mediaDevices) throw new DOMException("", "NotAllowedError");
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: 1280 } });
        if (ended) return end();
        dialog.current?.showModal();
        if (video.current) video.current.srcObject = stream;
        await video.current?.play();
      } catch (error) {
        const { name, message } = error as DOMException;
        const advice = refusals[name] ?? "Choose a picture instead.";
        if (!ended)
          notice.value = { kind: "error", title: "The camera cannot be used", advice, detail: message || name };
        close();
      }
    };
    const end = () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    void begin();
    return () => {
      ended = true;
      end();
    };
  }, []);
  const shoot = () => {
    const { value: frame } = { value: video.current };
    if (!frame?.videoWidth) return;
    const canvas = document.createElement("canvas");
    canvas.width = frame.videoWidth;
    canvas.height = frame.videoHeight;
    canvas.getContext("2d")?.drawImage(frame, 0, 0);
    canvas.toBlob((photo) => photo && void giveOne(photo, { name: "photograph" }), "image/jpeg", 0.95);
    close();
  };
  return (
    <dialog ref={dialog} class="camera" onClose={close} aria-label="Take a photograph">
      <video ref={video} playsInline muted />
      <div class="buttons">
        <button type="button" onClick={() => dialog.current?.close()}>
          Cancel
        </button>
        <button type="button" class="primary" onClick={shoot}>
          Take it
        </button>
      </div>
    </dialog>
  );
}
