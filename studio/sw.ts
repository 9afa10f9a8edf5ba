/**
 * @file The service worker: the studio's own files without a network, and the headers that let WebAssembly use threads, for hosts that
 * send none. Models and the engine's binary are kept by the page itself (`gradcam/web`), checked against their SHA-256.
 */
import { pageHeaders } from "../src/node/page-headers.ts";

declare const self: ServiceWorkerGlobalScope;
/** Put in by the build. */
declare const FILES: readonly string[];
declare const VERSION: string;

const name = `gradcam-studio-${VERSION}`;

self.addEventListener("install", (event) => {
  event.waitUntil(fill().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method !== "GET" || !url.startsWith(self.registration.scope)) return;
  event.respondWith(answer(event.request));
});

async function fill(): Promise<void> {
  const cache = await caches.open(name);
  await cache.addAll(FILES.map((file) => new Request(new URL(file, self.registration.scope), { cache: "reload" })));
}

async function forgetOthers(): Promise<void> {
  const old = (await caches.keys()).filter((key) => key.startsWith("gradcam-studio-") && key !== name);
  await Promise.all(old.map((key) => caches.delete(key)));
}

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(name);
  const ignoreSearch = request.mode === "navigate" || request.destination === "worker";
  const kept = await cache.match(request, { ignoreSearch });
  return isolated(kept ?? (await fetch(request)), new URL(request.url));
}

function isolated(response: Response, url: URL): Response {
  if (response.status === 0) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(pageHeaders(url))) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
