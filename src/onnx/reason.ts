/**
 * @file What ONNX Runtime says of a failure, in words for people: without the places in its own source, status codes and C++ that its
 * messages hold, which tell a user nothing and look like a crash.
 */

/** A file of the runtime's source, and a line. */
const place = /(?:[A-Za-z]:)?[\w./\\+-]*\w\.(?:cc|cpp|cxx|cu|cuh|h|hpp|mm)(?::\d+|\(\d+\))?:?(?=\s|$)/;

/** Plain words for what the runtime says, in the order in which they are tried. */
const words: readonly (readonly [RegExp, string])[] = [
  [/Can't create a session\.?|Can't run a session\.?|failed to call \w+\(\)\.?/g, ""],
  [/ERROR_CODE: \d+, ERROR_MESSAGE: ?/g, ""],
  [/\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : /g, ""],
  [/\[(?:Shape|Type)InferenceError\] ?(?:\([^)]*\) ?)?/g, ""],
  [/\[E:onnxruntime:[^\]]*\] ?/g, ""],
  [/Exception (?:during initialization|during loading|caught): ?/g, ""],
  [/Load model from .*? failed: ?/g, ""],
  [/(?:This is an )?[Ii]nvalid model\. ?/g, ""],
  [/(?:Fatal |Type )?[Ee]rror: ?/g, ""],
  [/In Node, \("(.*?)", (\w+), "(.*?)", -?\d+\) : .*? -> .*? , Error (?:Node with schema\(.*?\) )?/g, '$2 node "$1": '],
  [
    /Non-zero status code returned while running (\w+) node\. Name: ?'(.*?)(?:_nchwc)?' Status Message: ?/g,
    '$1 node "$2": ',
  ],
  [/Node ?\((.*?)\) Op ?\((\w+)\) ?/g, '$2 node "$1": '],
  [/of operator \((\w+)\) in node \((.*?)\)/g, 'of $1 node "$2"'],
  [/ in node \((.*?)\)\.?/g, ' in node "$1"'],
  [/ in node ""/g, ""],
  [/ node ""/g, " node"],
  [/different types \(([^()]*)$/, "different types, $1"],
  [/^.*\bnode(?: "[^"]*")?: (?=\w+ node(?: "[^"]*")?: )/, ""], // what is inside of a loop is what failed
  [/ Please fix either the inputs\/outputs or the model\.?/g, ""],
  [/tensor\((\w+)\)/g, "$1"],
  [
    /^ONNX Runtime only \*guarantees\*.* Opset (\d+) is.*for domain ([\w.]+) is till opset (\d+).*/,
    "it is written in operator set $1 of $2; this ONNX Runtime knows up to $3",
  ],
  [
    /^Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
    "its IR version is $1; this ONNX Runtime knows up to $2",
  ],
  [/No Op registered for (\w+) with domain_version of (\d+)/, "operator set $2 has no operator $1"],
  [
    /^([\w.]+):(\w+)\(-?\d+\) is not a registered function\/op/,
    "$1.$2 is an operator that this ONNX Runtime does not have",
  ],
  [/Could not find an implementation for (\w+)\(\d+\)/, "this ONNX Runtime does not run $1 in these types:"],
  [/^the graph is not acyclic\.?/, "its nodes read each other in a circle"],
  [
    /^External data path .*does not exist: "(?:[^"]*[\\/])?([^"\\/]+)"/,
    'its weights are in the file "$1", which is not beside it',
  ],
  [/^Failed to load external data file "+([^"]+)"+.*/, 'its weights are in the file "$1", which is not beside it'],
  [/^External initializer: (\S+) offset.*/, 'the file of its weights is too short to hold "$1"'],
  [/^\w*ExecutionProvider_(\w+): Failed to load shared library/, "the libraries of $1 are not installed"],
  [/^no available backend found\. ERR: (?:\[\w+\] )?backend not found\.?/, "this ONNX Runtime does not have it"],
  [/^Failed to load model because protobuf parsing failed\.?/, "it is no ONNX file, or a damaged one"],
  [/onnxruntime::/g, ""],
];

/** ONNX Runtime's words on one line. */
export function reason(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  let text = withoutSource(said.replace(/\s+/g, " ").trim());
  for (const [pattern, plain] of words) text = text.replace(pattern, plain).trim();
  return (
    text
      .replace(/\s+([.,:;])/g, "$1")
      .replace(/[\s.;:,]+$/, "")
      .slice(0, 300) || "it gives no reason"
  );
}

/** Cuts out each place in the source, with the function that stands there and the condition that did not hold. */
function withoutSource(text: string): string {
  let rest = text.replaceAll("(anonymous namespace)", "anonymous");
  for (let found = place.exec(rest); found; found = place.exec(rest)) {
    const before = rest.slice(0, found.index);
    const after = withoutFunction(rest.slice(found.index + found[0].length).trimStart());
    rest = `${before}${after}`;
  }
  return rest;
}

/** What follows a function's signature, or its bare name; and the condition, where words follow it. */
function withoutFunction(text: string): string {
  const open = text.indexOf("(");
  const qualified = /^[\w\s:<>,*&~]*::[\w~<>:]*$/.test(text.slice(0, Math.max(open, 0)));
  const rest = qualified
    ? text
        .slice(closing(text, open) + 1)
        .replace(/^(?:::<lambda\([^)]*\)>|::operator\(\)\([^)]*\)| const|\s*\[with [^\]]*\])+/, "")
    : text.replace(/^(?!Failed|Unsupported|Invalid)[A-Z]\w*[a-z][A-Z]\w*(?:<\w+>)? |^(?:Compute|operator\(\)) /, "");
  const trimmed = rest.trimStart();
  // A place further on has a condition of its own.
  const next = place.exec(trimmed)?.index ?? trimmed.length;
  return trimmed.slice(0, next).replace(/^.*? was false\. ?(?=.)/, "") + trimmed.slice(next);
}

/** Where a parenthesis is closed. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === "(") depth++;
    else if (text[i] === ")" && --depth === 0) return i;
  }
  return text.length - 1;
}
