import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../free-port.ts'
import { librariesOf, programOf } from '../parts/unpacked.ts'
import { startProgram } from '../program.ts'

/** What it logs once it has read its configuration. */
const STARTED = 'start worker processes'
const RELOAD_MS = 30_000
const POLL_MS = 10

/** An nginx whose configuration the test writes. */
export interface Nginx {
  port: number
  /** Has it read another configuration, as it does when a controller changed it. */
  reload(configuration: string): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts the nginx of the part `nginx`.
 *
 * @param configuration for the port at which it listens
 */
export async function startNginx(part: string, configuration: (port: number) => string): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'nginx-'))
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  await writeFile(file, configuration(port))
  const program = startProgram(programOf(part, 'nginx'), ['-p', folder, '-c', file], { env: librariesOf(part) })
  await program.prints(new RegExp(STARTED))
  return {
    port,
    async reload(text) {
      await writeFile(file, text)
      const before = program.output().length
      program.signal('SIGHUP')
      const since = performance.now()
      while (!program.output().includes(STARTED, before)) {
        if (performance.now() - since > RELOAD_MS) throw new Error(`nginx was not reloaded:\n${program.output().slice(before)}`)
        await sleep(POLL_MS)
      }
    },
    async stop() {
      await program[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
