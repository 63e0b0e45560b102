import { existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { cached } from './cache.ts'
import { findProgram, runCommand } from './command.ts'
import type { Part } from './part.ts'

const INSTALL_TIMEOUT_MS = 10 * 60_000

/** PgBouncer, the connection pooler. */
export const pgbouncer = (): Part => unpacked('PgBouncer', 'pgbouncer', ['--version'])

/** nginx, the proxy. */
export const nginx = (): Part => unpacked('nginx', 'nginx', ['-v'])

/**
 * A server from the packages of Debian and its derivatives. It is unpacked and not installed, because an installed one would be started
 * as a service of the machine. The path is a folder with the program and the libraries it needs.
 */
const unpacked = (title: string, name: string, check: readonly string[]): Part =>
  cached({
    key: `${name}-${process.arch}`,
    announcement: `unpacking ${title} from the system's packages, about 5 seconds`,
    blocker: () =>
      findProgram('apt-get') && findProgram('dpkg-deb')
        ? undefined
        : `${title} is taken from packages of Debian: use Debian or a derivative of it`,
    fill: async (folder) => {
      const archives = join(folder, 'archives')
      await mkdir(join(archives, 'partial'), { recursive: true })
      const quiet = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: INSTALL_TIMEOUT_MS }
      if (process.getuid?.() === 0) await runCommand('apt-get', ['update', '-qq'], quiet)
      const options = ['-qq', '--yes', '--no-install-recommends', '--reinstall', '--download-only', '-o', 'Debug::NoLocking=true']
      await runCommand('apt-get', ['install', ...options, '-o', `Dir::Cache::archives=${archives}`, name], quiet)
      for (const archive of (await readdir(archives)).filter((file) => file.endsWith('.deb')))
        await runCommand('dpkg-deb', ['--extract', join(archives, archive), folder])
      await runCommand(programOf(folder, name), check, { env: librariesOf(folder) })
    },
    path: (folder) => folder,
  })

const LIBRARIES: Partial<Record<NodeJS.Architecture, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }

/** The program in the folder of the part. */
export const programOf = (folder: string, name: string): string => join(folder, 'usr/sbin', name)

/** The environment in which it finds its libraries. */
export const librariesOf = (folder: string): { LD_LIBRARY_PATH: string } => ({
  LD_LIBRARY_PATH: ['usr/lib', 'lib']
    .map((path) => join(folder, path, LIBRARIES[process.arch] ?? ''))
    .filter((path) => existsSync(path))
    .join(delimiter),
})
