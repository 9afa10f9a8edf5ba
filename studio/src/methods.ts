/** @file The methods as the page names them: written into it when it is built, for what they do is the worker's. */
import type { MethodName } from "gradcam";

interface NamedMethod {
  readonly name: MethodName;
  readonly title: string;
  readonly summary: string;
  /** Whether a model can carry it. */
  readonly compiles: boolean;
}

declare const METHODS: readonly NamedMethod[];

export const methods = METHODS;
