/** @file The owner of sessions, with made-up sessions: never closed in use, never more than the bound, never a caller that waits for ever. */
import { expect, test } from "vitest";
import { randomFor } from "../../src/array/random.ts";
import { type Lender, Sessions } from "../../src/explain/sessions.ts";

/** Sessions that say what happens to them, and fail where they are used after they were closed. */
function world() {
  const all = { open: 0, most: 0, opened: 0, closed: 0 };
  const recipe = (name: unknown, bytes = 1) => ({
    key: [name],
    bytes,
    open: async () => {
      all.open++;
      all.opened++;
      all.most = Math.max(all.most, all.open);
      await Promise.resolve();
      let alive = true;
      return {
        name,
        session: {
          async release() {
            if (!alive) throw new Error("closed twice");
            alive = false;
            await Promise.resolve();
            all.open--;
            all.closed++;
          },
        },
        answer() {
          if (!alive) throw new Error("used after it was closed");
          return name;
        },
      };
    },
  });
  return { all, recipe };
}

const released = expect.objectContaining({ name: "UserError", code: "released" });
const pause = () => new Promise((resolve) => setTimeout(resolve, 0));

test("one key is opened once, whoever asks at the same time", async () => {
  const { all, recipe } = world();
  const sessions = new Sessions();
  const answers = await Promise.all([1, 2, 3].map(() => sessions.use(recipe("a"), async (one) => one.answer())));
  expect(answers).toEqual(["a", "a", "a"]);
  expect(all.opened).toBe(1);
});

test("functions of the same text are two keys, and so are objects of the same content", async () => {
  const { all, recipe } = world();
  const sessions = new Sessions();
  const maps = [2, 3].map((factor) => (x: number) => x * factor);
  expect(String(maps[0])).toBe(String(maps[1]));
  for (const key of [...maps, ...maps, {}, {}, "1", 1]) await sessions.use(recipe(key), async () => undefined);
  expect(all.opened).toBe(6);
});

test("the longest unused is closed, by count and by bytes, but not for its bytes below two", async () => {
  const { all, recipe } = world();
  const sessions = new Sessions({ count: 3, bytes: 100 });
  const open = async (name: string, bytes: number) => sessions.use(recipe(name, bytes), async () => undefined);
  for (const name of ["a", "b", "c"]) await open(name, 10);
  await open("a", 10);
  await open("d", 10);
  expect(["a", "b", "c", "d"].map((name) => sessions.has([name]))).toEqual([true, false, true, true]);
  await open("large", 90);
  expect(all.open).toBe(2);
  await open("larger", 500);
  expect([sessions.has(["large"]), sessions.has(["larger"]), all.open]).toEqual([true, true, 2]);
});

test("20 callers of different sessions, each of which needs another one, end under a bound of one", async () => {
  const { all, recipe } = world();
  const sessions = new Sessions({ count: 1 });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      sessions.use(recipe(`outer ${i}`), async (outer, holder) => {
        await pause();
        const inner = await holder.use(recipe(`inner ${i % 3}`), async (one) => {
          await pause();
          return one.answer();
        });
        return `${outer.answer()} ${inner}`;
      }),
    ),
  );
  expect(answers).toEqual(Array.from({ length: 20 }, (_, i) => `outer ${i} inner ${i % 3}`));
  expect(all.open).toBe(1);
  // One holder at a time takes one more.
  expect(all.most).toBe(2);
});

test("what cannot be opened fails for all who asked, and is tried again", async () => {
  const sessions = new Sessions();
  let tries = 0;
  const recipe = {
    key: ["x"],
    bytes: 1,
    open: async () => {
      tries++;
      await pause();
      if (tries === 1) throw new Error("not yet");
      return { session: { release: async () => undefined } };
    },
  };
  const first = await Promise.allSettled([1, 2].map(() => sessions.use(recipe, async () => "fine")));
  expect(first.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await sessions.use(recipe, async () => "fine")).toBe("fine");
  expect(tries).toBe(2);
});

test("a replaced session is closed when it comes back, before any other", async () => {
  const { all, recipe } = world();
  const sessions = new Sessions();
  await sessions.use(recipe("old"), async (one) => {
    await sessions.retire(["old"]);
    await pause();
    expect(one.answer()).toBe("old");
  });
  expect([sessions.has(["old"]), all.open]).toEqual([false, 0]);
});

test("release waits for who is at work, refuses everybody else, and may come twice", async () => {
  const { all, recipe } = world();
  const sessions = new Sessions({ count: 1 });
  let finish = () => {};
  const work = sessions.use(recipe("a"), async (one, holder) => {
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    await expect(holder.use(recipe("b"), async () => undefined)).rejects.toEqual(released);
    return one.answer();
  });
  await pause();
  const waiting = sessions.use(recipe("c"), async () => undefined);
  const closing = sessions.release();
  expect(sessions.release()).toBe(closing);
  await expect(waiting).rejects.toEqual(released);
  await expect(sessions.use(recipe("a"), async () => undefined)).rejects.toEqual(released);
  expect(all.closed).toBe(0);
  finish();
  expect(await work).toBe("a");
  await closing;
  expect(all).toMatchObject({ open: 0, opened: 1, closed: 1 });
  await sessions[Symbol.asyncDispose]();
});

test.each([1, 2, 4])("1,000 interleavings of open, ask and release under a bound of %i", async (count) => {
  for (let seed = 0; seed < 1000; seed++) {
    const random = randomFor("sessions", count, seed);
    const { all, recipe } = world();
    const sessions = new Sessions({ count });
    /** Some steps of somebody else. */
    const between = async () => {
      for (let i = random.below(4); i > 0; i--) await Promise.resolve();
    };
    const ask = async (lender: Lender, depth: number): Promise<void> => {
      const name = random.below(5);
      await between();
      await lender.use(recipe(name), async (one, holder) => {
        await between();
        if (depth < 2 && random.below(3) === 0) await ask(holder, depth + 1);
        await between();
        if (one.answer() !== name) throw new Error("another session's answer");
      });
    };
    const callers = Array.from({ length: 6 }, () => ask(sessions, 0));
    const end = random.below(3) === 0 ? between().then(() => sessions.release()) : undefined;
    const results = await Promise.allSettled(callers);
    for (const result of results) if (result.status === "rejected") expect(result.reason).toEqual(released);
    if (!end) expect(results.every(({ status }) => status === "fulfilled")).toBe(true);
    expect(all.open).toBeLessThanOrEqual(count);
    await (end ?? sessions.release());
    expect(all.open).toBe(0);
    expect(all.closed).toBe(all.opened);
  }
});
