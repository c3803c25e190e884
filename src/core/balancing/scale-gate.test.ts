import { describe, expect, it } from "vitest";
import type { Server } from "./balancer.ts";
import { makeServers } from "./pool.fixture.ts";
import { ScaleGate } from "./scale-gate.ts";

const withScales = (...scales: number[]): Server[] =>
  makeServers(scales.map(() => 1)).map((server, slot) => ({ ...server, scale: scales[slot] as number }));

/** Takes the server whenever it is open; how often in that many choices. */
function greedy(gate: ScaleGate, server: Server, choices: number): number {
  let taken = 0;
  for (let choice = 0; choice < choices; choice++) {
    gate.tick();
    if (!gate.isOpen(server)) continue;
    gate.spend(server);
    taken++;
  }
  return taken;
}

describe("ScaleGate", () => {
  it("opens for the scale's part of an equal share, or of the share by weight, or of everything", () => {
    const servers = withScales(0.1, 1, 1, 1, 1);
    const [newcomer] = servers as [Server];
    const gate = new ScaleGate(0);
    gate.set(servers);
    expect(gate.active).toBe(true);
    expect(greedy(gate, newcomer, 41_000)).toBe(1000);
    gate.set(servers, Float64Array.of(10, 1, 1, 1, 1));
    expect(Math.abs(greedy(gate, newcomer, 5000) - 1000)).toBeLessThanOrEqual(1);
    gate.set(servers, "each");
    expect(Math.abs(greedy(gate, newcomer, 5000) - 500)).toBeLessThanOrEqual(1);
  });

  it("is open for servers with their whole share, and not active when all have it", () => {
    const gate = new ScaleGate(0);
    const servers = withScales(0.5, 1);
    gate.set(servers);
    expect(gate.isOpen(servers[1] as Server)).toBe(true);
    expect(gate.isOpen(servers[0] as Server)).toBe(false);
    gate.set(withScales(1, 1));
    expect(gate.active).toBe(false);
    expect(gate.isOpen(servers[0] as Server)).toBe(true);
  });

  it("saves at most a few requests for a server that is passed over, and forgets few that it is ahead", () => {
    const gate = new ScaleGate(0);
    const servers = withScales(0.5, 1);
    const [newcomer] = servers as [Server];
    gate.set(servers);
    for (let choice = 0; choice < 1000; choice++) gate.tick();
    let burst = 0;
    for (; gate.isOpen(newcomer); burst++) gate.spend(newcomer);
    expect(burst).toBe(4);
    for (let forced = 0; forced < 1000; forced++) gate.spend(newcomer);
    expect(greedy(gate, newcomer, 18)).toBeGreaterThanOrEqual(1);
  });

  it("keeps what was earned over updates", () => {
    const gate = new ScaleGate(0);
    const servers = withScales(0.5, 1);
    let taken = 0;
    for (let update = 0; update < 300; update++) {
      gate.set(servers);
      taken += greedy(gate, servers[0] as Server, 1);
    }
    expect(Math.abs(taken - 100)).toBeLessThanOrEqual(1);
  });
});
