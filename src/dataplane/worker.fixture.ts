import { NO_TLS_MATERIAL } from "../config/tls-material.ts";
import { seededRandom } from "../core/random.ts";
import { Movables } from "./rebalance/movable.ts";
import { Scoreboard } from "../shared-memory/scoreboard.ts";
import { TimerWheel } from "./timer-wheel.ts";
import { requestIds, TICK, type WorkerContext } from "./worker-context.ts";

/** A worker in virtual time: the clock stands still until `advance`. */
export interface TestWorker extends WorkerContext {
  /** What was logged, as "level message". */
  readonly logs: string[];
  /** Lets that many ms pass, tick by tick, and runs the deadlines that are due. */
  advance(ms: number): void;
}

export function testWorker(options: { servers?: number; scoreboard?: Scoreboard } = {}): TestWorker {
  let time = 1_000_000;
  const logs: string[] = [];
  const wheel = new TimerWheel(time, TICK);
  const scoreboard =
    options.scoreboard ??
    Scoreboard.attach(Scoreboard.create({ servers: options.servers ?? 16, workers: 1 }).handle, 0);
  return {
    worker: 0,
    workers: 1,
    scoreboard,
    clock: { now: () => time, wall: () => time },
    random: seededRandom(1),
    wheel,
    movables: new Movables(),
    tls: NO_TLS_MATERIAL,
    log: (level, message) => void logs.push(`${level} ${message}`),
    now: time,
    draining: false,
    challenges: null,
    requestId: requestIds("id-"),
    logs,
    advance(ms) {
      for (const end = time + ms; time < end;) {
        time = Math.min(end, time + TICK);
        this.now = time;
        wheel.advance(time);
      }
    },
  };
}
