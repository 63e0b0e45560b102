import { UserError } from '../../cells/chassis/errors.ts'

/** How a command waits. */
export interface WaitPorts {
  sleep(ms: number): Promise<void>
  /** Milliseconds since an arbitrary start. */
  now(): number
}

/** The exit code of a command that waited for as long as it was told to. */
export const WAITED_TOO_LONG = 124

const BETWEEN_MS = 1_000
/**
 * Reads something once a second until it is as it should be.
 *
 * @param onRead is told of everything that was read, also of the last
 * @throws UserError 124 after `timeoutMs`
 */
export async function waitFor<T>(
  read: () => Promise<T>,
  isDone: (value: T) => boolean,
  { timeoutMs, what, onRead, ports }: { timeoutMs: number; what: string; onRead?: (value: T) => Promise<void>; ports: WaitPorts },
): Promise<T> {
  const endsAt = ports.now() + timeoutMs
  for (;;) {
    const value = await read()
    await onRead?.(value)
    if (isDone(value)) return value
    if (ports.now() + BETWEEN_MS > endsAt)
      throw new UserError(`Not within ${Math.round(timeoutMs / 1_000)} s: ${what}.`, WAITED_TOO_LONG)
    await ports.sleep(BETWEEN_MS)
  }
}
