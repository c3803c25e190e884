import { AdminError, askAdmin, type AdminOptions } from "./admin-client.ts";
import { UsageError } from "./failure.ts";

/** Options of the commands that do something with one server. */
export interface ServerOptions extends AdminOptions {
  readonly pool?: string;
}

/** The parts of the answer to an action that are shown. */
export interface ActionAnswer {
  readonly server: { readonly id: string; readonly pool: string; readonly state: string };
  readonly inFlight: number;
  /** ms until what is left is closed; null for never. */
  readonly drainTimeLeft: number | null;
  readonly warnings: readonly string[];
}

/** Has the balancer do something with a server, and says on stderr what it warns of. */
export async function callServer(
  id: string,
  action: string,
  { admin, pool }: ServerOptions,
  body: Readonly<Record<string, unknown>> = {},
): Promise<ActionAnswer> {
  const query = pool === undefined ? "" : `?pool=${encodeURIComponent(pool)}`;
  const path = `/api/v2/servers/${encodeURIComponent(id)}/${action}${query}`;
  try {
    const answer = (await askAdmin(admin, "POST", path, "server", body)) as ActionAnswer;
    for (const warning of answer.warnings) process.stderr.write(`warning: ${warning}\n`);
    return answer;
  } catch (error) {
    if (!(error instanceof AdminError) || error.status !== 409) throw error;
    const { pools } = error.body as { pools?: readonly string[] };
    if (pools === undefined) throw error;
    throw new UsageError(`the pools ${pools.join(", ")} all have a server "${id}": say which one by --pool`);
  }
}

/** The server after the action, in one line. */
export function describe({ server, inFlight, drainTimeLeft }: ActionAnswer): string {
  const rest = drainTimeLeft === null ? "" : `, closed in ${seconds(drainTimeLeft)} at the latest`;
  return `server ${server.id} of pool ${server.pool}: ${server.state}, ${inFlight} in flight${rest}`;
}

/** A time in ms for people. */
export function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
