import { spawn } from "node:child_process";

/** How a command ended. */
export interface CommandEnd {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** The first line with text, of its output, or else of its error output. */
  readonly line: string;
  /** It was ended because the time was over. */
  readonly aborted: boolean;
}

/** Commands that run at a time on this node; others wait for their turn, within the time of their check. */
export const MAX_COMMANDS = 16;
/** Bytes that are kept of each output; the rest is read and dropped. */
const MAX_OUTPUT = 4096;

let running = 0;
const waiting: (() => void)[] = [];

/**
 * Runs a command in a process group of its own, and ends the whole group when the command has ended or the signal
 * fires. Rejects with an Error when it cannot be started, or not before the signal fires because too many are running.
 */
export async function runCommand(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<CommandEnd> {
  await takeTurn(signal);
  try {
    return await runNow(command, env, signal);
  } finally {
    running--;
    waiting.shift()?.();
  }
}

function takeTurn(signal: AbortSignal): Promise<void> {
  if (running < MAX_COMMANDS) {
    running++;
    return Promise.resolve();
  }
  return new Promise((resolve, reject) => {
    const start = (): void => {
      signal.removeEventListener("abort", giveUp);
      running++;
      resolve();
    };
    const giveUp = (): void => {
      waiting.splice(waiting.indexOf(start), 1);
      reject(new Error(`the command could not be started in time: ${MAX_COMMANDS} others are running`));
    };
    signal.addEventListener("abort", giveUp, { once: true });
    waiting.push(start);
  });
}

function runNow(command: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<CommandEnd> {
  return new Promise((resolve, reject) => {
    const [program = "", ...args] = command;
    const child = spawn(program, args, { detached: true, stdio: ["ignore", "pipe", "pipe"], env });
    const output = new FirstLine();
    const errors = new FirstLine();
    let exited = false;
    let aborted = false;
    const onAbort = (): void => {
      aborted = !exited;
      endGroup(child.pid);
      // A descendant that has left the group may hold these open for ever.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.once("error", (error) => {
      signal.removeEventListener("abort", onAbort);
      reject(new Error(`cannot run ${program}: ${error.message}`));
    });
    // What it has left behind may hold its output open, and is ended as well.
    child.once("exit", () => {
      exited = true;
      endGroup(child.pid);
    });
    child.once("close", (code, endedBy) => {
      signal.removeEventListener("abort", onAbort);
      resolve({ code, signal: endedBy, line: output.text || errors.text, aborted });
    });
  });
}

function endGroup(group: number | undefined): void {
  if (group === undefined) return;
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // The group has ended.
  }
}

/** The beginning of an output. */
class FirstLine {
  #bytes: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    const room = MAX_OUTPUT - this.#bytes.length;
    if (room > 0) this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(0, room)]);
  }

  /** The first line with text, without the spaces around it. */
  get text(): string {
    const lines = this.#bytes.toString("utf8").split("\n");
    return lines.map((line) => line.trim()).find((line) => line !== "") ?? "";
  }
}
