import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBareRealm } from '../bare-realm.ts'
import { explorerCommand, movementsIn } from '../explorer-command.ts'
import { lookUp } from '../parts/catalogue.ts'

export interface WitnessOptions {
  /** Host and port. */
  relay: string
  realm: string
  /** In metres. */
  x: number
  z: number
  lifetimeSeconds: number
}

/** A real explorer that stands among simulated players. */
export interface Witness {
  /** How often it was told that another player moved. */
  movements(): number
  stop(): Promise<void>
}

const METRES_PER_PARCEL = 16

/** Starts a Bevy explorer in a realm of which it needs to know no more than the name. @throws when the explorer is not there */
export async function startWitness({ relay, realm, x, z, lifetimeSeconds }: WitnessOptions): Promise<Witness> {
  const bevy = lookUp('bevy')
  if (!('path' in bevy)) throw new Error(`there is no Bevy explorer: ${bevy.missing}`)
  const home = mkdtempSync(join(tmpdir(), 'witness-'))
  const about = await startBareRealm(realm)
  const place = { location: [x, z].map((metres) => Math.floor(metres / METRES_PER_PARCEL)).join(','), movementRelay: relay }
  const { command, args, cwd, env } = explorerCommand({
    ...{ folder: bevy.path, home, realmUrl: about.url, seed: 1, ...place, lifetimeSeconds },
  })
  const explorer = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise((resolve) => explorer.once('close', resolve))
  let movements = 0
  for (const stream of [explorer.stdout, explorer.stderr]) {
    let rest = ''
    stream.setEncoding('utf8').on('data', (text: string) => {
      // What it counts is within a line.
      const end = text.lastIndexOf('\n') + 1
      movements += movementsIn(rest + text.slice(0, end))
      rest = (end > 0 ? '' : rest) + text.slice(end)
    })
  }
  return {
    movements: () => movements,
    stop: async () => {
      explorer.kill('SIGKILL')
      await ended
      await about.stop()
      rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
