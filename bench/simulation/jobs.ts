/** The requests that are under way, in columns; numbers are used again. */
export class Jobs {
  /** When the request arrived, and when its present try was sent (ms). */
  began = new Float64Array(1024);
  sentAt = new Float64Array(1024);
  work = new Float64Array(1024);
  worker = new Int32Array(1024);
  key = new Uint32Array(1024);
  /** One bit per server that has been tried; for pools of up to 31 servers, beyond that bits are shared. */
  tried = new Int32Array(1024);
  /** 1 when the present try will fail. */
  failing = new Uint8Array(1024);
  readonly #free: number[] = [];
  #count = 0;

  /** @param key the hash of what hashing algorithms go by */
  begin(now: number, worker: number, key: number): number {
    const job = this.#free.pop() ?? this.#count++;
    if (job === this.began.length) this.#grow();
    this.began[job] = now;
    this.worker[job] = worker;
    this.key[job] = key;
    this.tried[job] = 0;
    return job;
  }

  end(job: number): void {
    this.#free.push(job);
  }

  /** Tries that were made. */
  tries(job: number): number {
    let count = 0;
    for (let bits = this.tried[job]!; bits !== 0; bits &= bits - 1) count++;
    return count;
  }

  #grow(): void {
    const length = 2 * this.began.length;
    this.began = grown(new Float64Array(length), this.began);
    this.sentAt = grown(new Float64Array(length), this.sentAt);
    this.work = grown(new Float64Array(length), this.work);
    this.worker = grown(new Int32Array(length), this.worker);
    this.key = grown(new Uint32Array(length), this.key);
    this.tried = grown(new Int32Array(length), this.tried);
    this.failing = grown(new Uint8Array(length), this.failing);
  }
}

function grown<T extends Float64Array | Int32Array | Uint32Array | Uint8Array>(to: T, from: T): T {
  to.set(from);
  return to;
}
