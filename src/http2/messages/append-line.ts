import type { HeaderBlock } from "../../http1/header-block.ts";

/**
 * Records the line `name: value\r\n`, which the caller has put (or puts) at `start` of the block's text, as the block's next
 * field. Returns where the next line starts.
 */
export function appendLine(
  block: HeaderBlock,
  id: number,
  start: number,
  nameLength: number,
  valueLength: number,
): number {
  const { count } = block;
  if (count >= block.ids.length) block.grow();
  const { offsets } = block;
  const slot = count * 4;
  const valueStart = start + nameLength + 2;
  block.ids[count] = id;
  offsets[slot] = start;
  offsets[slot + 1] = start + nameLength;
  offsets[slot + 2] = valueStart;
  offsets[slot + 3] = valueStart + valueLength;
  block.count = count + 1;
  return valueStart + valueLength + 2;
}
