/** @file The methods that any network's classes can be asked by. */
import { methods } from "../src/methods/index.ts";

export const classMethods = methods.filter(({ tasks }) => tasks === undefined || tasks.includes("classification"));
