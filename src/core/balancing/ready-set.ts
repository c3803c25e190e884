import type { Server, ServerSet } from "./balancer.ts";

/**
 * The set that a balancer works on, made from a pool's configured servers: `ready` are the servers of the most
 * preferred priority (the lowest number) that has any which may get work, and `all` are the servers of that priority,
 * ready or not. A server with weight 0 is never ready, so it does not hold a priority either. When nothing is ready
 * anywhere, `all` are the servers of the most preferred priority and `ready` is empty.
 *
 * @param version grows with each change
 * @param servers all servers of the pool, in configured order
 * @param isReady whether the server's state lets it take new work (up, not draining, not in maintenance, …)
 */
export function readySet(version: number, servers: readonly Server[], isReady: (server: Server) => boolean): ServerSet {
  const takesWork = servers.filter((server) => server.weight > 0 && isReady(server));
  const candidates = takesWork.length > 0 ? takesWork : servers;
  const priority = candidates.reduce((lowest, server) => Math.min(lowest, server.priority), Infinity);
  return {
    version,
    all: servers.filter((server) => server.priority === priority),
    ready: takesWork.filter((server) => server.priority === priority),
  };
}
