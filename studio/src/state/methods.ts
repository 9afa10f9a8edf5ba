/** @file The methods as the page names them: written into it when it is built, for what they do is the worker's. */
import type { MethodName } from "gradcam";

declare const METHODS: readonly { readonly name: MethodName; readonly title: string; readonly summary: string }[];

export const methods = METHODS;
