import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Running } from '../../cells/chassis/lifecycle.ts'

/** A registry of this machine, from which a release is put together. */
export interface LocalRegistry extends Running {
  /** `127.0.0.1:PORT` */
  address: string
}

/** Starts the registry of crane, which keeps its content in a folder. @throws when it ends instead */
export async function startRegistry(crane: string, folder: string): Promise<LocalRegistry> {
  await mkdir(folder, { recursive: true })
  const child = spawn(crane, ['registry', 'serve', '--address', '127.0.0.1:0', '--disk', folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(child, 'exit')
  const output: string[] = []
  const port = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      output.push(line)
      const [, found] = /serving on port (\d+)/.exec(line) ?? []
      if (found) resolve(found)
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`the registry ended: ${output.join('\n')}`)))
  })
  return {
    address: `127.0.0.1:${port}`,
    stop: async () => {
      child.kill()
      await ended
    },
  }
}
