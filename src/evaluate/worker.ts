/** @file A worker process: opens the model, then examines pictures as they come, in the order in which they came. */
import { UserError } from "../errors.ts";
import type { Order, Reply } from "./pool.ts";
import { Examiner } from "./work.ts";

let examiner: Examiner | undefined;
let turn = Promise.resolve();

process.on("message", (order: Order) => {
  turn = turn.then(() => obey(order)).catch((error: unknown) => reply(ending(error)));
});
// The parent has ended, or does not want us any more.
process.on("disconnect", () => process.exit());
// Ctrl-C and a service's stop reach the whole group: the parent decides.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});

async function obey(order: Order): Promise<void> {
  if ("open" in order) {
    examiner = await Examiner.open(order.open);
    reply({ ready: true });
    return;
  }
  const { id } = order.examine;
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  try {
    const examined = await (examiner as Examiner).examine(order.examine);
    reply({ answer: { id, examined, seconds: seconds() } });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    reply({ answer: { id, error: error.message, seconds: seconds() } });
  }
}

const ending = (error: unknown): Reply =>
  error instanceof UserError
    ? { refused: { code: error.code, message: error.message } }
    : { bug: error instanceof Error ? (error.stack ?? error.message) : String(error) };

function reply(message: Reply): void {
  process.send?.(message);
}
