import { join } from 'node:path'

export interface ExplorerOptions {
  /** Of the `headless` binary. */
  folder: string
  /** Where it keeps its files. */
  home: string
  realmUrl: string
  /** Determines its wallet: another seed is another player. */
  seed: number
  /** Parcel, `"2,0"`. */
  location: string
  /** Host and port of the relay that it sends its movement to; by default there is none. */
  movementRelay?: string | undefined
  /** It ends by itself after so long. */
  lifetimeSeconds: number
}

/** How Bevy is started without a window in a realm. It stands still where it was started. */
export function explorerCommand(options: ExplorerOptions) {
  const { folder, home, realmUrl, seed, location, movementRelay = '127.0.0.1:1', lifetimeSeconds } = options
  const lifetime = ['--timeout', String(lifetimeSeconds)]
  return {
    command: join(folder, 'headless'),
    args: ['--realm', realmUrl, '--location', location, ...lifetime, '--wallet-seed', String(seed)],
    cwd: folder,
    // The explorer's own default is a public server. The default here refuses connections at once.
    env: { HOME: home, PULSE_SERVER: movementRelay, RUST_LOG: 'comms=debug' },
  }
}

/** How often the log of an explorer says that another player moved. */
export const movementsIn = (log: string): number => log.match(/movement data: Movement/g)?.length ?? 0
