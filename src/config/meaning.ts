import { checkAcme } from "./acme-checks.ts";
import { checkListeners } from "./listener-checks.ts";
import type { LooseConfig } from "./loose-config.ts";
import { checkPassthrough } from "./passthrough-checks.ts";
import { checkPools } from "./pool-checks.ts";
import { checkRoutes } from "./route-checks.ts";
import { checkTls } from "./tls-checks.ts";
import type { Visit } from "./visit.ts";

/**
 * What no schema can say: that names refer to something, that addresses do not collide, that a route goes somewhere.
 * Works on what is left of a configuration with mistakes, so that everything is reported at once.
 */
export function checkMeaning(config: LooseConfig, visit: Visit): void {
  checkListeners(config, visit);
  checkTls(config, visit);
  checkAcme(config, visit);
  const used = checkRoutes(config, visit);
  checkPassthrough(config, visit);
  checkPools(config, used, visit);
}
