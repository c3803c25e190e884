import type { DiscoveryDefinition } from "../../core/discovery/discovery.ts";
import { dnsSrv } from "./dns-srv.ts";
import { dns } from "./dns.ts";
import { file } from "./file.ts";
import { staticList } from "./static.ts";

/** All sources of servers that come with the program: the only list. */
export const discoveries: readonly DiscoveryDefinition[] = [
  dns,
  dnsSrv,
  file,
  staticList,
] as readonly DiscoveryDefinition[];
