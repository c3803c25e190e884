/** A worker as the control plane shows it. */
export interface WorkerStatus {
  readonly worker: number;
  /** starting: has no plan yet; running; restarting: died, and its successor is about to start; draining. */
  readonly state: "starting" | "running" | "restarting" | "draining" | "stopped";
  /** Version of the snapshot that it runs; 0 for none. */
  readonly planVersion: number;
  /** How often it has been replaced since the start. */
  readonly restarts: number;
  /** ms since it was started; 0 while it is not running. */
  readonly uptime: number;
}
