/** @file A server from its options to its end. */
import type { AddressInfo } from "node:net";
import { setFlagsFromString } from "node:v8";
import { UserError } from "../errors.ts";
import { checkExposure } from "./access.ts";
import { createApp } from "./app.ts";
import { type ServeOptions, usual } from "./options.ts";
import { Pool } from "./pool.ts";

/**
 * How far heaps may grow before V8 marks them, in percent. Their objects are few, but uploads, pictures and tensors count too: by itself V8
 * marks each thread's heap every ten requests, which takes a sixth of the processor's time.
 */
const growth = 400;

export interface Running {
  readonly url: string;
  /**
   * Takes no more, answers what it has, and ends.
   * @param grace seconds after which what still runs is given up.
   */
  close(grace?: number): Promise<void>;
}

/**
 * Opens the models and listens.
 * @param log where its log goes, a JSON object a line; standard output by default.
 * @throws UserError for models, tokens and addresses that cannot be.
 */
export async function serve(options: ServeOptions, log?: { write(line: string): void }): Promise<Running> {
  const { host, port, tokens, models, loading, workers, batch, timeout } = options;
  const { maxBytes, maxPixels, maxSide = usual.maxSide, canvas = usual.canvas } = options;
  const { maxRender = usual.maxRender } = options;
  checkExposure(host, tokens);
  setFlagsFromString(`--heap-growing-percent=${growth}`);
  let app: Awaited<ReturnType<typeof createApp>> | undefined;
  const pool = await Pool.open({
    models,
    loading: { ...loading, maxBytes, maxPixels, maxSide, canvas },
    ...{ workers, batch, timeout, maxRender },
    onRun: (jobs) => app?.metrics.batch.observe({ model: jobs[0].model }, jobs.length),
    onLoss: (reason) => {
      app?.metrics.losses.inc();
      app?.http.log.error({ err: reason });
    },
  });
  app = await createApp(pool, options, log);
  const { http, stop, abort } = app;
  try {
    await http.listen({ host, port });
  } catch (cause) {
    await pool.close();
    const { code } = cause as NodeJS.ErrnoException;
    throw new UserError("invalid-option", `invalid --host or --port: ${host}:${port}: ${code ?? cause}`, { cause });
  }
  const { address, family, port: bound } = http.server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${bound}`,
    async close(grace = 20) {
      stop();
      const giveUp = setTimeout(abort, grace * 1000);
      await http.close();
      clearTimeout(giveUp);
      await pool.close();
    },
  };
}
