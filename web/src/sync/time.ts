/** Resolves after `ms`. */
export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/**
 * The wait before attempt number `attempt` (from 0): doubling, with full jitter, so that many clients
 * that lost one server do not come back in step.
 */
export function backoffMs(attempt: number, baseMs = 500, mostMs = 20_000): number {
  const ceiling = Math.min(mostMs, baseMs * 2 ** Math.min(attempt, 10));
  return ceiling / 2 + Math.random() * (ceiling / 2);
}
