import { meanSpeedLeft, type AntagonistModel } from "./antagonist.ts";
import type { SimulationOptions } from "./simulation.ts";
import type { ServerModel } from "./sim-server.ts";

/** Servers and nodes that a scenario is run with; the load and the algorithm come on top. */
export interface Setup {
  readonly name: string;
  /** What it is, for tables: a noun phrase. */
  readonly title: string;
  readonly servers: readonly ServerModel[];
  readonly nodes: number;
  readonly workers: number;
  readonly antagonist?: AntagonistModel;
}

/** Mean work of a request in ms on a core of speed 1, and the standard deviation of its logarithm. */
const work = 100;
const sigma = 1;
const cores = 4;
const places = 400;
const clients = 10_000;

/** In flight on a server with which `first_available` takes it for full: twice its cores. */
const fullAt = 2 * cores;

const speeds = [1, 1, 1, 1.5, 1.5, 2, 2, 3, 3, 4];

/** Comes and goes every few seconds and takes 35 % of a machine on average. */
const antagonist: AntagonistModel = { on: 3000, off: 6000, least: 0.2, most: 0.5 };

/** Servers of the speeds above in turn; their configured weights tell the speeds, or are all the same. */
export function mixedServers(count: number, weighted: boolean): ServerModel[] {
  return Array.from({ length: count }, (_, index) => {
    const speed = speeds[index % speeds.length]!;
    return { cores, speed, weight: weighted ? speed * 10 : 1, places };
  });
}

/** Servers that are all the same. */
export function equalServers(count: number): ServerModel[] {
  return Array.from({ length: count }, () => ({ cores, speed: 1, weight: 1, places }));
}

/** The four setups of the long simulation. */
export const tailSetups: readonly Setup[] = [
  {
    name: "one-node-weighted",
    title: "One node, weights set",
    servers: mixedServers(10, true),
    nodes: 1,
    workers: 4,
    antagonist,
  },
  {
    name: "one-node-equal",
    title: "One node, all weights equal",
    servers: mixedServers(10, false),
    nodes: 1,
    workers: 4,
    antagonist,
  },
  {
    name: "twenty-nodes-weighted",
    title: "Twenty nodes, weights set",
    servers: mixedServers(40, true),
    nodes: 20,
    workers: 1,
    antagonist,
  },
  {
    name: "twenty-nodes-equal",
    title: "Twenty nodes, all weights equal",
    servers: mixedServers(40, false),
    nodes: 20,
    workers: 1,
    antagonist,
  },
];

/** Requests per second that all servers together can answer, antagonists taken off. */
export function capacity({ servers, antagonist: model }: Setup): number {
  const speed = servers.reduce((sum, server) => sum + server.cores * server.speed, 0);
  return (speed * meanSpeedLeft(model) * 1000) / work;
}

/** A simulation of the setup at a share of its capacity. */
export function optionsFor(
  setup: Setup,
  algorithm: SimulationOptions["algorithm"],
  load: number,
  seed: number,
): SimulationOptions {
  return {
    algorithm,
    servers: setup.servers,
    nodes: setup.nodes,
    workers: setup.workers,
    ...(setup.antagonist && { antagonist: setup.antagonist }),
    requestsPerSecond: capacity(setup) * load,
    work,
    sigma,
    clients,
    maxConnections: algorithm.name === "first_available" ? fullAt : 0,
    seed,
  };
}
