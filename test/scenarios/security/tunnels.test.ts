import { expect, it } from "vitest";
import { startEvenkeel } from "../../support/evenkeel.ts";
import { act } from "../../support/two-servers.ts";
import { waitForQuiet } from "../../support/proxy.ts";
import { RawClient } from "../../support/raw-client.ts";
import { startRawOrigin } from "../../support/raw-origin.ts";

const UPGRADE =
  "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n";
const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/** What the server sends as frames; after all of them the tunnel's time is over. `closed`: a Close frame is in place. */
const lies: [name: string, bytes: string, closed: boolean][] = [
  ["a frame that is never finished", "827e03e8" + "61".repeat(10), false],
  ["a frame of 2^63 - 1 bytes", "827f7fffffffffffffff" + "61".repeat(100), false],
  ["a frame with the sign bit in its length", "827fffffffffffffffff" + "61".repeat(100), false],
  ["half of a frame's head", "827f0000", false],
  ["a masked frame, which servers do not send", "828301020304616263", false],
  ["reserved bits and an unknown kind of frame", "fb03616263", false],
  ["a fragment without its end", "0103616263", true],
  ["a control frame that is too long", "897e0080" + "61".repeat(128), false],
  ["a Close frame of its own and bytes behind it", "880203e88203616263", false],
];

it(
  "a tunnel ends in time and in order, whatever the server says about the length of its frames",
  { timeout: 30_000 },
  async () => {
    const listeners: Record<string, unknown> = {};
    const pools: Record<string, unknown> = {};
    const origins = await Promise.all(
      lies.map(async ([, bytes], i) => {
        const origin = await startRawOrigin((_, connection) => {
          connection.send(SWITCHED);
          connection.send(Buffer.from(bytes, "hex"));
        });
        listeners[`l${i}`] = { listen: "127.0.0.1:0", pool: `l${i}` };
        pools[`l${i}`] = { servers: [origin.address] };
        return origin;
      }),
    );
    const evenkeel = await startEvenkeel({ config: { workers: 1, listeners, pools } });
    await Promise.all(
      lies.map(async ([name, bytes, closed], i) => {
        const client = await RawClient.connect(evenkeel.port(`l${i}`));
        await client.send(UPGRADE);
        await client.readUntil("\r\n\r\n");
        const received = await client.readBytes(bytes.length / 2);
        expect([name, received.toString("hex")]).toEqual([name, bytes]);
        const started = Date.now();
        await act(evenkeel, origins[i], "kill");
        const rest = await client.readToEnd();
        expect(Date.now() - started).toBeLessThan(8000);
        // Within a frame of the server nothing may be put in, for the client would take it for the frame's content.
        if (closed) expect([name, rest.toString("hex")]).toEqual([name, expect.stringMatching(/^88/)]);
        else expect([name, rest.toString("hex")]).toEqual([name, ""]);
        await waitForQuiet(evenkeel, `l${i}`);
      }),
    );
    expect(await evenkeel.admin("/api/v2/status")).toMatchObject({ workers: [{ restarts: 0 }] });
  },
);
