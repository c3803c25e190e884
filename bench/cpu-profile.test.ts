import { describe, expect, it } from "vitest";
import { selfTimes, type CpuProfile } from "./cpu-profile.ts";

const frame = (id: number, functionName: string, url = "", lineNumber = -1): CpuProfile["nodes"][number] => ({
  id,
  callFrame: { functionName, url, lineNumber },
});

describe("selfTimes", () => {
  it("adds a function's places in the call tree up, leaves idle time out and counts lines from one", () => {
    const profile = {
      nodes: [
        frame(1, "(idle)"),
        frame(2, "relay", "file:///a.ts", 9),
        frame(3, "writev"),
        frame(4, "relay", "file:///a.ts", 9),
      ],
      startTime: 1000,
      samples: [1, 2, 3, 4, 2],
      timeDeltas: [500, 10, 20, 30, 20],
    };
    expect(selfTimes(profile)).toEqual([
      { name: "relay", place: "/a.ts:10", time: 60, share: 0.75 },
      { name: "writev", place: "", time: 20, share: 0.25 },
    ]);
  });
  it("counts only what was sampled in the given time", () => {
    const profile = {
      nodes: [frame(1, "a"), frame(2, "b")],
      startTime: 100,
      samples: [1, 2, 1],
      timeDeltas: [10, 20, 40],
    };
    expect(selfTimes(profile, 115, 140)).toEqual([{ name: "b", place: "", time: 20, share: 1 }]);
  });
  it("gives an anonymous function a name", () => {
    expect(selfTimes({ nodes: [frame(1, "")], startTime: 0, samples: [1], timeDeltas: [5] })[0]?.name).toBe(
      "(anonymous)",
    );
  });
});
