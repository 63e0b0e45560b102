import { join } from 'node:path'
import { freshFolder } from './fresh-folder.ts'
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
 */
export function startExplorer(
  folder: string,
  realmUrl: string,
  seed: number,
  location: string,
  movementRelay = '127.0.0.1:1',
): Explorer {
  const home = freshFolder('explorer-')
  const args = ['--realm', realmUrl, '--location', location, '--timeout', String(LIFETIME_SECONDS), '--wallet-seed', String(seed)]
  const program = startProgram(join(folder, 'headless'), args, {
    cwd: folder,
    // The explorer's own default is a public server. The default here refuses connections at once.
    env: { HOME: home, PULSE_SERVER: movementRelay, RUST_LOG: 'comms=debug' },
  })
  return {
    program,
    address: async () => {
      const [, address = ''] = await program.prints(/guest address:?\s*\W*(0x[0-9a-fA-F]{40})/)
      return address.toLowerCase()
    },
  }
}
