/**
 * How long tests wait by default for what has to come, and how often they look. The second that Vitest waits by itself is what a busy
 * machine may take for anything; what never comes fails a test all the same.
 */
export const PATIENCE = { timeout: 15_000, interval: 20 }
