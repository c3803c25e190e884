import { nearestName } from "./nearest.ts";

/** Why a name of a pool cannot be used: there is none of this name, but perhaps a similar one. */
export function unknownPool(name: string, pools: readonly string[]): string {
  if (pools.length === 0) return `there is no pool "${name}"; no pools are defined`;
  const near = nearestName(name, pools);
  const known = pools.length > 10 ? `${pools.slice(0, 10).join(", ")}, …` : pools.join(", ");
  return `there is no pool "${name}"${near === undefined ? "" : `; did you mean "${near}"?`} (defined: ${known})`;
}
