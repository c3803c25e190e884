import type { Snapshot } from "../config/snapshot.ts";
import type { TlsMaterial } from "../config/tls-material.ts";
import type { DataPlaneLike, DataPlaneOptions } from "./worker.ts";

/**
 * A data plane without sockets for the tests of the supervisor. Each entry `action:worker` of a snapshot's `modules`
 * says what that worker does when it gets it: reject, hang (no answer), crash (an uncaught error afterwards), spin (its
 * event loop stands still afterwards), hold (it has requests in flight on slot 0 from then on).
 */
export class DataPlane implements DataPlaneLike {
  readonly #options: DataPlaneOptions;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
  }

  async apply(snapshot: Snapshot, bound: Record<string, number>): Promise<Record<string, number>> {
    const { worker, scoreboard, log } = this.#options;
    log("debug", `worker ${worker} got ${snapshot.version} with ${JSON.stringify(bound)}`);
    const actions = snapshot.modules
      .filter((entry) => entry.endsWith(`:${worker}`))
      .map((entry) => entry.split(":")[0]);
    if (actions.includes("reject")) throw Object.assign(new Error("address in use"), { code: "EADDRINUSE" });
    if (actions.includes("hang")) return new Promise(() => undefined);
    if (actions.includes("hold")) for (let i = 0; i < 3; i++) scoreboard.begin(0);
    if (actions.includes("crash"))
      setImmediate(() => {
        throw new Error("crashed on purpose");
      });
    if (actions.includes("spin"))
      setTimeout(() => {
        for (;;);
      }, 300);
    return { "web/0": bound["web/0"] ?? 40_000 + worker };
  }

  setTlsMaterial(material: TlsMaterial): void {
    this.#options.log("debug", `worker ${this.#options.worker} got TLS material ${material.version}`);
  }

  async drain(timeout: number): Promise<void> {
    this.#options.log("debug", `worker ${this.#options.worker} drains for ${timeout}`);
  }

  close(): void {
    // It holds nothing.
  }
}
