import type { Clock } from "../../core/clock.ts";
import type { ProbeDefinition, ProbeResult } from "../../core/health/probe.ts";
import type { Check } from "./checked-server.ts";
import { DueHeap } from "./due-heap.ts";
import { MAX_CONCURRENT_CHECKS, MAX_REASON } from "./limits.ts";

/** What is due within so many ms of the timer is done with it: one wake-up serves several checks. */
const SLACK = 4;
/** A probe whose time is over gets so many ms more to say itself what was missing. */
const GRACE = 100;
/**
 * A failed check whose end came so many ms after its time says that this thread stood still and not that the server
 * did. It is made again instead of counted, once.
 */
const EXCUSED_LATENESS = 300;
/** `soon` starts a check at most this often, in ms. */
const MIN_GAP = 100;

export interface CheckSchedulerOptions {
  readonly clock: Clock;
  /** The definition of a type of check; undefined when there is none any more. */
  readonly probe: (type: string) => ProbeDefinition | undefined;
  /** Takes a result and returns after how many ms, counted from the start of the check, the next one begins. */
  readonly finished: (check: Check, result: ProbeResult, latency: number, timedOut: boolean) => number;
}

/**
 * Runs checks when they are due: each one at a time, all together at most MAX_CONCURRENT_CHECKS, with one timer however
 * many there are. A probe that throws, rejects or never ends is a failed check; what it says later is ignored.
 */
export class CheckScheduler {
  readonly #options: CheckSchedulerOptions;
  /** Checks that wait for their time, and running ones with the end of theirs. */
  readonly #waiting = new DueHeap<Check>();
  readonly #running = new DueHeap<Check>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #closed = false;

  constructor(options: CheckSchedulerOptions) {
    this.#options = options;
  }

  /** Starts the check in `delay` ms. */
  add(check: Check, delay: number): void {
    this.#waiting.put(check, this.#options.clock.now() + delay);
    this.#arm();
  }

  /** Starts the check now, or right after the run that is under way. */
  soon(check: Check): void {
    if (check.removed) return;
    if (check.running !== undefined) {
      check.again = true;
      return;
    }
    const due = Math.max(this.#options.clock.now(), check.startedAt + MIN_GAP);
    if (check.place === -1 || due < check.due) this.#waiting.put(check, due);
    this.#arm();
  }

  /** Ends the check for good. */
  remove(check: Check): void {
    check.removed = true;
    const { running } = check;
    if (running === undefined) {
      this.#waiting.remove(check);
      return;
    }
    this.#running.remove(check);
    check.running = undefined;
    running.abort();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    while (this.#waiting.first !== undefined) this.remove(this.#waiting.first);
    while (this.#running.first !== undefined) this.remove(this.#running.first);
  }

  #arm(): void {
    const starts = this.#running.size < MAX_CONCURRENT_CHECKS ? (this.#waiting.first?.due ?? Infinity) : Infinity;
    const next = Math.min(starts, this.#running.first?.due ?? Infinity);
    if (this.#closed || next === Infinity) return;
    if (this.#timer !== undefined && this.#timerAt <= next) return;
    clearTimeout(this.#timer);
    this.#timerAt = next;
    this.#timer = setTimeout(() => this.#turn(), Math.max(0, Math.ceil(next - this.#options.clock.now())));
    this.#timer.unref();
  }

  #turn(): void {
    this.#timer = undefined;
    const now = this.#options.clock.now() + SLACK;
    for (let check = this.#running.first; check !== undefined && check.due <= now; check = this.#running.first) {
      this.#expire(check);
    }
    while (this.#running.size < MAX_CONCURRENT_CHECKS) {
      const check = this.#waiting.first;
      if (check === undefined || check.due > now) break;
      this.#waiting.remove(check);
      this.#start(check);
    }
    this.#arm();
  }

  #expire(check: Check): void {
    const controller = check.running!;
    if (!controller.signal.aborted) {
      this.#running.put(check, this.#options.clock.now() + GRACE);
      controller.abort();
      return;
    }
    const reason = `no result within ${check.config.timeout} ms`;
    this.#end(check, controller, { outcome: "unhealthy", reason });
  }

  #start(check: Check): void {
    const { clock, probe } = this.#options;
    const { timeout, type, settings } = check.config;
    const controller = new AbortController();
    const now = clock.now();
    check.running = controller;
    check.startedAt = now;
    check.again = false;
    this.#running.put(check, now + timeout);
    const definition = probe(type);
    if (definition === undefined) {
      this.#end(check, controller, { outcome: "unhealthy", reason: `there is no health check "${type}"` });
      return;
    }
    run(definition, check, settings, { timeout, signal: controller.signal, clock }).then(
      (result) => this.#end(check, controller, result),
      (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.#end(check, controller, { outcome: "unhealthy", reason: `the check itself failed: ${reason}` });
      },
    );
  }

  #end(check: Check, controller: AbortController, result: ProbeResult): void {
    if (check.running !== controller) return;
    const now = this.#options.clock.now();
    const latency = now - check.startedAt;
    this.#running.remove(check);
    check.running = undefined;
    const { timeout } = check.config;
    if (result.outcome === "unhealthy" && latency > timeout + EXCUSED_LATENESS && !check.excused) {
      check.excused = true;
      controller.abort();
      this.add(check, 0);
      return;
    }
    check.excused = false;
    const timedOut = controller.signal.aborted || latency >= timeout;
    const pause = this.#options.finished(check, sanitised(result), latency, timedOut);
    // A closed connection may still hold what the probe did not release itself.
    controller.abort();
    if (check.removed || this.#closed) return;
    const due = check.again ? check.startedAt + MIN_GAP : check.startedAt + pause;
    this.#waiting.put(check, Math.max(now, due));
    this.#arm();
  }
}

/** A probe may throw instead of rejecting, and an own one may answer anything. */
async function run(
  definition: ProbeDefinition,
  { target }: Check,
  settings: unknown,
  context: Parameters<ProbeDefinition["run"]>[2],
): Promise<ProbeResult> {
  const result = (await definition.run(target, settings, context)) as ProbeResult | undefined;
  if (result?.outcome === "healthy" || result?.outcome === "degraded" || result?.outcome === "unhealthy") return result;
  throw new Error("it gave no result with `outcome`");
}

/** A reason of bounded length without control characters, and one for every result that is not good. */
function sanitised(result: ProbeResult): ProbeResult {
  if (result.outcome === "healthy" && result.reason === undefined) return result;
  const text = String(result.reason ?? result.outcome).replace(/[\p{Cc}\u2028\u2029]+/gu, " ");
  return { ...result, reason: text.length > MAX_REASON ? `${text.slice(0, MAX_REASON - 1)}…` : text };
}
