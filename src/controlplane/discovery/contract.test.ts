import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { atEnd } from "../../../test/support/cleanup.ts";
import { a, srv, startDnsServer, zone } from "../../../test/support/dns-server.ts";
import { extensionProblem } from "../../config/modules.ts";
import { normaliseConfig } from "../../config/normalise.ts";
import { algorithms } from "../../core/balancing/registry.ts";
import type { DiscoveredServer, DiscoveryDeps } from "../../core/discovery/discovery.ts";
import { discoveries } from "./registry.ts";
import { checkServer } from "./server-list.ts";

/** Settings of each source with which it finds exactly this server, as they stand in the configuration. */
const EXPECTED = "127.0.0.1:9001";
const settings: Readonly<Record<string, () => Promise<Record<string, unknown>>>> = {
  static: async () => ({ servers: [EXPECTED] }),
  file: async () => {
    const folder = mkdtempSync(join(tmpdir(), "evenkeel-contract-"));
    atEnd(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "servers.yaml"), `- ${EXPECTED}\n`);
    return { path: join(folder, "servers.yaml") };
  },
  dns: async () => {
    const server = await startDnsServer(zone([a("web.test", "127.0.0.1")]));
    return { name: "web.test", port: 9001, resolvers: [server.address] };
  },
  dns_srv: async () => {
    const server = await startDnsServer(zone([srv("_s._tcp.test", "web.test", 9001), a("web.test", "127.0.0.1")]));
    return { name: "_s._tcp.test", resolvers: server.address };
  },
};

const deps: DiscoveryDeps = {
  clock: { now: () => performance.now(), wall: () => Date.now() },
  random: Math.random,
  baseDir: tmpdir(),
  log: () => undefined,
};

describe.each(discoveries.map((definition) => [definition.name, definition] as const))("%s", (name, definition) => {
  /** The settings as the configuration gives them to the source. */
  async function normalised(): Promise<unknown> {
    const given = await settings[name]!();
    const input = { pools: { p: { discovery: { type: name, ...given } } } };
    const { config, problems } = normaliseConfig(input, { extensions: { algorithms, filters: [], discoveries } });
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    return config?.pools.p.discovery?.settings;
  }

  function watching(given: unknown) {
    const lists: (readonly DiscoveredServer[])[] = [];
    const failed = vi.fn<(reason: string) => void>();
    const watch = definition.watch(given, { servers: (list) => void lists.push(list), failed }, deps);
    atEnd(() => watch.close());
    return { watch, lists, failed };
  }

  it("is an extension like those of modules", () => {
    expect(extensionProblem(definition)).toBeUndefined();
    expect(definition.summary).toMatch(/\.$/);
  });

  it("tells a list of servers that can be used, and not before `watch` has returned", async () => {
    const { lists, failed } = watching(await normalised());
    expect(lists).toEqual([]);
    await vi.waitFor(() => expect(lists).toHaveLength(1), 4000);
    expect(failed).not.toHaveBeenCalled();
    expect(lists[0]!.map(({ address }) => address)).toEqual([EXPECTED]);
    expect(checkServer(lists[0]![0]!)).toMatchObject({ address: EXPECTED, weight: 1, priority: 0, backup: false });
  });

  it("tells it again when it is asked to", async () => {
    const { watch, lists } = watching(await normalised());
    await vi.waitFor(() => expect(lists).toHaveLength(1), 4000);
    watch.refresh();
    await vi.waitFor(() => expect(lists).toHaveLength(2), 4000);
    expect(lists[1]).toEqual(lists[0]);
  });

  it("says nothing once it is closed, however often that is done", async () => {
    const closed = watching(await normalised());
    closed.watch.close();
    closed.watch.close();
    closed.watch.refresh();
    const other = watching(await normalised());
    await vi.waitFor(() => expect(other.lists).toHaveLength(1), 4000);
    expect(closed.lists).toEqual([]);
    expect(closed.failed).not.toHaveBeenCalled();
  });
});
