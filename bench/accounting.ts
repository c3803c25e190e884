// What the kernel says a process used: processor time and memory, of the process and all its descendants.
import { readdirSync, readFileSync } from "node:fs";

/** Processor time of a process tree since its start. */
export interface CpuTime {
  /** User and system, µs. From the schedulers' nanosecond counters of the living threads. */
  readonly total: number;
  /** µs; the kernel splits user from system by sampling, so this is coarser than the total. */
  readonly user: number;
  readonly system: number;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined; // the process or thread has ended
  }
}

/** The numeric fields of /proc/PID/stat from the third one on (proc(5)); the second may hold spaces. */
export function statFields(text: string): string[] {
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** The process and its living descendants. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const text = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : undefined;
    if (text === undefined) continue;
    const parent = Number(statFields(text)[1]);
    const list = children.get(parent);
    if (list === undefined) children.set(parent, [Number(name)]);
    else list.push(Number(name));
  }
  const tree = [root];
  for (let i = 0; i < tree.length; i++) tree.push(...(children.get(tree[i]!) ?? []));
  return tree;
}

/** Ticks of /proc/PID/stat are hundredths of a second on every Linux that Node runs on (USER_HZ). */
const tick = 10_000;

/** Processor time of the given processes. Threads that ended are not in `total`; a proxy under load ends none. */
export function cpuTime(pids: readonly number[]): CpuTime {
  let total = 0;
  let user = 0;
  let system = 0;
  for (const pid of pids) {
    const fields = statFields(read(`/proc/${pid}/stat`) ?? ") Z 0");
    user += Number(fields[11] ?? 0) * tick;
    system += Number(fields[12] ?? 0) * tick;
    let threads: string[] = [];
    try {
      threads = readdirSync(`/proc/${pid}/task`);
    } catch {
      continue; // the process has ended
    }
    for (const thread of threads) {
      total += Number((read(`/proc/${pid}/task/${thread}/schedstat`) ?? "0").split(" ")[0]) / 1000;
    }
  }
  // A kernel without schedstats has only the ticks.
  return { total: total === 0 ? user + system : total, user, system };
}

function statusField(pid: number, name: string): number {
  const text = read(`/proc/${pid}/status`) ?? "";
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
}

/** Highest resident set of the processes so far, summed, in bytes (VmHWM). */
export function maxResident(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + statusField(pid, "VmHWM") * 1024, 0);
}
