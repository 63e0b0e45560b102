import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'
import { version } from '../../cells/version.ts'
import { findProgram, outputOf } from '../../testing/parts/command.ts'
import { executablePlatforms } from '../executable/executable.ts'
import { cutChangelog } from './changelog.ts'
import { release } from './release.ts'

// npm run release -- --registry registry.example.org/realms [options]: docs/releases.md explains them.

const root = fileURLToPath(new URL('../../', import.meta.url))

interface Options {
  registry?: string
  source?: string
  base: string
  key?: string
  out: string
  dryRun?: boolean
  cut?: boolean
}

/** The path of a program, from a variable or the PATH. @throws UserError when it is not installed */
function programOf(name: string): string {
  const path = process.env[name.toUpperCase()] ?? findProgram(name)
  if (path === undefined) throw new UserError(`${name} is not installed: put it on the PATH, or name it in ${name.toUpperCase()}`)
  return path
}

const git = (...args: string[]): string => {
  const output = outputOf('git', '-C', root, ...args)
  if (output === undefined) throw new UserError(`git ${args.join(' ')} failed`)
  return output.trim()
}

/** The base image that the Dockerfile names. */
const baseOfDockerfile = (): string => /^ARG BASE_IMAGE=(\S+)$/m.exec(readFileSync(join(root, 'Dockerfile'), 'utf8'))?.[1] ?? ''

const command = new Command('npm run release --')
  .description('Make a release of what is committed, in one folder, and push its image and its chart. docs/releases.md has more.')
  .option('--registry <registry>', 'where the image and the chart belong, such as registry.example.org/realms')
  .option('--source <url>', 'address of the repository, for labels and for Artifact Hub')
  .option('--base <image>', 'image that the programs are put onto', baseOfDockerfile())
  .option('--key <file>', 'private key (PEM, ECDSA P-256) by which the checksums are signed')
  .option('--out <folder>', 'where the files are written', 'release')
  .option('--dry-run', 'push nothing, and take what is not committed, too')
  .option('--cut', 'only give what is unreleased in CHANGELOG.md the version of package.json')
  .allowExcessArguments(false)

async function main({ registry, source, base, key, out: folder, dryRun = false, cut = false }: Options): Promise<void> {
  if (cut) {
    const path = join(root, 'CHANGELOG.md')
    writeFileSync(path, cutChangelog(readFileSync(path, 'utf8'), version, new Date().toISOString().slice(0, 10)))
    console.log(`CHANGELOG.md has a section of ${version} now: commit it`)
    return
  }
  if (registry === undefined)
    throw new UserError('name where the image and the chart belong: --registry registry.example.org/realms', 2)
  if (!dryRun && git('status', '--porcelain') !== '') throw new UserError('the tree has changes that are not committed')
  const out = resolve(folder)
  const { digest } = await release({
    ...{ crane: programOf('crane'), helm: programOf('helm'), npm: programOf('npm') },
    ...{ version, registry, source, out, revision: git('rev-parse', 'HEAD') },
    // A rehearsal is about what comes next.
    ...{ section: dryRun ? 'Unreleased' : version, push: !dryRun },
    ...{ base, executables: executablePlatforms },
    key: key === undefined ? undefined : readFileSync(key, 'utf8'),
    progress: (line) => console.error(line),
  })
  console.log(`${out}: ${registry}/realm-operator:${version}@${digest}${dryRun ? ', not pushed' : ''}`)
}

try {
  await main(command.parse().opts<Options>())
} catch (error) {
  console.error(messageOf(error))
  process.exit(error instanceof UserError ? error.exitCode : 1)
}
