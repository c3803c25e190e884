import type { BadRequest } from "./bad-request.ts";
import { chunkedBodies } from "./chunked-bodies.ts";
import { fields } from "./fields.ts";
import { hosts } from "./host.ts";
import { lengths } from "./lengths.ts";
import { lineEnds } from "./line-ends.ts";
import { sizes } from "./sizes.ts";
import { smuggling } from "./smuggling.ts";
import { startLines, versions } from "./start-lines.ts";
import { targets } from "./targets.ts";
import { transferEncoding } from "./transfer-encoding.ts";

/** All groups of bad requests by name. */
export const groups: Readonly<Record<string, readonly BadRequest[]>> = {
  "request lines": startLines,
  versions,
  targets,
  hosts,
  "field lines": fields,
  "line ends": lineEnds,
  "Content-Length": lengths,
  "Transfer-Encoding": transferEncoding,
  smuggling,
  "chunked bodies": chunkedBodies,
  sizes,
};
