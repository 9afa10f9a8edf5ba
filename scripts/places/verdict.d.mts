/** What differs from what every place must find, a line for each. */
export function differences(found: Readonly<Record<string, object>>): string[];
