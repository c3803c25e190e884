import { Agent, request } from "node:https";
import { connect } from "node:tls";
import { atEnd } from "./cleanup.ts";

/** Clients over HTTPS that send one request after the other until the test says stop. */
export class HttpsLoad {
  /** An error's message or a status other than 200 → how often. */
  readonly failures: Record<string, number> = {};
  /** Answers with 200. */
  served = 0;
  /** Connections that clients with keep-alive have made. */
  kept = 0;
  private running = true;
  private readonly done: Promise<unknown>;

  /** @param ca PEM of the root that certificates must lead to */
  constructor(port: number, ca: string, { fresh = 2, keepAlive = 2, name = "a.test" } = {}) {
    const clients = Array.from({ length: fresh + keepAlive }, (_, i) => this.run(port, ca, name, i < fresh));
    this.done = Promise.all(clients);
    atEnd(() => this.stop());
  }

  /** Lets the requests that are running end. */
  async stop(): Promise<void> {
    this.running = false;
    await this.done;
  }

  private async run(port: number, ca: string, servername: string, fresh: boolean): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 });
    while (this.running) {
      const outcome = await new Promise<string>((resolve) => {
        const options = { port, host: "127.0.0.1", servername, ca, headers: { host: servername } };
        const call = request({ ...options, agent: fresh ? false : agent }, (response) => {
          response.resume().on("end", () => resolve(String(response.statusCode)));
          response.on("error", (error) => resolve(error.message));
        });
        call.on("socket", () => {
          if (!fresh && !call.reusedSocket) this.kept++;
        });
        call.on("error", (error) => resolve(error.message));
        call.end();
      });
      if (outcome === "200") this.served++;
      else this.failures[outcome] = (this.failures[outcome] ?? 0) + 1;
    }
    agent.destroy();
  }
}

/** Serial number (hexadecimal, lower case) of the certificate that a client is shown who asks for this name. */
export function shownSerial(port: number, servername?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { port, host: "127.0.0.1", rejectUnauthorized: false, ...(servername && { servername }) };
    const socket = connect(options, () => {
      resolve(socket.getPeerCertificate().serialNumber.toLowerCase());
      socket.destroy();
    });
    socket.on("error", reject);
  });
}
