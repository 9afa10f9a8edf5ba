/** @file What a browser may do with the studio's pages: whoever serves them says it, and the studio's service worker for hosts that say nothing. */

/** The headers of a file of the studio. */
export const pageHeaders = (url: URL) => ({
  // Both together isolate the page, which lets WebAssembly use threads.
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Content-Security-Policy": policyFor(url),
});

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
