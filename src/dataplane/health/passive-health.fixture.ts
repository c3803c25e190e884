import { seededRandom, type Random } from "../../core/random.ts";
import { poolConfig } from "../../shared-memory/pool-config.fixture.ts";
import { Scoreboard } from "../../shared-memory/scoreboard.ts";
import { PassiveHealth } from "./passive-health.ts";

/** Passive detection of one pool in several workers, which share the memory as threads do. */
export function passiveWorkers(
  servers: number,
  pool: Readonly<Record<string, unknown>> = {},
  workers = 2,
  random: Random = seededRandom(1),
) {
  const main = Scoreboard.create({ servers, workers });
  const config = poolConfig(pool);
  const slots = Array.from({ length: servers }, (_, slot) => slot);
  const all = Array.from({ length: workers }, (_, worker) => {
    return new PassiveHealth({ config, slots, scoreboard: Scoreboard.attach(main.handle, worker), random });
  });
  return { main, health: main.health, config, slots, all, a: all[0]!, b: all[1] ?? all[0]! };
}
