/** @file The package's version: written here too, since a bundle has no manifest; `npm version` writes it, and a test holds the two equal. */
export const packageVersion = "0.2.0";
