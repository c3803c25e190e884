import { connect } from "node:net";
import type { Address } from "../../config/address.ts";

/** Whether a connection can be made to the address within `timeout` ms; it is closed at once. Never rejects. */
export function canConnect(address: Address, timeout: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(
      address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port },
    );
    const timer = setTimeout(() => done(false), timeout);
    const done = (connected: boolean) => {
      clearTimeout(timer);
      // A reset leaves nothing behind on either side; the server has nothing to answer yet.
      if (connected && address.kind === "tcp") socket.resetAndDestroy();
      else socket.destroy();
      resolve(connected);
    };
    socket.once("connect", () => done(true));
    socket.on("error", () => done(false));
  });
}
