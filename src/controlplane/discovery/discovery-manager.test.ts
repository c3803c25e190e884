import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Type } from "typebox";
import { normaliseConfig } from "../../config/normalise.ts";
import { algorithms } from "../../core/balancing/registry.ts";
import type { DiscoveryListener } from "../../core/discovery/discovery.ts";
import { defineDiscovery } from "../../core/extension.ts";
import type { UsableConfig } from "../found-servers.ts";
import { DiscoveryManager } from "./discovery-manager.ts";
import { FIRST_ANSWER_WAIT, LONGEST_DELAY, MAX_SERVERS, QUIET_TIME, RETRY_DELAY } from "./limits.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What a test source was started with, and its way to say something. */
interface Running {
  readonly name: string;
  readonly listener: DiscoveryListener;
  closed: boolean;
}

function started(publish: () => Promise<boolean> = async () => true) {
  const running: Running[] = [];
  const lines: string[] = [];
  const source = defineDiscovery<{ name: string }>({
    name: "scripted",
    summary: "Test source.",
    schema: Type.Object({ name: Type.String(), allowMetadata: Type.Optional(Type.Boolean()) }),
    watch({ name }, listener) {
      if (name === "throws") throw new Error("such a name cannot be");
      const entry: Running = { name, listener, closed: false };
      running.push(entry);
      return { close: () => void (entry.closed = true), refresh: () => undefined };
    },
  });
  const extensions = { algorithms, filters: [], discoveries: [source] };
  const published = vi.fn(publish);
  const manager = new DiscoveryManager({
    clock: { now: () => Date.now(), wall: () => 12_345 },
    random: () => 0,
    log: (level, message) => void lines.push(`${level} ${message}`),
    publish: published,
  });
  const loaded = (pools: Record<string, object>): UsableConfig => {
    const { config, problems } = normaliseConfig({ pools }, { extensions });
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    return { config: config!, problems, modules: [], extensions, baseDir: "/etc" };
  };
  /** Brings a configuration into use as the reconciler does, without waiting for answers. */
  const use = async (pools: Record<string, object>) => {
    const config = loaded(pools);
    const prepared = manager.prepare(config);
    await vi.advanceTimersByTimeAsync(FIRST_ANSWER_WAIT);
    await prepared;
    manager.settle(config);
    return config;
  };
  const addresses = (config: UsableConfig, pool = "p") =>
    manager.complete(config).pools[pool]!.servers.map(({ address }) => address);
  return { manager, running, lines, published, loaded, use, addresses };
}

const scripted = (name: string) => ({ discovery: { type: "scripted", name } });
const list = (...addresses: string[]) => addresses.map((address) => ({ address }));

describe("the servers of a pool", () => {
  it("are its own, and behind them those that were found and are others", async () => {
    const { use, running, addresses, manager } = started();
    const config = await use({
      p: { ...scripted("x"), servers: ["a:1", { address: "b:1", id: "c:1" }] },
      q: { servers: ["a:1"] },
    });
    expect(addresses(config)).toEqual(["a:1", "b:1"]);
    running[0]!.listener.servers(list("A:1", "c:1", "d:1", "d:1", "e:1"));
    expect(addresses(config)).toEqual(["a:1", "b:1", "d:1", "e:1"]);
    expect(manager.complete(config).pools["q"]).toBe(config.config.pools["q"]);
    expect(manager.status("p")).toEqual({ type: "scripted", servers: 4, lastSuccess: 12_345, lastError: null });
    expect(manager.status("q")).toBeUndefined();
  });

  it("stay while the source fails, which is said once", async () => {
    const { use, running, addresses, lines, manager } = started();
    const config = await use({ p: scripted("x") });
    const { listener } = running[0]!;
    listener.servers(list("a:1"));
    for (let i = 0; i < 3; i++) listener.failed("nobody\nanswers");
    expect(addresses(config)).toEqual(["a:1"]);
    expect(manager.status("p")?.lastError).toEqual({ at: 12_345, reason: "nobody answers" });
    listener.servers(list("a:1"));
    listener.servers(list("a:1"));
    expect(lines).toEqual([
      "warn pool p, discovery scripted: nobody answers (its 1 known server stays)",
      "info pool p, discovery scripted: works again, 1 server",
    ]);
  });

  it("are only those that the configuration would take as well", async () => {
    const { use, running, addresses, lines } = started();
    const config = await use({ p: scripted("x") });
    const bad = [
      { address: "a" },
      { address: "a:0" },
      { address: "169.254.169.254:80" },
      { address: "[::ffff:169.254.169.254]:80" },
      { address: "b:1", weight: 70_000 },
      { address: "c:1", zone: "no zone" },
      null,
      "d:1",
    ];
    running[0]!.listener.servers([...bad, { address: "good:1" }] as never);
    expect(addresses(config)).toEqual(["good:1"]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /without a \(address: .*\), a:0 \(.*\), 169\.254\.169\.254:80 \(a cloud metadata .* and 5 more/,
    );
    running[0]!.listener.servers([...bad, { address: "good:1" }] as never);
    expect(lines).toHaveLength(1);
  });

  it("may be at metadata services when that was allowed", async () => {
    const { use, running, addresses } = started();
    const config = await use({ p: { discovery: { type: "scripted", name: "x", allowMetadata: true } } });
    running[0]!.listener.servers(list("169.254.169.254:80"));
    expect(addresses(config)).toEqual(["169.254.169.254:80"]);
  });

  it("are limited in number", async () => {
    const { use, running, addresses, lines } = started();
    const config = await use({ p: scripted("x") });
    running[0]!.listener.servers(list(...Array.from({ length: MAX_SERVERS + 5 }, (_, i) => `s${i}:1`)));
    expect(addresses(config)).toHaveLength(MAX_SERVERS);
    expect(lines[0]).toContain(`more than ${MAX_SERVERS} servers`);
  });
});

describe("a source", () => {
  it("is waited for, but not for long", async () => {
    const { manager, loaded, running } = started();
    let done = false;
    const first = async () => {
      await manager.prepare(loaded({ p: scripted("x"), q: scripted("y") }));
      done = true;
    };
    void first();
    running[0]!.listener.servers(list("a:1"));
    await vi.advanceTimersByTimeAsync(FIRST_ANSWER_WAIT - 1);
    expect(done).toBe(false);
    running[1]!.listener.failed("no");
    await vi.advanceTimersByTimeAsync(0);
    expect(done).toBe(true);
    const second = manager.prepare(loaded({ p: scripted("z") }));
    await vi.advanceTimersByTimeAsync(FIRST_ANSWER_WAIT);
    await second;
  });

  it("goes on over a reload that does not change it, and ends when it is no longer wanted", async () => {
    const { use, running, addresses } = started();
    await use({ p: scripted("x"), q: scripted("y") });
    running[0]!.listener.servers(list("a:1"));
    const config = await use({ p: { ...scripted("x"), drainTimeout: "1s" } });
    expect(running.map(({ name, closed }) => `${name} ${closed}`)).toEqual(["x false", "y true"]);
    expect(addresses(config)).toEqual(["a:1"]);
  });

  it("that takes the place of another begins with its servers", async () => {
    const { use, running, addresses } = started();
    await use({ p: scripted("x") });
    running[0]!.listener.servers(list("a:1"));
    const config = await use({ p: scripted("y") });
    expect(addresses(config)).toEqual(["a:1"]);
    running[0]!.listener.servers(list("late:1"));
    expect(addresses(config)).toEqual(["a:1"]);
    running[1]!.listener.servers(list("b:1"));
    expect(addresses(config)).toEqual(["b:1"]);
  });

  it("of a configuration that was not used in the end is closed, and the one before goes on", async () => {
    const { use, running, addresses, manager, loaded } = started();
    const old = await use({ p: scripted("x") });
    running[0]!.listener.servers(list("a:1"));
    const prepared = manager.prepare(loaded({ p: scripted("y") }));
    await vi.advanceTimersByTimeAsync(FIRST_ANSWER_WAIT);
    await prepared;
    manager.settle(old);
    expect(running.map(({ closed }) => closed)).toEqual([false, true]);
    expect(addresses(old)).toEqual(["a:1"]);
  });

  it("that does not take its settings keeps the configuration from being used, and nothing of it goes on", async () => {
    const { manager, loaded, running } = started();
    const prepared = manager.prepare(loaded({ p: scripted("x"), q: scripted("throws") }));
    await expect(prepared).rejects.toThrow("pools.q.discovery: such a name cannot be");
    expect(running[0]!.closed).toBe(true);
  });

  it("says nothing any more once all is closed", async () => {
    const { use, running, manager, published } = started();
    await use({ p: scripted("x") });
    running[0]!.listener.servers(list("a:1"));
    manager.close();
    running[0]!.listener.servers(list("b:1"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(published).not.toHaveBeenCalled();
  });
});

describe("changes", () => {
  it("that come in a row are published once", async () => {
    const { use, running, published } = started();
    await use({ p: scripted("x"), q: scripted("y") });
    running[0]!.listener.servers(list("a:1"));
    await vi.advanceTimersByTimeAsync(QUIET_TIME - 1);
    running[1]!.listener.servers(list("b:1"));
    await vi.advanceTimersByTimeAsync(QUIET_TIME - 1);
    expect(published).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(published).toHaveBeenCalledTimes(1);
  });

  it("that never end are published every second", async () => {
    const { use, running, published } = started();
    await use({ p: scripted("x") });
    for (let elapsed = 0; elapsed < 10 * LONGEST_DELAY; elapsed += 50) {
      running[0]!.listener.servers(list(`a:${elapsed + 1}`));
      await vi.advanceTimersByTimeAsync(50);
    }
    expect(published.mock.calls.length).toBeGreaterThanOrEqual(9);
    expect(published.mock.calls.length).toBeLessThanOrEqual(11);
  });

  it("are none when the list is the same", async () => {
    const { use, running, published } = started();
    await use({ p: scripted("x") });
    running[0]!.listener.servers(list("a:1"));
    await vi.advanceTimersByTimeAsync(QUIET_TIME);
    running[0]!.listener.servers([{ address: "a:1", weight: 1 } as never]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(published).toHaveBeenCalledTimes(1);
  });

  it("that could not be brought into use are tried again", async () => {
    const results = [false, false, true];
    const { use, running, published } = started(async () => results.shift()!);
    await use({ p: scripted("x") });
    running[0]!.listener.servers(list("a:1"));
    await vi.advanceTimersByTimeAsync(QUIET_TIME + 10 * RETRY_DELAY);
    expect(published).toHaveBeenCalledTimes(3);
  });
});
