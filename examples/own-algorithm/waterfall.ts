import { Type } from "typebox";
import { defineAlgorithm, type Server } from "evenkeel";

/**
 * Fills the first server up to a number of requests in flight, then the second, and so on: those at the end of the
 * list stay idle and can be switched off. When all are full, the one with the fewest requests gets the next.
 */
export default defineAlgorithm<{ fillTo: number }>({
  name: "waterfall",
  summary: "Fills one server after the other.",
  schema: Type.Object(
    {
      fillTo: Type.Integer({
        default: 10,
        minimum: 1,
        description: "requests in flight from which a server counts as full",
      }),
    },
    { additionalProperties: false, default: {} },
  ),
  usesHashKey: false,
  create({ config, signals }) {
    let servers: readonly Server[] = [];
    return {
      update(set) {
        servers = set.ready.filter((server) => server.weight > 0);
      },
      choose(context) {
        let best: Server | undefined;
        let least = Infinity;
        for (const server of servers) {
          if (context.isExcluded(server)) continue;
          // Counted over all workers, so that together they fill a server once and not once each.
          const inFlight = signals.inFlight(server.slot);
          if (inFlight < config.fillTo) return server;
          if (inFlight < least) {
            best = server;
            least = inFlight;
          }
        }
        return best;
      },
    };
  },
});
