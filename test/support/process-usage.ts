import { readFileSync, readdirSync } from "node:fs";

/** Resident memory of a process in bytes. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (line === null) throw new Error(`no VmRSS of process ${pid}`);
  return Number(line[1]) * 1024;
}

/** Number of open file descriptors of a process. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Samples the resident memory of a process while `work` runs; the largest value in bytes and the work's result. */
export async function peakWhile<T>(pid: number, work: () => Promise<T>): Promise<{ peak: number; result: T }> {
  let peak = residentBytes(pid);
  const timer = setInterval(() => (peak = Math.max(peak, residentBytes(pid))), 20);
  try {
    const result = await work();
    return { peak: Math.max(peak, residentBytes(pid)), result };
  } finally {
    clearInterval(timer);
  }
}
