import type { Log } from "../controlplane/log.ts";
import { FileWatcher } from "../controlplane/file-watcher.ts";
import { readyLine } from "./addresses.ts";
import { BalancerNode, type BalancerNodeOptions, type NodeAddresses } from "./balancer-node.ts";

export interface ProgramOptions extends BalancerNodeOptions {
  /** The file whose changes bring a reload; absent for none. */
  readonly watch?: string | undefined;
  /** Called after the ready line was written. */
  readonly ready?: (addresses: NodeAddresses, node: BalancerNode) => void;
  /** Ends the program as SIGTERM does. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a node as a program of its own until a signal ends it: SIGHUP reloads, SIGTERM and SIGINT drain (a second one
 * ends at once), SIGUSR2 is for the hand-over to a new process. Resolves when it has ended; rejects when it cannot
 * start (ConfigError, or an Error whose message is one line).
 */
export async function runProgram(options: ProgramOptions): Promise<void> {
  const { log, watch } = options;
  const node = new BalancerNode(options);
  const stopGuarding = guardMainThread(log);
  const ending = Promise.withResolvers<void>();
  let signals = 0;
  const end = (name: string) => {
    signals++;
    if (signals > 1) {
      log("warn", `${name} again: ending at once`);
      void node.close().finally(ending.resolve);
      return;
    }
    log("info", `${name}: draining`);
    void node.drain().finally(ending.resolve);
  };
  const handlers: Partial<Record<NodeJS.Signals, () => void>> = {
    SIGTERM: () => end("SIGTERM"),
    SIGINT: () => end("SIGINT"),
    SIGHUP: () => {
      log("info", "SIGHUP: reading the configuration again");
      if (node.reload() === undefined) log("warn", "the configuration did not come from a file: nothing to reload");
    },
    SIGUSR2: () => log("warn", "SIGUSR2: handing over to a new process is not available in this version yet"),
  };
  const entries = Object.entries(handlers) as [NodeJS.Signals, () => void][];
  for (const [name, handler] of entries) process.on(name, handler);
  options.signal?.addEventListener("abort", () => end("end"), { once: true });
  let watcher: FileWatcher | undefined;
  try {
    const addresses = await node.start();
    if (signals === 0) {
      if (watch !== undefined) watcher = new FileWatcher(watch, () => void node.reload(), log);
      process.stderr.write(`${readyLine(addresses.listeners, addresses.admin, addresses.workers)}\n`);
      options.ready?.(addresses, node);
    }
    await ending.promise;
    log("info", "ended");
  } catch (error) {
    // A signal during the start makes it fail, which is no error then.
    if (signals === 0) throw error;
    await ending.promise;
  } finally {
    watcher?.close();
    for (const [name, handler] of entries) process.off(name, handler);
    stopGuarding();
  }
}

/** The control plane may fail; traffic must not. Returns a function that ends the guard. */
function guardMainThread(log: Log): () => void {
  const survive = (error: unknown) => {
    log(
      "error",
      `the control plane goes on after an error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  };
  process.on("uncaughtException", survive).on("unhandledRejection", survive);
  return () => void process.off("uncaughtException", survive).off("unhandledRejection", survive);
}
