import { Type } from "typebox";
import { normaliseConfig } from "../../config/normalise.ts";
import { createSnapshot, type Snapshot } from "../../config/snapshot.ts";
import { algorithms } from "../../core/balancing/registry.ts";
import type { ProbeContext, ProbeDefinition, ProbeResult, ProbeTarget } from "../../core/health/probe.ts";

/** For how long, in ms, this thread has stood still in virtual time. */
export const stall = { ms: 0 };

/** The virtual time of vitest's fake timers. */
export const clock = { now: () => performance.now() + stall.ms, wall: () => Date.now() + stall.ms };

/** What is faked for it. */
export const virtualTime = {
  toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"],
} as const;

export const good: ProbeResult = { outcome: "healthy" };
export const failed: ProbeResult = { outcome: "unhealthy", reason: "status 500" };

/** A health check `script` that a test answers for, and what it was asked. */
export class ScriptedProbe {
  /** Server id → what its checks answer; a server without an entry is well. */
  readonly answers = new Map<string, ProbeResult | ((context: ProbeContext) => Promise<ProbeResult>)>();
  readonly calls: { readonly at: number; readonly target: ProbeTarget }[] = [];
  running = 0;
  mostRunning = 0;
  /** How long each check takes, in ms. */
  latency = 0;

  readonly definition: ProbeDefinition = {
    kind: "probe",
    name: "script",
    summary: "for tests",
    schema: Type.Object({}),
    run: async (target, _settings, context) => {
      this.calls.push({ at: clock.now(), target });
      this.mostRunning = Math.max(this.mostRunning, ++this.running);
      try {
        const answer = this.answers.get(target.server) ?? good;
        if (this.latency > 0) await new Promise((resolve) => setTimeout(resolve, this.latency));
        return typeof answer === "function" ? await answer(context) : answer;
      } finally {
        this.running--;
      }
    },
  };

  /** Times at which a server was asked. */
  times(server: string): number[] {
    return this.calls.filter(({ target }) => target.server === server).map(({ at }) => at);
  }
}

/** A snapshot of these pools; slots are counted through in the order of the pools, or given. */
export function snapshotOf(
  pools: Readonly<Record<string, unknown>>,
  probes: readonly ProbeDefinition[],
  slots?: Readonly<Record<string, readonly number[]>>,
): Snapshot {
  const { config, problems } = normaliseConfig({ pools }, { extensions: { algorithms, filters: [], probes } });
  if (config === undefined) throw new Error(problems.map(({ message }) => message).join("\n"));
  let next = 0;
  const counted = Object.entries(config.pools).map(([name, { servers }]) => [name, servers.map(() => next++)] as const);
  return createSnapshot(1, config, slots ?? Object.fromEntries(counted), []);
}
