/**
 * @file Protobuf messages as values, and the one way to copy them.
 *
 * The fields of a message that are unset have their defaults in its prototype, so a spread (`{ ...node }`) loses them: an operator set
 * without a domain would have none instead of "". The types here forbid it: what a spread makes is no message to the compiler.
 */

/** No object has this; since it is protected, the compiler leaves it out of a spread, and says that it is missing. */
declare class Whole {
  protected readonly copyWithChanged: true;
}

/** A message of the generated code, and those inside it. */
export type Guarded<T> = T extends Uint8Array | bigint | string | number | boolean | undefined
  ? T
  : T extends (infer U)[]
    ? Guarded<U>[]
    : T extends { readonly $typeName: string }
      ? Whole & { [K in keyof T]: Guarded<T[K]> }
      : { [K in keyof T]: Guarded<T[K]> };

/** The fields that a message is made of. A spread of another message is none of it: {@link changed} copies. */
export type Fields<M> = { readonly [K in keyof M as K extends `$${string}` ? never : K]?: M[K] } & {
  readonly $typeName?: never;
};

/** A copy of a message with some fields changed; what is not named stays as it is, set or unset. */
export const changed = <M extends Whole>(message: M, changes: Fields<M>): M =>
  Object.assign(Object.create(Object.getPrototypeOf(message)), message, changes);
