// openssl s_time as load generator: one connection after the other, each resumed by the first one's session.
import { runToEnd } from "../processes.ts";
import type { LoadResult, Target } from "./load.ts";

/** The counts that s_time prints for its second pass. Throws when there are none. */
export function parseTimes(stdout: string): {
  readonly connections: number;
  readonly seconds: number;
  readonly bytes: number;
} {
  const counts = [...stdout.matchAll(/^(\d+) connections in (\d+) real seconds, (\d+) bytes read per connection/gm)].at(
    -1,
  );
  if (counts === undefined) throw new Error(`s_time printed no result: ${stdout.slice(-300)}`);
  return { connections: Number(counts[1]), seconds: Number(counts[2]), bytes: Number(counts[3]) };
}

/** Runs openssl s_time for the target's duration. It tells no latencies of single connections, only their mean. */
export async function handshakes(path: string, target: Target): Promise<LoadResult> {
  const seconds = Math.max(1, Math.round(target.duration));
  const args = ["s_time", "-connect", `127.0.0.1:${target.port}`, "-reuse", "-time", String(seconds), "-www", path];
  const { stdout } = await runToEnd("openssl", args, { cpu: target.cpu, timeout: seconds * 3000 + 15_000 });
  const { connections, bytes } = parseTimes(stdout);
  const mean = (seconds / connections) * 1e6;
  const errors = bytes === 0 ? ["answers without a byte"] : [];
  return {
    requests: connections,
    duration: seconds,
    bytes: bytes * connections,
    p50: mean,
    p99: mean,
    p999: mean,
    errors,
  };
}
