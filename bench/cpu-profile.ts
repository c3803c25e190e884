/** The parts of a .cpuprofile file that are read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** µs on the monotonic clock of the machine, the one of process.hrtime(). */
  readonly startTime: number;
  /** Node that was running at each sample. */
  readonly samples: readonly number[];
  /** µs between each sample and the one before. */
  readonly timeDeltas: readonly number[];
}

/** Time that one function spent itself, without what it called. */
export interface SelfTime {
  readonly name: string;
  /** file:line, empty for what is not JavaScript. */
  readonly place: string;
  /** µs. */
  readonly time: number;
  /** Of the time that was not idle. */
  readonly share: number;
}

/**
 * Functions by self time, the most expensive first, without "(idle)". Samples count that were taken between
 * `from` and `to`, in µs of the monotonic clock.
 */
export function selfTimes(profile: CpuProfile, from = 0, to = Infinity): SelfTime[] {
  const byNode = new Map<number, number>();
  let now = profile.startTime;
  profile.samples.forEach((id, i) => {
    const passed = profile.timeDeltas[i] ?? 0;
    now += passed;
    if (now >= from && now <= to) byNode.set(id, (byNode.get(id) ?? 0) + passed);
  });
  const byFunction = new Map<string, { name: string; place: string; time: number }>();
  let busy = 0;
  for (const { id, callFrame } of profile.nodes) {
    const time = byNode.get(id) ?? 0;
    const { functionName, url, lineNumber } = callFrame;
    if (time === 0 || functionName === "(idle)") continue;
    busy += time;
    const place = url === "" ? "" : `${url.replace(/^file:\/\//, "")}:${lineNumber + 1}`;
    const key = `${functionName}\n${place}`;
    const entry = byFunction.get(key);
    if (entry === undefined) byFunction.set(key, { name: functionName || "(anonymous)", place, time });
    else entry.time += time;
  }
  return [...byFunction.values()]
    .sort((a, b) => b.time - a.time)
    .map((entry) => ({ ...entry, share: entry.time / busy }));
}
