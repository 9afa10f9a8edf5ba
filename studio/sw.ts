/**
 * @file The service worker: the studio's own files without a network, and the two headers that let WebAssembly use threads, for hosts that
 * send none. Models and the engine's binary are kept by the page itself (`gradcam/web`), checked against their SHA-256.
 */
export {};

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
  return isolated(kept ?? (await fetch(request)), policyFor(new URL(request.url)));
}

/**
 * Nothing is loaded from, and nothing sent to, anywhere else; but for the one worker that a person starts to ask a server, which may
 * connect to that server and nowhere else.
 */
function policyFor({ pathname, searchParams }: URL): string {
  const to = /\/server-worker-[\w-]+\.js$/.test(pathname) ? originOf(searchParams.get("to")) : undefined;
  return `default-src 'self'; script-src 'self' blob: 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; worker-src 'self' blob:; connect-src ${to ?? "'self' blob:"}`;
}

/** Undefined for what is no address of a server. */
function originOf(address: string | null): string | undefined {
  if (!address || !URL.canParse(address)) return undefined;
  const { protocol, origin } = new URL(address);
  return /^https?:$/.test(protocol) ? origin : undefined;
}

function isolated(response: Response, policy: string): Response {
  if (response.status === 0) return response;
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  headers.set("Content-Security-Policy", policy);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
