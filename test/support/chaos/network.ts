import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync } from "node:fs";
import { atEnd } from "../cleanup.ts";

/** A network namespace with an address that the machine reaches over a virtual cable, which can be cut. */
export interface NetworkSite {
  readonly address: string;
  /** What to put before a command to run it there. */
  readonly command: readonly string[];
  /** From now on every packet is dropped, in both directions; nobody is told. */
  cut(): void;
  /** Packets pass again. */
  mend(): void;
}

/** Names of our bridges, cables and namespaces: `evk`, the process's number in base 36, and which. */
const PREFIX = "evk";
const OWN = PREFIX + process.pid.toString(36);

function run(tool: "ip" | "tc", ...args: string[]): string {
  return execFileSync(tool, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** As `run`, where it does not matter if there is nothing to do. */
function attempt(tool: "ip" | "tc", ...args: string[]): string | undefined {
  try {
    return run(tool, ...args);
  } catch {
    return undefined;
  }
}

/**
 * True when network namespaces cannot be made here and `what` has to be skipped; it says so at the end of `npm test`.
 * Under CI=true that is an error instead. It needs root (CAP_NET_ADMIN and CAP_SYS_ADMIN) and iproute2.
 */
export function networkMissing(what: string): boolean {
  const name = `${OWN}t`;
  let reason: string;
  try {
    if (process.getuid?.() !== 0) throw new Error("not root");
    run("ip", "netns", "add", name);
    run("ip", "link", "add", name, "type", "bridge");
    run("tc", "qdisc", "add", "dev", name, "root", ...dropAll);
    return false;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    reason = (stderr ?? message).trim().split("\n", 1)[0];
  } finally {
    attempt("ip", "link", "del", name);
    attempt("ip", "netns", "del", name);
  }
  const text = `${what} (no network namespaces here: ${reason})`;
  if (process.env["CI"] === "true") throw new Error(`CI=true allows no skipped test: ${text}`);
  console.warn(`SKIPPED: ${text}`);
  const list = process.env["EVENKEEL_TEST_SKIPS"];
  if (list !== undefined) appendFileSync(list, `${text}\n`);
  return true;
}

/** A token bucket that is smaller than any packet, so that none ever passes. It is in every kernel that has `tc`. */
const dropAll = ["tbf", "rate", "8kbit", "burst", "10", "latency", "1ms"];

/** Makes as many sites behind one bridge; all is removed when the test ends. */
export function layNetwork(count: number): NetworkSite[] {
  removeLeftovers();
  const bridge = `${OWN}b`;
  const net = freeNet();
  atEnd(() => {
    for (let i = 0; i < count; i++) {
      // A namespace goes only when its last connection has, and its cable with it.
      attempt("ip", "link", "del", `${OWN}v${i}`);
      attempt("ip", "netns", "del", `${OWN}n${i}`);
    }
    attempt("ip", "link", "del", bridge);
  });
  run("ip", "link", "add", bridge, "type", "bridge");
  run("ip", "addr", "add", `${net}.1/24`, "dev", bridge);
  run("ip", "link", "set", bridge, "up");
  return Array.from({ length: count }, (_, i) => {
    const space = `${OWN}n${i}`;
    const cable = `${OWN}v${i}`;
    const address = `${net}.${i + 2}`;
    run("ip", "netns", "add", space);
    run("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space);
    run("ip", "link", "set", cable, "master", bridge, "up");
    run("ip", "-n", space, "addr", "add", `${address}/24`, "dev", "eth0");
    run("ip", "-n", space, "link", "set", "eth0", "up");
    run("ip", "-n", space, "link", "set", "lo", "up");
    return {
      address,
      command: ["ip", "netns", "exec", space],
      cut: () => {
        run("tc", "qdisc", "add", "dev", cable, "root", ...dropAll);
        run("tc", "-n", space, "qdisc", "add", "dev", "eth0", "root", ...dropAll);
      },
      mend: () => {
        run("tc", "qdisc", "del", "dev", cable, "root");
        run("tc", "-n", space, "qdisc", "del", "dev", "eth0", "root");
      },
    };
  });
}

/** The first three numbers of a network in 198.18.0.0/15 (for tests, RFC 2544) that nobody uses on this machine. */
function freeNet(): string {
  const used = run("ip", "-4", "addr");
  for (let tries = 0; tries < 100; tries++) {
    const net = `198.${18 + (tries & 1)}.${Math.floor(Math.random() * 256)}`;
    if (!used.includes(`${net}.`)) return net;
  }
  throw new Error("no free network in 198.18.0.0/15");
}

/** Whether a name is one of ours whose process is no longer there. */
function isLeftover(name: string): boolean {
  const owner = new RegExp(`^${PREFIX}([0-9a-z]+?)[nvbt]\\d*$`).exec(name)?.[1];
  return owner !== undefined && !existsSync(`/proc/${Number.parseInt(owner, 36)}`);
}

/** Removes what a run left behind that was killed. */
function removeLeftovers(): void {
  for (const line of run("ip", "netns", "list").split("\n")) {
    const name = line.split(" ", 1)[0];
    if (!isLeftover(name)) continue;
    // Frozen processes do not notice that their parent is gone.
    for (const pid of (attempt("ip", "netns", "pids", name) ?? "").split("\n").filter(Boolean)) {
      process.kill(Number(pid), "SIGKILL");
    }
    attempt("ip", "netns", "del", name);
  }
  for (const [, name] of run("ip", "-o", "link").matchAll(/^\d+: ([^:@]+)/gm)) {
    if (isLeftover(name)) attempt("ip", "link", "del", name);
  }
}
