import { existsSync } from 'node:fs'
import { findProgram, runCommand } from './command.ts'
import type { Part } from './part.ts'

const INSTALL_TIMEOUT_MS = 10 * 60_000

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'] as const

const find = (): string | undefined => {
  const named = process.env.CHROMIUM
  return named && existsSync(named) ? named : NAMES.map(findProgram).find((path) => path !== undefined)
}

/** The browser that pages are tried in: the one of this machine, or that of Debian and its derivatives. Its path is the program. */
export const chromium = (): Part => ({
  find,
  blocker: () => {
    const remedy = 'install Chromium, or name a browser of its family by CHROMIUM=path'
    if (!findProgram('apt-get')) return `this machine has no Chromium: ${remedy}`
    return process.getuid?.() === 0
      ? undefined
      : `this machine has no Chromium: run 'sudo apt-get install chromium', or ${remedy}`
  },
  make: async (progress) => {
    progress('installing Chromium with apt-get, about a minute, once')
    const quiet = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: INSTALL_TIMEOUT_MS }
    await runCommand('apt-get', ['update', '-qq'], quiet)
    await runCommand('apt-get', ['install', '-qq', '--yes', '--no-install-recommends', 'chromium'], quiet)
    const path = find()
    if (!path) throw new Error('apt-get installed Chromium, but it cannot be found')
    return path
  },
})
