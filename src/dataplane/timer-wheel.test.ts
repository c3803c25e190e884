import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TimerWheel, type Timed } from "./timer-wheel.ts";

class Entry implements Timed {
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  fired: number[] = [];
  action: ((now: number) => void) | undefined;
  onDeadline(now: number): void {
    this.fired.push(now);
    this.action?.(now);
  }
}

function armed(wheel: TimerWheel, deadline: number): Entry {
  const entry = new Entry();
  entry.deadline = deadline;
  wheel.arm(entry);
  return entry;
}

describe("TimerWheel", () => {
  it("fires once the deadline has passed, at most a tick late", () => {
    const wheel = new TimerWheel(0, 50, 16);
    const entry = armed(wheel, 120);
    wheel.advance(119);
    expect(entry.fired).toEqual([]);
    wheel.advance(170);
    expect(entry.fired).toEqual([170]);
    wheel.advance(5000);
    expect(entry.fired).toEqual([170]);
  });

  it("follows a deadline that moved later without being told", () => {
    const wheel = new TimerWheel(0, 50, 16);
    const entry = armed(wheel, 100);
    for (let now = 0; now <= 1000; now += 50) {
      entry.deadline = now + 100;
      wheel.advance(now);
    }
    expect(entry.fired).toEqual([]);
    wheel.advance(1200);
    expect(entry.fired).toEqual([1200]);
  });

  it("runs the others when a callback throws, and tells of it", () => {
    const wheel = new TimerWheel(0, 50, 16);
    const entries = [armed(wheel, 100), armed(wheel, 100), armed(wheel, 100)];
    const bug = new Error("bug");
    for (const entry of entries.slice(1)) {
      entry.action = () => {
        throw bug;
      };
    }
    const bugs: unknown[] = [];
    wheel.advance(150, (error) => bugs.push(error));
    expect(entries.map(({ fired }) => fired)).toEqual([[150], [150], [150]]);
    expect(bugs).toEqual([bug, bug]);
  });

  it("files again when armed for an earlier time", () => {
    const wheel = new TimerWheel(0, 50, 16);
    const entry = armed(wheel, 600);
    entry.deadline = 100;
    wheel.arm(entry);
    wheel.advance(150);
    expect(entry.fired).toEqual([150]);
  });

  it("reaches deadlines beyond one turn and survives a jump of the clock", () => {
    const wheel = new TimerWheel(0, 50, 4);
    const far = armed(wheel, 3000);
    for (let now = 0; now < 3000; now += 50) wheel.advance(now);
    expect(far.fired).toEqual([]);
    wheel.advance(100_000);
    expect(far.fired).toEqual([100_000]);
  });

  it("lets a callback disarm and arm entries of the same slot", () => {
    const wheel = new TimerWheel(0, 50, 16);
    const entries = [1, 2, 3].map(() => armed(wheel, 100));
    for (const entry of entries)
      entry.action = () => {
        for (const other of entries) if (other !== entry) wheel.disarm(other);
        entry.deadline = 400;
        wheel.arm(entry);
      };
    wheel.advance(150);
    expect(entries.flatMap((entry) => entry.fired)).toHaveLength(1);
    wheel.advance(400);
    expect(entries.flatMap((entry) => entry.fired)).toHaveLength(2);
  });

  it("fires exactly what is due, whatever is armed, moved and disarmed (property)", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ entry: fc.nat(5), act: fc.constantFrom("set", "off", "go"), time: fc.nat(2000) }), {
          maxLength: 60,
        }),
        (steps) => {
          const wheel = new TimerWheel(0, 50, 8);
          const entries = Array.from({ length: 6 }, () => new Entry());
          const due = entries.map(() => Infinity);
          const expected = entries.map(() => 0);
          let now = 0;
          for (const step of steps) {
            const entry = entries[step.entry]!;
            if (step.act === "off") {
              wheel.disarm(entry);
              due[step.entry] = Infinity;
            } else if (step.act === "set") {
              entry.deadline = due[step.entry] = now + step.time;
              wheel.arm(entry);
            } else {
              now += step.time;
              // A tick beyond every deadline that has passed, so that lateness does not matter.
              wheel.advance(now);
              wheel.advance(now + 50);
              now += 50;
              due.forEach((at, index) => {
                if (at <= now - 50) {
                  expected[index]!++;
                  due[index] = Infinity;
                } else if (entries[index]!.deadline === Infinity && at <= now) {
                  expected[index]!++;
                  due[index] = Infinity;
                }
              });
              expect(entries.map((one) => one.fired.length)).toEqual(expected);
            }
          }
        },
      ),
    );
  });
});
