import type { Server } from "node:http";
import type { Socket } from "node:net";

/**
 * Bounds a server's connections without letting those who hold them idle keep others out: one too many makes room by
 * closing the one that has waited longest without a complete request's head. When all are at work, the new one goes.
 *
 * @param most connections at a time
 */
export function limitConnections(server: Server, most: number): void {
  /** Connections without a request, the one that has waited longest first. */
  const waiting = new Set<Socket>();
  let open = 0;
  server.on("connection", (socket: Socket) => {
    open++;
    socket.once("close", () => {
      open--;
      waiting.delete(socket);
    });
    if (open > most) {
      const [longest = socket] = waiting;
      longest.destroy();
      if (longest === socket) return;
      waiting.delete(longest);
    }
    waiting.add(socket);
  });
  server.on("request", (request, response) => {
    const { socket } = request;
    waiting.delete(socket);
    response.once("close", () => {
      if (!socket.destroyed) waiting.add(socket);
    });
  });
}
