import { randomBytes } from "node:crypto";
import tls from "node:tls";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { TestAuthority, type Issued } from "../../../test/support/certificates.ts";
import { materialOf, tlsMaterial, tlsPlane } from "./tls.fixture.ts";

let ca: TestAuthority;
let web: Issued;
beforeAll(async () => {
  ca = await TestAuthority.create();
  web = await ca.issue({ names: ["example.test"], subject: "web" });
});

const session = async (port: number, options: tls.ConnectionOptions) => {
  const { maxVersion } = options;
  let latest: Buffer | undefined;
  const socket = tls.connect({ port, host: "127.0.0.1", servername: "example.test", ca: ca.pem, ...options });
  socket.on("session", (next) => (latest = next));
  onTestFinished(() => void socket.destroy());
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  const resumed = socket.isSessionReused();
  socket.write("GET / HTTP/1.1\r\nHost: example.test\r\n\r\n");
  await new Promise((resolve) => socket.once("data", resolve));
  return { resumed, session: maxVersion === "TLSv1.2" ? socket.getSession() : latest };
};
const keys = [randomBytes(48), randomBytes(48), randomBytes(48)] as const;
const material = (...ticketKeys: Buffer[]) => tlsMaterial([materialOf(web)], { ticketKeys: { web: ticketKeys } });

describe("session tickets", () => {
  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "of %s are good for other workers and for keys that still decrypt",
    async (maxVersion) => {
      const first = await tlsPlane(material(keys[0]));
      const second = await tlsPlane(material(keys[1], keys[0]));
      const got = await session(first.port, { maxVersion });
      expect(got.resumed).toBe(false);
      const again = await session(second.port, { maxVersion, session: got.session! });
      expect(again.resumed).toBe(true);
      expect(second.handshakes()).toMatchObject({ done: 1, resumed: 1 });
      second.plane.setTlsMaterial(material(keys[2], keys[1]));
      expect((await session(second.port, { maxVersion, session: got.session! })).resumed).toBe(false);
      // With the old key's ticket came one of the new key.
      expect((await session(second.port, { maxVersion, session: again.session! })).resumed).toBe(true);
    },
  );

  it("do not exist when they are off", async () => {
    const { port } = await tlsPlane(material(keys[0]), { tls: { sessionTickets: "off" } });
    const got = await session(port, { maxVersion: "TLSv1.2" });
    expect((await session(port, { maxVersion: "TLSv1.2", session: got.session! })).resumed).toBe(false);
  });
});
