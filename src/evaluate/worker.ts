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
// Ctrl-C reaches the whole group: the parent decides.
process.on("SIGINT", () => {});

async function obey(order: Order): Promise<void> {
  if ("open" in order) {
    examiner = await Examiner.open(order.open);
    reply({ ready: true });
    return;
  }
  const { id } = order.examine;
  try {
    reply({ id, examined: await (examiner as Examiner).examine(order.examine) });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    reply({ id, error: error.message });
  }
}

const ending = (error: unknown): Reply =>
  error instanceof UserError
    ? { refused: { code: error.code, message: error.message } }
    : { bug: error instanceof Error ? (error.stack ?? error.message) : String(error) };

function reply(message: Reply): void {
  process.send?.(message);
}
