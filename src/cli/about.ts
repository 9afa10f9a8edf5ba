/** @file What commands say of the package and of how they ended. */
export { packageVersion } from "../node/version.ts";

export const exitCodes = { done: 0, bug: 1, user: 2, interrupted: 130 } as const;
