/** @file Tables of checks: a row is one node, and each is checked at every operator set named, with fixed and with free batch. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { checkVjp } from "../../src/autodiff/check.ts";
import type { DataType, NodeProto } from "../../src/onnx/proto.ts";
import { type Attributes, oneNode, randomFeeds, type Sources, type Values } from "../models.ts";

export interface Options {
  /** Where the node's form or meaning changes. */
  readonly opsets?: readonly number[];
  /** Affine in each float input while the others stay: the adjoint identity holds to rounding, so the error is held below 1e-4. */
  readonly linear?: boolean;
  /** The largest error; 1e-2 for central differences. */
  readonly most?: number;
  readonly step?: number;
  readonly values?: Values;
  /** Inputs whose first dimension is a batch: the row is checked once more with it free. None: the row has no batch. */
  readonly free?: readonly string[];
  readonly wrt?: readonly string[];
  readonly outputs?: number;
  /** Further outputs, which are not checked. */
  readonly beside?: number;
  /** The one output that is not left out. */
  readonly only?: number;
  readonly change?: (node: NodeProto) => NodeProto;
  readonly as?: DataType;
  /** Words of the error with which the row is refused, for a cause that is not the rule's. */
  readonly refuses?: string;
}

export type Row = readonly [inputs: Sources, attributes?: Attributes, options?: Options];

/** One thread: the tensors are small, and threads that wait for each other cost more than they give. */
export const session = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 } as const;

/** Checks the rule of an operator on each row. */
export function checkRule(opType: string, common: Options, rows: Readonly<Record<string, Row>>): void {
  describe(opType, () => {
    for (const [title, [inputs, attributes, own]] of Object.entries(rows)) {
      const options = { ...common, ...own };
      for (const opset of options.opsets ?? [13])
        for (const free of options.free?.length ? [[], options.free] : [[]])
          test(`${title}, opset ${opset}${free.length ? ", free batch" : ""}`, async () => {
            const bytes = oneNode(opType, { ...options, opset, inputs, attributes, free });
            if (options.refuses) return expect(errors(bytes, inputs, options)).rejects.toThrow(options.refuses);
            for (const { name, error } of await errors(bytes, inputs, options))
              expect(error, name).toBeLessThan(options.most ?? (options.linear ? 1e-4 : 1e-2));
          });
    }
  });
}

/** The error of each input along the worst direction, and in its name what a failure prints. */
export async function errors(
  bytes: Uint8Array,
  inputs: Sources,
  options: Options,
): Promise<{ name: string; error: number }[]> {
  const { linear, step, wrt, values, only } = options;
  const outputs = only === undefined ? (options.outputs ?? 1) : 1;
  const feeds = randomFeeds(inputs, values);
  // Along one direction a wrong gradient may look right within 1e-2 by chance; within 1e-4 that is next to impossible.
  const directions = linear ? 1 : 2;
  const checks = [];
  for (let i = 0; i < outputs * directions; i++) {
    const output = i % outputs ? `y${i % outputs}` : "y";
    const found = await checkVjp(ort, bytes, { feeds, wrt, output, linear, step, session, seed: i });
    checks.push(...found.map(({ input, error, text }) => ({ name: `d ${output} / d ${input}: ${text}`, error })));
  }
  return checks;
}

/** Values that keep at least 1/8 from every multiple of 1/4, where the kinks are put: a step does not cross them. */
export const offKinks: Values = (normal) => normal.map((v) => Math.floor(v * 4) / 4 + 1 / 8);

/** Values at least 1/8 apart from each other, in random order: a step does not change which is the largest. */
export const apart: Values = (normal) => {
  const order = [...normal.keys()].sort((i, j) => normal[i] - normal[j]);
  const ranks = new Float32Array(normal.length);
  for (const [rank, i] of order.entries()) ranks[i] = (rank - normal.length / 2) / 8;
  return ranks;
};

export const positives: Values = (normal) => normal.map((v) => Math.abs(v) + 0.5);
