import { lstat, rm } from "node:fs/promises";
import { connect } from "node:net";

/** How long a listener may take to accept before its path counts as taken, in ms. */
const PROBE_TIME = 2000;

/**
 * Removes the file of a unix socket that nobody listens on any more, as a process that was killed leaves it behind.
 * Anything else stays, and binding fails on it: a socket whose owner is alive, and what is no socket.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket() !== true || (await isAlive(path))) return;
  await rm(path, { force: true });
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (alive: boolean) => {
      socket.destroy();
      resolve(alive);
    };
    socket.setTimeout(PROBE_TIME, () => done(true));
    socket.on("connect", () => done(true));
    // Only a refusal says that nobody is there; without the right to connect, for one, nobody can tell.
    socket.on("error", (error: NodeJS.ErrnoException) => done(error.code !== "ECONNREFUSED"));
  });
}
