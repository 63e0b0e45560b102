import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from './cache.ts'
import { findProgram, runCommand } from './command.ts'
import type { Part } from './part.ts'

const TIMEOUT_MS = 10 * 60_000

/** What Node.js is linked with. */
const LIBRARIES = ['libc6', 'libstdc++6', 'libgcc-s1']

/**
 * QEMU, which runs a program for arm64 on any machine, and the C and C++ libraries of such a system, from the packages of Debian. Nothing is
 * installed, and the package manager keeps to its architectures. The path is a folder; `arm64Command` says how a program is run.
 */
export const qemu = (): Part =>
  cached({
    key: `qemu-arm64-${process.arch}`,
    announcement: "unpacking QEMU and libraries for arm64 from the system's packages, about 40 seconds",
    blocker: () =>
      findProgram('apt-get') && findProgram('dpkg-deb')
        ? undefined
        : 'QEMU is taken from packages of Debian: use Debian or a derivative of it',
    fill: async (folder) => {
      const work = join(folder, 'work')
      if (process.getuid?.() === 0) await apt('update', '-qq')
      await unpack(work, 'host', ['qemu-user-static'], [])
      const program = 'usr/bin/qemu-aarch64-static'
      await mkdir(join(folder, 'bin'))
      await runCommand('mv', [join(work, 'host', program), emulatorOf(folder)])
      await unpack(work, 'arm64', LIBRARIES, await stateOf(work))
      await runCommand('mv', [join(work, 'arm64'), systemOf(folder)])
      await rm(work, { recursive: true })
      // A program of the unpacked system itself.
      const [command, ...args] = arm64Command(folder)
      await runCommand(command, [...args, join(systemOf(folder), 'lib/ld-linux-aarch64.so.1'), '--version'])
    },
    path: (folder) => folder,
  })

const emulatorOf = (folder: string): string => join(folder, 'bin/qemu-aarch64')
const systemOf = (folder: string): string => join(folder, 'system')

/**
 * What is written in front of a program for arm64 and its arguments. A program that it starts itself is not emulated.
 *
 * @param folder the path of the part
 */
export const arm64Command = (folder: string): readonly [string, ...string[]] => [emulatorOf(folder), '-L', systemOf(folder)]

const apt = (...args: string[]): Promise<string> =>
  runCommand('apt-get', args, { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: TIMEOUT_MS })

/** The options of a package manager for arm64 that has nothing installed; its lists are its own. */
async function stateOf(work: string): Promise<string[]> {
  const lists = join(work, 'lists')
  await mkdir(join(lists, 'partial'), { recursive: true })
  await writeFile(join(work, 'status'), '')
  const options = [
    ...['-o', 'APT::Architecture=arm64', '-o', 'APT::Architectures=arm64'],
    ...['-o', `Dir::State::Lists=${lists}`, '-o', `Dir::State::status=${join(work, 'status')}`],
    ...[
      '-o',
      `Dir::Cache::pkgcache=${join(work, 'pkgcache.bin')}`,
      '-o',
      `Dir::Cache::srcpkgcache=${join(work, 'srcpkgcache.bin')}`,
    ],
  ]
  await apt('update', '-qq', '-o', 'Debug::NoLocking=true', ...options)
  return options
}

/** Downloads packages with what they need, and extracts them into a folder of their own. */
async function unpack(work: string, name: string, packages: readonly string[], state: readonly string[]): Promise<void> {
  const archives = join(work, `${name}-archives`)
  await mkdir(join(archives, 'partial'), { recursive: true })
  const options = ['-qq', '--yes', '--no-install-recommends', '--reinstall', '--download-only', '-o', 'Debug::NoLocking=true']
  await apt('install', ...options, ...state, '-o', `Dir::Cache::archives=${archives}`, ...packages)
  for (const archive of (await readdir(archives)).filter((file) => file.endsWith('.deb')))
    await runCommand('dpkg-deb', ['--extract', join(archives, archive), join(work, name)])
}
