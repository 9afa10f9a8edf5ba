/** Serves a directory while `use` works with its address. */
export function served<T>(directory: string, use: (address: string) => Promise<T>): Promise<T>;
