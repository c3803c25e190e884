import { isAuthorityFailure } from "./authority.ts";
import { POLL_DELAYS } from "./limits.ts";
import { pause } from "./pause.ts";

/**
 * Asks until the answer will do, with growing pauses or those that the authority wants. An authority that cannot be reached
 * for a moment is asked again; the signal ends it.
 */
export async function poll<Answer extends { readonly retryAfter: number | null }>(
  ask: () => Promise<Answer>,
  done: (answer: Answer) => boolean,
  signal: AbortSignal,
): Promise<Answer> {
  let delay: number = POLL_DELAYS.first;
  for (;;) {
    let retryAfter: number | null = null;
    try {
      const answer = await ask();
      if (done(answer)) return answer;
      retryAfter = answer.retryAfter;
    } catch (error) {
      if (!isAuthorityFailure(error) || error.failure === "refused") throw error;
      retryAfter = error.retryAfter;
    }
    await pause(Math.max(delay, Math.min(retryAfter ?? 0, POLL_DELAYS.longestRetryAfter)), signal);
    delay = Math.min(delay * 2, POLL_DELAYS.longest);
  }
}
