/**
 * Polls until the condition holds, and fails with `what` when it does not in time. The condition may be asynchronous;
 * its result is returned.
 *
 * @param timeout in milliseconds
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeout = 10_000,
): Promise<Exclude<T, false | undefined | null>> {
  const end = Date.now() + timeout;
  for (;;) {
    const value = await condition();
    if (value) return value as Exclude<T, false | undefined | null>;
    if (Date.now() > end) throw new Error(`timed out after ${timeout} ms waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The promise's result, or an error that names what was waited for. `timeout` is in milliseconds. */
export function within<T>(what: string, promise: Promise<T>, timeout = 10_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`timed out after ${timeout} ms waiting for ${what}`)), timeout);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
