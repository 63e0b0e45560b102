/**
 * Flags of Node for the process of a relay. Almost all that it allocates is what Node makes of each datagram that arrives, and is garbage at
 * once: in a small space for new objects it stays in the cache of the processor, and no round waits for a long collection.
 */
export const RELAY_FLAGS: readonly string[] = ['--max-semi-space-size=2']
