import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { DnsWatch, type Found } from "./dns-watch.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const A = { address: "192.0.2.1:80" };
const found = (ttl: number, ...servers: { address: string }[]): Found => ({ servers, ttl, exists: true });

function watching(answers: (Found | Error | "never")[]) {
  const start = Date.now();
  const asked: number[] = [];
  const said: string[] = [];
  const signals: AbortSignal[] = [];
  const lookup = (signal: AbortSignal) => {
    asked.push(Date.now() - start);
    signals.push(signal);
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
    if (answer === "never") return new Promise<Found>(() => undefined);
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const watch = new DnsWatch(
    "web.test",
    lookup,
    { minRefresh: 1000, maxRefresh: 60_000, emptyAfter: 30_000 },
    {
      servers: (list, missing) => {
        said.push(list.map(({ address }) => address).join() || "none");
        if (missing !== undefined) said.push(`missing: ${missing}`);
      },
      failed: (reason) => void said.push(`failed: ${reason}`),
    },
    { clock: { now: () => Date.now(), wall: () => 0 }, random: () => 0 },
  );
  return { watch, asked, said, signals };
}

it("asks again when the time to live is over, within its limits", async () => {
  const { asked, said } = watching([found(5, A), found(0, A), found(3600, A)]);
  await vi.advanceTimersByTimeAsync(130_000);
  expect(asked).toEqual([0, 5000, 6000, 66_000, 126_000]);
  expect(said).toEqual(["192.0.2.1:80", "192.0.2.1:80", "192.0.2.1:80", "192.0.2.1:80", "192.0.2.1:80"]);
});

it("asks less and less often while nobody answers", async () => {
  const { asked, said } = watching([new Error("SERVFAIL")]);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(asked).toEqual([0, 1000, 3000, 7000, 15_000]);
  expect(new Set(said)).toEqual(new Set(["failed: SERVFAIL"]));
});

it("believes that there are none when that has lasted", async () => {
  const { said } = watching([found(1, A), { servers: [], ttl: 0, exists: false }]);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(new Set(said)).toEqual(
    new Set(["192.0.2.1:80", "failed: web.test does not exist; that is believed when it has lasted 30 s"]),
  );
  await vi.advanceTimersByTimeAsync(1_000);
  expect(said.at(-1)).toBe("none");
});

it("asks at once on request, but not twice at a time", async () => {
  const { watch, asked } = watching([found(60, A), "never"]);
  await vi.advanceTimersByTimeAsync(100);
  watch.refresh();
  watch.refresh();
  await vi.advanceTimersByTimeAsync(100_000);
  expect(asked).toEqual([0, 100]);
});

it("says nothing more when it is closed, and cancels what it asks", async () => {
  const { watch, said, signals } = watching(["never"]);
  watch.close();
  expect(signals[0]!.aborted).toBe(true);
  watch.refresh();
  await vi.advanceTimersByTimeAsync(100_000);
  expect(signals).toHaveLength(1);
  expect(said).toEqual([]);
});

it("passes on what it has when some of it is missing, and says so", async () => {
  const { said } = watching([{ ...found(60, A), incomplete: "b.test has no addresses" }]);
  await vi.advanceTimersByTimeAsync(1);
  expect(said).toEqual(["192.0.2.1:80", "missing: b.test has no addresses"]);
});
