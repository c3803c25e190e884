import { describe, expect, it } from "vitest";
import { Scoreboard } from "./scoreboard.ts";
import { listenerTotals, serverTotals } from "./totals.ts";

function boards() {
  const main = Scoreboard.create({ servers: 2, workers: 2 });
  const [a, b] = [0, 1].map((worker) => Scoreboard.attach(main.handle, worker).webSockets);
  return { main, a, b };
}

describe("WebSockets", () => {
  it("are counted over all workers, and a dead worker's are taken back", () => {
    const { main, a, b } = boards();
    for (const board of [a, a, b]) {
      board.joined(1);
      board.clientHas(0, 1);
    }
    a.left(1);
    expect([a.open(0), a.open(1), b.open(1)]).toEqual([0, 2, 2]);
    expect(serverTotals(main.handle, 1).webSockets.open).toBe(2);
    expect(listenerTotals(main.handle, 0).webSockets.open).toBe(3);
    a.fromClient(0, 1, 10, 2);
    b.fromServer(0, 1, 20, 1);
    main.reclaim(0);
    expect([b.open(1), listenerTotals(main.handle, 0).webSockets.open]).toEqual([1, 1]);
    const counted = { messagesIn: 1, messagesOut: 2, bytesIn: 20, bytesOut: 10 };
    expect(serverTotals(main.handle, 1).webSockets).toMatchObject(counted);
    // The next server in this slot begins at nothing, but for what is open.
    main.reset(1, 0);
    expect(serverTotals(main.handle, 1).webSockets).toMatchObject({ open: 1, messagesIn: 0, bytesOut: 0 });
  });

  it("leave a server only while it has more than it keeps", () => {
    const { main, a, b } = boards();
    for (let i = 0; i < 3; i++) a.joined(0);
    b.joined(0);
    expect([a.tryLeave(0, 2), b.tryLeave(0, 2), a.tryLeave(0, 2)]).toEqual([true, true, false]);
    expect([a.open(0), serverTotals(main.handle, 0).webSockets]).toEqual([
      2,
      expect.objectContaining({ open: 2, rebalanced: 2 }),
    ]);
  });

  it("have one turn in each interval, whoever asks, also when the time wraps round", () => {
    for (const start of [1, 5_000_000, 2 ** 31 - 700, 2 ** 32 - 700, 2 ** 40 + 7]) {
      const { a, b } = boards();
      const turns = [];
      for (let now = start; now < start + 2500; now += 50)
        for (const board of [a, b]) if (board.takeTurn(0, now, 500)) turns.push(now - start);
      expect(turns).toEqual([0, 500, 1000, 1500, 2000]);
      // After a very long time, too.
      expect(a.takeTurn(0, start + 2 ** 31 + 10_000, 500)).toBe(true);
    }
  });

  it("make up for turns that come more often than workers look, and for no others", () => {
    const { a } = boards();
    const taken = (now: number) => {
      let turns = 0;
      while (a.takeTurn(0, now, 10)) turns++;
      return turns;
    };
    expect([taken(1000), taken(1050), taken(1100), taken(9000)]).toEqual([1, 5, 5, 7]);
  });
});
