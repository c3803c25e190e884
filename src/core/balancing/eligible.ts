import type { Server, ServerSet } from "./balancer.ts";

/**
 * The servers that an algorithm may choose from: the ready ones with a weight above 0, in their order. A weight of 0
 * takes no new work under any algorithm, even where it is the only server left.
 */
export function eligibleServers(set: ServerSet): readonly Server[] {
  for (const server of set.ready) {
    if (!(server.weight > 0)) return set.ready.filter((candidate) => candidate.weight > 0);
  }
  return set.ready;
}

/**
 * Where a worker starts in a list of `length`, so that the workers of a node do not all begin with the same server.
 *
 * @param worker 0-based number of the worker
 * @param workers how many workers there are
 */
export function startingOffset(length: number, worker: number, workers: number): number {
  return workers > 0 ? Math.floor((length * worker) / workers) % Math.max(1, length) : 0;
}

/**
 * The first server that is not excluded, walking the list once from `start`; the complete answer of last resort.
 * Takes O(n), in the order of the list, and wraps around.
 */
export function firstNotExcluded(
  servers: readonly Server[],
  start: number,
  context: { isExcluded(server: Server): boolean },
): Server | undefined {
  const length = servers.length;
  let index = start;
  for (let step = 0; step < length; step++, index++) {
    if (index >= length) index = 0;
    const server = servers[index] as Server;
    if (!context.isExcluded(server)) return server;
  }
  return undefined;
}
