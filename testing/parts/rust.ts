import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached } from './cache.ts'
import { findProgram, runCommand } from './command.ts'
import type { Part } from './part.ts'

const BUILD_TIMEOUT_MS = 15 * 60_000

const enetCrate = fileURLToPath(new URL('./enet/', import.meta.url))

/** The bits of a datagram's header that explorers use otherwise than the original ENet: its constants, and their values there. */
const headerFlags = { FLAG_MASK: 0x4000, FLAG_SENT_TIME: 0x4000, FLAG_COMPRESSED: 0 }

/** A peer by another implementation of ENet, rusty_enet, in the variant that explorers speak. */
export function enet(): Part {
  const files = ['Cargo.toml', 'Cargo.lock', 'src/main.rs']
  const hash = createHash('sha256').update(JSON.stringify(headerFlags))
  for (const file of files) hash.update(readFileSync(join(enetCrate, file)))
  return cached({
    key: `enet-echo-${hash.digest('hex').slice(0, 12)}`,
    announcement: 'building an ENet peer from its Rust crate, about 15 seconds',
    blocker: cargoBlocker,
    fill: async (folder, progress) => {
      if (!findProgram('cargo')) {
        progress('installing Rust with apt-get')
        const quiet = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: BUILD_TIMEOUT_MS }
        await runCommand('apt-get', ['update', '-qq'], quiet)
        await runCommand(
          'apt-get',
          ['install', '-qq', '--yes', '--no-install-recommends', 'cargo-web', 'gcc', 'libc6-dev'],
          quiet,
        )
      }
      const crate = join(folder, 'crate')
      await mkdir(join(crate, 'src'), { recursive: true })
      for (const file of files) await cp(join(enetCrate, file), join(crate, file))
      const cargo = { cwd: crate, timeoutMs: BUILD_TIMEOUT_MS }
      await runCommand('cargo', ['vendor', '--quiet', '--locked', 'vendor'], cargo)
      await setHeaderFlags(join(crate, 'vendor/rusty_enet/src/c/protocol.rs'))
      const patch = 'patch.crates-io.rusty_enet.path="vendor/rusty_enet"'
      await runCommand('cargo', ['build', '--quiet', '--release', '--config', patch], cargo)
      await rename(join(crate, 'target/release/enet-echo'), join(folder, 'enet-echo'))
      await rm(crate, { recursive: true })
    },
    path: (folder) => join(folder, 'enet-echo'),
  })
}

/** @throws when the crate does not declare each constant once */
async function setHeaderFlags(file: string): Promise<void> {
  let text = await readFile(file, 'utf8')
  for (const [name, value] of Object.entries(headerFlags)) {
    const constant = new RegExp(`(const ENET_PROTOCOL_HEADER_${name}: \\w+ =) \\d+;`, 'g')
    if (text.match(constant)?.length !== 1)
      throw new Error(`rusty_enet does not declare ENET_PROTOCOL_HEADER_${name} as expected`)
    text = text.replace(constant, `$1 ${value};`)
  }
  await writeFile(file, text)
}

function cargoBlocker(): string | undefined {
  const canInstall = findProgram('apt-get') && process.getuid?.() === 0
  return findProgram('cargo') || canInstall ? undefined : 'Rust is not installed: install Rust 1.77 or newer (https://rustup.rs)'
}
