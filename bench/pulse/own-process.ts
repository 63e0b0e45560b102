import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { RELAY_FLAGS } from '../../cells/pulse/relay-flags.ts'
import { type ServedCrowd, serveCrowd } from './served-crowd.ts'

/** A machine that is busy with other work needs so long. */
const DEADLINE_MS = 900_000
type Arguments = Parameters<typeof serveCrowd>

/** Serves a crowd in a process with the flags of a relay. */
export async function serveCrowdInOwnProcess(...given: Arguments): Promise<ServedCrowd> {
  const args = [...RELAY_FLAGS, fileURLToPath(import.meta.url), JSON.stringify(given)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: DEADLINE_MS })
  return JSON.parse(stdout) as ServedCrowd
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const served = await serveCrowd(...(JSON.parse(process.argv[2] ?? '') as Arguments))
  process.stdout.write(JSON.stringify(served))
}
