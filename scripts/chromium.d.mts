export const chromium: string | undefined;
/** @throws Error that says how to come by one */
export function chromiumPath(): string;
