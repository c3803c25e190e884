import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** A running sample server. */
export interface DemoServer {
  readonly name: string;
  /** host:port */
  readonly address: string;
  stop(): Promise<void>;
}

const samples = [
  { name: "amber", colour: "#b45309" },
  { name: "teal", colour: "#0f766e" },
  { name: "violet", colour: "#6d28d9" },
] as const;

/** Starts the sample servers, each on a free port of its own. */
export function startDemoServers(): Promise<DemoServer[]> {
  return Promise.all(
    samples.map(async (sample) => {
      const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));
      const thread = new Worker(new URL(`demo-server${extension}`, import.meta.url), {
        name: sample.name,
        workerData: sample,
      });
      const [port] = (await once(thread, "message")) as [number];
      return { name: sample.name, address: `127.0.0.1:${port}`, stop: async () => void (await thread.terminate()) };
    }),
  );
}
