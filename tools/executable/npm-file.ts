import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../cells/chassis/errors.ts'
import { cached } from '../../testing/parts/cache.ts'
import { findProgram, runCommand } from '../../testing/parts/command.ts'

const TIMEOUT_MS = 10 * 60_000

/**
 * One file of a package of npm, kept for the next time.
 *
 * @param spec name and exact version, `postject@1.0.0-alpha.6`
 * @returns its path, or why there is none, in one line
 */
export async function npmFile(spec: string, file: string): Promise<{ path: string } | { missing: string }> {
  const npm = findProgram('npm') ?? 'npm'
  const part = cached({
    key: `npm-file-${spec.replaceAll(/[@/]/g, '-')}`,
    announcement: `reading ${spec} from npm`,
    blocker: () => undefined,
    fill: async (folder) => {
      const work = await mkdtemp(join(folder, 'packed-'))
      // npm compares the archive with the checksum of the registry.
      await runCommand(npm, ['pack', spec, '--pack-destination', work], { timeoutMs: TIMEOUT_MS })
      await runCommand('bash', ['-c', 'tar -xzf "$1"/*.tgz -C "$2" --strip-components=1', 'bash', work, folder], {
        timeoutMs: TIMEOUT_MS,
      })
      await rm(work, { recursive: true })
      readFileSync(join(folder, file))
    },
    path: (folder) => join(folder, file),
  })
  try {
    return { path: await part.make(() => {}) }
  } catch (error) {
    const isUnknown = /E404|ETARGET|notarget/.test(messageOf(error))
    return { missing: isUnknown ? `npm has no ${spec}` : `${spec}: ${messageOf(error).trimEnd().split('\n').at(-1)}` }
  }
}
