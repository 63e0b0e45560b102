import { explorerCommand } from './explorer-command.ts'
import { freshFolder } from './fresh-folder.ts'
import type { HostInPlace } from './host-in-place.ts'
import { type Program, startProgram } from './program.ts'

/** A real explorer: Bevy without a window, from npm. It stands still where it was started. */
export interface Explorer {
  readonly program: Program
  /** Its wallet, as printed in its log. */
  address(): Promise<string>
}

const LIFETIME_SECONDS = 90

/**
 * Starts an explorer in a realm.
 *
 * @param folder of the `headless` binary
 * @param seed determines its wallet: another seed is another player
 * @param location parcel, `"2,0"`
 * @param movementRelay host and port of the relay that it sends its movement to; by default there is none
 * @param inPlace a server that it is led to in place of a public one
 */
export function startExplorer(
  folder: string,
  realmUrl: string,
  seed: number,
  location: string,
  movementRelay?: string,
  inPlace?: HostInPlace,
): Explorer {
  const { command, args, env, cwd } = explorerCommand({
    ...{ folder, home: freshFolder('explorer-'), realmUrl, seed, location, movementRelay, lifetimeSeconds: LIFETIME_SECONDS },
  })
  const led = inPlace?.around(command, args)
  const program = startProgram(led?.command ?? command, led?.args ?? args, { cwd, env: { ...env, ...led?.env } })
  return {
    program,
    address: async () => {
      const [, address = ''] = await program.prints(/guest address:?\s*\W*(0x[0-9a-fA-F]{40})/)
      return address.toLowerCase()
    },
  }
}
