import type { BoundListener } from "./bound-listener.ts";
import type { ExchangePool } from "./http/exchange-pool.ts";
import { PassthroughListener } from "./l4/passthrough-listener.ts";
import { HttpListener } from "./listener.ts";
import type { ListenerPlan } from "./plan.ts";
import type { WorkerContext } from "./worker-context.ts";

/** The listener that a plan needs, not listening yet: one that speaks HTTP, or one that passes TLS on. */
export function listenerFor(plan: ListenerPlan, context: WorkerContext, exchanges: ExchangePool): BoundListener {
  return isPassthrough(plan) ? new PassthroughListener(plan, context) : new HttpListener(plan, context, exchanges);
}

/** Whether a listener can serve another plan; if not, the address gets another listener. */
export function canFollow(listener: BoundListener, plan: ListenerPlan): boolean {
  return listener instanceof PassthroughListener === isPassthrough(plan);
}

function isPassthrough({ config }: ListenerPlan): boolean {
  return config.tls?.passthrough === true;
}
