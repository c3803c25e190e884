import type { FilterDefinition } from "../../core/filtering/filter.ts";
import { cors } from "./cors.ts";
import { grpcWeb } from "./grpc-web.ts";
import { headers } from "./headers.ts";
import { securityHeaders } from "./security-headers.ts";

/** All built-in filters, by name. A new one is a file, its test and a line here. */
export const filters: readonly FilterDefinition[] = [cors, grpcWeb, headers, securityHeaders] as FilterDefinition[];

/** The built-in filter of that configuration name; undefined when there is none. */
export function findFilter(name: string): FilterDefinition | undefined {
  return filters.find((filter) => filter.name === name);
}
