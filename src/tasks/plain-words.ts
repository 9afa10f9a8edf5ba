/** @file What went wrong for somebody at a page, who knows no runtime: the library's words, and apart from them what ONNX Runtime said. */

export interface PlainWords {
  readonly words: string;
  /** The runtime's own line, for a report or a log. */
  readonly technical?: string;
}

/** "invalid model: ONNX Runtime refuses it: Node (x) Op (y) ..." in two parts. */
export function plainWords(message: string): PlainWords {
  const [, before, did, technical] = /^(.*?)\bONNX Runtime ([^:]*):\s*(.+)$/s.exec(message) ?? [];
  if (technical === undefined) return { words: message };
  return { words: `${before}the program that runs the network ${did}`, technical };
}
