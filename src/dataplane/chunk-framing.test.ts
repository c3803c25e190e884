import * as fc from "fast-check";
import { expect, it } from "vitest";
import { ChunkedDecoder } from "../http1/chunked.ts";
import { frameChunk, LAST_CHUNK } from "./chunk-framing.ts";

it("frames what the decoder reads back", () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 5 });
  fc.assert(
    fc.property(pieces, (chunks) => {
      const wire = Buffer.concat([...chunks.map(frameChunk), Buffer.from(LAST_CHUNK)]);
      const decoder = new ChunkedDecoder();
      const read: Uint8Array[] = [];
      let position = 0;
      let event: number;
      while ((event = decoder.next(wire, position, wire.length)) === 1) {
        read.push(Uint8Array.from(wire.subarray(decoder.dataStart, decoder.dataEnd)));
        position = decoder.position;
      }
      expect([event, decoder.position]).toEqual([2, wire.length]);
      expect(read).toEqual(chunks);
    }),
  );
});

it("copies the data, so that the read buffer is free", () => {
  const data = Buffer.from("abc");
  const framed = frameChunk(data);
  data.fill(0);
  expect(framed.toString()).toBe("3\r\nabc\r\n");
});
