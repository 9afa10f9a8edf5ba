interface Found {
  readonly peak?: { readonly x: number; readonly y: number };
  readonly sum?: number;
  readonly error?: string;
}
/** Builds a page with a worker in a folder that has the package, `onnxruntime-web` and the bundler, and opens it in Chromium. */
export function builtAndOpened(
  place: string,
  builder: string,
  options?: { readonly worker?: string },
): Promise<{ page: Found; worker: Found; half: object; runtime: object; webgpu: Found; withoutSource: string }>;
