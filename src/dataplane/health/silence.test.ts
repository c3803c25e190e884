import { describe, expect, it } from "vitest";
import { PassiveReason } from "../../shared-memory/health-board.ts";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import { Scoreboard } from "../../shared-memory/scoreboard.ts";
import { passiveWorkers } from "./passive-health.fixture.ts";
import type { PassiveHealth } from "./passive-health.ts";
import type { SilenceSource } from "./silence.ts";

const { ejected } = HealthFlag;

/** The requests of one worker, as its connections know them. */
class Traffic implements SilenceSource {
  readonly #scoreboard: Scoreboard;
  readonly #sent = new Map<number, number[]>();
  readonly #heard = new Map<number, number>();

  constructor(scoreboard: Scoreboard) {
    this.#scoreboard = scoreboard;
  }

  /** Requests that go to the server at this time, and stay unanswered. */
  send(slot: number, at: number, count = 1): void {
    for (let i = 0; i < count; i++) {
      this.#scoreboard.begin(slot);
      this.#sent.set(slot, [...(this.#sent.get(slot) ?? []), at]);
    }
  }

  /** A request of its own, sent and answered. */
  exchange(slot: number, at: number, latency: number): void {
    this.#scoreboard.complete(slot, latency, true, 200, at);
    this.hear(slot, at);
  }

  /** Some bytes. */
  hear(slot: number, at: number): void {
    this.#heard.set(slot, at);
  }

  unanswered(slot: number, before: number, after: number): number {
    return (this.#sent.get(slot) ?? []).filter((at) => at > after && at < before).length;
  }
  heardAt(slot: number): number {
    return this.#heard.get(slot) ?? 0;
  }
  slots(): Iterable<number> {
    return this.#sent.keys();
  }
}

/** A pool in two workers; with `latency`, its servers have answered so far at that pace, last at 1000. */
function pool(servers: number, latency?: number, config: Readonly<Record<string, unknown>> = {}) {
  const workers = passiveWorkers(servers, config);
  const traffic = workers.all.map((passive, worker) => {
    const mine = new Traffic(Scoreboard.attach(workers.main.handle, worker));
    passive.silence = mine;
    if (latency !== undefined) for (const slot of workers.slots) mine.exchange(slot, 1000, latency);
    return mine;
  });
  return { ...workers, mine: traffic[0]!, others: traffic[1]! };
}

/** Ticks from one time to another; returns when the server was ejected, or NaN. */
function run(passive: PassiveHealth, flags: () => number, from: number, to: number): number {
  for (let now = from; now <= to; now += 50) {
    passive.tick(now);
    if ((flags() & ejected) !== 0) return now;
  }
  return NaN;
}

describe("a silent server", () => {
  it("is ejected after half a second, when others answer", () => {
    const { a, mine, health } = pool(3, 5);
    mine.send(1, 1010, 3);
    mine.exchange(0, 1400, 5);
    expect(run(a, () => health.flags(1), 1000, 1500)).toBeNaN();
    expect(run(a, () => health.flags(1), 1550, 3000)).toBe(1550);
    expect(health.reason(1)).toBe(PassiveReason.silence);
  });

  it("is ejected when the others have nothing to do", () => {
    const { a, mine, health } = pool(2, 5);
    mine.send(1, 1010, 3);
    expect(run(a, () => health.flags(1), 1000, 3000)).toBe(1550);
  });

  it("has ten times its usual latency to answer", () => {
    const { a, mine, health } = pool(3, 200);
    mine.send(1, 1010, 3);
    mine.exchange(0, 2900, 200);
    expect(run(a, () => health.flags(1), 1000, 6000)).toBe(3050);
  });

  it("takes several requests", () => {
    const { a, mine, health } = pool(2, 5);
    mine.send(1, 1010, 2);
    expect(run(a, () => health.flags(1), 1000, 20_000)).toBeNaN();
    const two = pool(2, 5, { outlierDetection: { silentRequests: 2 } });
    two.mine.send(1, 1010, 2);
    expect(run(two.a, () => two.health.flags(1), 1000, 3000)).toBe(1550);
  });

  it("is none that this worker has heard since", () => {
    const { a, mine, health } = pool(2, 5);
    mine.send(1, 1010, 3);
    for (let now = 1000; now <= 20_000; now += 50) {
      if (now % 400 === 0) mine.hear(1, now);
      a.tick(now);
    }
    expect(health.flags(1)).toBe(0);
  });

  it("is none for requests that it has left while it was answering others, however long ago", () => {
    const { a, mine, health } = pool(2, 5);
    // Three requests that take long, and then nothing else: the server was alive after they were sent.
    mine.send(1, 1010, 3);
    mine.exchange(1, 1100, 5);
    expect(run(a, () => health.flags(1), 1000, 60_000)).toBeNaN();
  });

  it("is none that another worker has got answers or bytes from", () => {
    const answered = pool(2, 5);
    const streamed = pool(2, 5);
    for (const { a, mine } of [answered, streamed]) {
      mine.send(1, 1010, 3);
      a.tick(1000);
    }
    streamed.others.send(1, 1010);
    for (let now = 1050; now <= 10_000; now += 50) {
      if (now % 400 === 0) answered.others.exchange(1, now, 5);
      if (now % 200 === 0) streamed.others.hear(1, now);
      answered.a.tick(now);
      streamed.b.tick(now);
      streamed.a.tick(now);
    }
    expect([answered.health.flags(1), streamed.health.flags(1)]).toEqual([0, 0]);
  });

  it("is not ejected with the rule off", () => {
    const { a, mine, health } = pool(2, 5, { outlierDetection: { silence: 0 } });
    mine.send(1, 1010, 30);
    expect(run(a, () => health.flags(1), 1000, 60_000)).toBeNaN();
  });

  it("comes back as soon as it says something, or when its time is over", () => {
    const { a, b, mine, others, health } = pool(2, 5);
    mine.send(1, 1010, 3);
    others.send(1, 1010);
    run(a, () => health.flags(1), 1000, 3000);
    others.hear(1, 2000);
    b.tick(2050);
    expect(health.flags(1)).toBe(0);
    mine.send(1, 2060, 3);
    const again = run(a, () => health.flags(1), 2100, 5000);
    expect(again).toBe(2600);
    for (let now = again; now < health.ejectedUntil(1); now += 50) b.tick(now);
    expect(health.flags(1)).toBe(ejected);
    b.tick(health.ejectedUntil(1));
    expect(health.flags(1)).toBe(0);
  });
});

describe("a pool that hangs as a whole", () => {
  it("keeps all its servers: what they have in common hangs", () => {
    const { a, mine, health, slots } = pool(4, 5);
    for (const slot of slots) mine.send(slot, 1010, 10);
    run(a, () => slots.reduce((all, slot) => all | health.flags(slot), 0), 1000, 60_000);
    expect(slots.map((slot) => health.flags(slot))).toEqual([0, 0, 0, 0]);
  });

  it("loses a server that stays silent when the others answer again", () => {
    const { a, mine, health, slots } = pool(4, 5);
    for (const slot of slots) mine.send(slot, 1010, 10);
    expect(run(a, () => health.flags(2), 1000, 10_000)).toBeNaN();
    for (const slot of [0, 1, 3]) mine.hear(slot, 10_040);
    expect(run(a, () => health.flags(2), 10_050, 11_000)).toBe(10_050);
    expect([0, 1, 3].map((slot) => health.flags(slot))).toEqual([0, 0, 0]);
  });

  it("of one server keeps it, unless it may be without any", () => {
    const kept = pool(1, 5);
    kept.mine.send(0, 1010, 10);
    expect(run(kept.a, () => kept.health.flags(0), 1000, 10_000)).toBeNaN();
    const given = pool(1, 5, { minimumHealthy: 0 });
    given.mine.send(0, 1010, 10);
    expect(run(given.a, () => given.health.flags(0), 1000, 10_000)).toBe(1550);
  });

  it("does not go by servers that get no work themselves", () => {
    const { a, mine, health } = pool(3, 5, { minimumHealthy: 0 });
    health.set(0, HealthFlag.unhealthy, 1000);
    health.set(2, HealthFlag.maintenance, 1000);
    mine.send(1, 1010, 10);
    expect(run(a, () => health.flags(1), 1000, 10_000)).toBeNaN();
  });
});

describe("a pool of slow requests", () => {
  it("keeps servers whose answers always take long", () => {
    const { a, mine, health, slots } = pool(3, 30_000);
    for (const slot of slots) mine.send(slot, 1010, 5);
    mine.exchange(0, 31_000, 30_000);
    expect(run(a, () => health.flags(1), 1000, 120_000)).toBeNaN();
  });

  it("keeps a server that has never answered while the others are only known as slow", () => {
    const { a, mine, health } = pool(3);
    mine.send(1, 1010, 5);
    for (let now = 1000; now <= 100_000; now += 50) {
      if (now % 5000 === 0) mine.exchange(0, now, 30_000);
      a.tick(now);
    }
    expect(health.flags(1)).toBe(0);
  });

  it("keeps a server while no server has ever answered", () => {
    const { a, mine, health } = pool(3);
    mine.send(1, 1010, 5);
    expect(run(a, () => health.flags(1), 1000, 100_000)).toBeNaN();
  });

  it("loses a server that never answered while the others answer quickly, after three seconds", () => {
    const { a, mine, health } = pool(3);
    mine.send(1, 1010, 5);
    for (let now = 1000; now <= 4000; now += 50) {
      mine.exchange(0, now, 5);
      a.tick(now);
    }
    expect(health.flags(1)).toBe(0);
    mine.exchange(0, 4050, 5);
    a.tick(4050);
    expect(health.flags(1)).toBe(ejected);
  });

  it("goes by the latency of all time as well, when the last answers were quick", () => {
    const { a, mine, health } = pool(2, 1000);
    for (let i = 0; i < 5; i++) mine.exchange(1, 100_000, 5);
    mine.exchange(0, 100_000, 5);
    mine.send(1, 100_010, 3);
    // The mean over all time is (1000 + 5 × 5) / 6 = 171 ms.
    expect(run(a, () => health.flags(1), 100_000, 110_000)).toBe(101_750);
  });
});

describe("a worker that was held up", () => {
  it("does not blame servers for answers that it had no time to read", () => {
    const { a, mine, health } = pool(2, 5);
    for (let now = 1000; now <= 1500; now += 50) a.tick(now);
    mine.send(1, 1510, 3);
    mine.exchange(0, 1510, 5);
    // The answers came at 1515, but the worker was busy until 3000, and its timers run before its sockets are read.
    a.tick(3000);
    a.tick(3001);
    expect(health.flags(1)).toBe(0);
    mine.hear(1, 3002);
    expect(run(a, () => health.flags(1), 3050, 10_000)).toBeNaN();
  });

  it("sees a server that is silent all the same a tick later", () => {
    const { a, mine, health } = pool(2, 5);
    a.tick(1000);
    mine.send(1, 1010, 3);
    expect(run(a, () => health.flags(1), 3000, 10_000)).toBe(3100);
  });
});

describe("large pools", () => {
  it("of which all servers hang cost little per tick, and one that answers is found in a few", () => {
    const { a, mine, health, slots } = pool(2000, 5, { outlierDetection: { maxEjected: "100%" } });
    for (const slot of slots) mine.send(slot, 1010, 3);
    for (let now = 1000; now <= 3000; now += 50) a.tick(now);
    expect(slots.every((slot) => health.flags(slot) === 0)).toBe(true);
    mine.hear(1999, 3010);
    // 256 servers are looked at per tick: in the worst case eight ticks pass.
    let now = 3050;
    while (health.flags(7) === 0) a.tick((now += 50));
    expect(now).toBeLessThanOrEqual(3050 + 8 * 50);
    expect(health.flags(1999)).toBe(0);
  });
});
