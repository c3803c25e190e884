import { Type } from "typebox";
import { Share, strict } from "./fields.ts";

/** How WebSockets are moved to servers that have few; see core/balancing/rebalance.ts. */
export const RebalanceSchema = Type.Object(
  {
    perMinute: Share("10%", "share of the pool's WebSockets that may be closed in a minute"),
    minPerMinute: Type.Integer({
      default: 10,
      minimum: 1,
      maximum: 1_000_000,
      description: "as many may be closed in a minute in any case",
    }),
    threshold: Share("20%", "by how much of its fair share a server may be above it"),
  },
  strict,
);
