import { existsSync } from 'node:fs'
import { findProgram, outputOf, runCommand } from './command.ts'
import type { Part } from './part.ts'

const INSTALL_TIMEOUT_MS = 10 * 60_000

/** What the system must provide, and the package of Debian and its derivatives that contains it. */
const wanted: readonly { package: string; found(): boolean }[] = [
  { package: 'containerd', found: () => hasProgram('containerd', 'ctr') },
  { package: 'runc', found: () => hasProgram('runc') },
  { package: 'containernetworking-plugins', found: () => existsSync('/usr/lib/cni/bridge') },
  { package: 'iptables', found: () => hasProgram('iptables', 'iptables-restore') },
  { package: 'nftables', found: () => hasProgram('nft') },
  { package: 'conntrack', found: () => hasProgram('conntrack') },
  { package: 'socat', found: () => hasProgram('socat') },
  { package: 'busybox-static', found: () => hasProgram('busybox') },
  { package: 'iproute2', found: () => hasProgram('ip') },
  { package: 'util-linux', found: () => hasProgram('unshare', 'nsenter', 'mount') },
  { package: 'openssl', found: () => hasProgram('openssl') },
  { package: 'ca-certificates', found: () => existsSync('/etc/ssl/certs/ca-certificates.crt') },
  { package: 'libasound2', found: () => hasLibrary('libasound.so.2') },
  { package: 'libssl3', found: () => hasLibrary('libssl.so.3') },
]

const hasProgram = (...names: string[]): boolean => names.every(findProgram)

const hasLibrary = (name: string): boolean => (outputOf(findProgram('ldconfig') ?? 'ldconfig', '-p') ?? '').includes(name)

const missing = (): string[] => wanted.filter(({ found }) => !found()).map(({ package: name }) => name)

/** The container runtime, network tools and libraries of the system, on which a cluster and an explorer run; its path is `/`. */
export const debian = (): Part => ({
  find: () => (missing().length === 0 ? '/' : undefined),
  blocker: () => {
    if (process.platform !== 'linux') return 'a container runtime needs Linux: use a Linux machine'
    const packages = missing().join(' ')
    if (packages === '') return undefined
    if (!findProgram('apt-get')) return `the system lacks ${packages}: install them with its package manager`
    return process.getuid?.() === 0 ? undefined : `the system lacks ${packages}: run 'sudo apt-get install ${packages}'`
  },
  make: async (progress) => {
    const packages = missing()
    if (packages.length > 0) {
      progress(`installing ${packages.join(', ')} with apt-get, about 20 seconds, once`)
      const quiet = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: INSTALL_TIMEOUT_MS }
      await runCommand('apt-get', ['update', '-qq'], quiet)
      await runCommand('apt-get', ['install', '-qq', '--yes', '--no-install-recommends', ...packages], quiet)
    }
    const lacking = missing()
    if (lacking.length > 0) throw new Error(`apt-get installed ${lacking.join(', ')}, but they cannot be found`)
    return '/'
  },
})
