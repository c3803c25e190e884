import { describe, expect, it } from "vitest";
import { ReceiveWindow } from "./flow-window.ts";
import { Scheduler } from "./scheduler.ts";
import { ConnectionStream, type StreamHost } from "./stream.ts";

const FRAME = 16_384;

function newStream(id: number, urgency = 3, incremental = false): ConnectionStream {
  const stream = new ConnectionStream({} as StreamHost, id, 0, new ReceiveWindow(1, 1));
  stream.urgency = urgency;
  stream.incremental = incremental;
  return stream;
}

/** Identifiers of the streams whose frames go first, when all of them have no end of bytes. */
function order(streams: readonly ConnectionStream[], frames: number): number[] {
  const scheduler = new Scheduler();
  for (const stream of streams) scheduler.add(stream);
  return Array.from({ length: frames }, () => {
    const stream = scheduler.choose();
    scheduler.sent(stream, FRAME);
    return stream.id;
  });
}

describe("Scheduler", () => {
  it("gives equals that are useful in parts a frame each", () => {
    expect(order([newStream(1, 3, true), newStream(3, 3, true), newStream(5, 3, true)], 6)).toEqual([1, 3, 5, 1, 3, 5]);
  });

  it("gives those that are only useful as a whole more at once, and lets the others not wait for ever", () => {
    expect(order([newStream(1), newStream(3)], 10)).toEqual([1, 1, 1, 1, 3, 3, 3, 3, 1, 1]);
  });

  it("prefers the more urgent, but starves nobody", () => {
    const chosen = order([newStream(1, 7), newStream(3, 0), newStream(5, 3)], 200);
    const share = (id: number) => chosen.filter((one) => one === id).length;
    expect(chosen.slice(0, 16)).toEqual(Array.from({ length: 16 }, () => 3));
    expect(share(3)).toBeGreaterThan(180);
    expect(share(5)).toBeGreaterThan(3);
    expect(share(1)).toBeGreaterThan(3);
  });

  it("takes up who comes, and leaves out who goes", () => {
    const scheduler = new Scheduler();
    const [a, b, c] = [newStream(1), newStream(3), newStream(5)];
    expect(scheduler.empty).toBe(true);
    for (const stream of [a, b, c, b]) scheduler.add(stream);
    scheduler.remove(b);
    scheduler.remove(b);
    expect(scheduler.choose()).toBe(a);
    scheduler.remove(a);
    expect(scheduler.choose()).toBe(c);
    scheduler.remove(c);
    expect(scheduler.empty).toBe(true);
  });

  it("removes a stream from where it was put in, whatever its urgency is now", () => {
    const scheduler = new Scheduler();
    const stream = newStream(1, 2);
    scheduler.add(stream);
    stream.urgency = 6;
    scheduler.remove(stream);
    expect(scheduler.empty).toBe(true);
    scheduler.add(stream);
    expect(scheduler.choose()).toBe(stream);
  });
});
