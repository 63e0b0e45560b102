import { createHash } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { version } from '../../cells/version.ts'
import { runCommand } from '../../testing/parts/command.ts'
import { bundleScript } from './bundle.ts'
import { type ExecutablePlatform, executablePlatforms, programName, writeExecutable } from './executable.ts'
import { BESIDE_PROGRAM, krewManifest, type PluginArchive } from './krew.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface PackOptions {
  /** Where the files are written. */
  out: string
  /** URL of the public repository; undefined = there is no manifest for krew, which has to name URLs. */
  source: string | undefined
  platforms: readonly ExecutablePlatform[]
  progress: (line: string) => void
}

/** Writes an archive for each platform that can be had, and the manifest for krew. What cannot be had is reported. */
export async function packExecutables({ out, source, platforms, progress }: PackOptions): Promise<void> {
  if (platforms.length === 0) return
  const script = await bundleScript()
  const archives: PluginArchive[] = []
  for (const platform of platforms) {
    const name = `kubectl-realm-${version}-${platform.os}-${platform.arch}.tar.gz`
    const missing = await packOne(platform, script, join(out, name))
    if (missing !== undefined) {
      progress(`no executable for ${platform.os}/${platform.arch}: ${missing}`)
      continue
    }
    const sha256 = createHash('sha256')
      .update(await readFile(join(out, name)))
      .digest('hex')
    archives.push({ os: platform.os, arch: platform.arch, uri: `${source}/releases/download/v${version}/${name}`, sha256 })
  }
  if (source !== undefined && archives.length > 0)
    await writeFile(join(out, 'realm.yaml'), krewManifest({ version, source, archives }))
}

async function packOne(platform: ExecutablePlatform, script: string, archive: string): Promise<string | undefined> {
  const work = await mkdtemp(join(tmpdir(), 'executable-'))
  try {
    const program = programName(platform)
    const missing = await writeExecutable(platform, script, join(work, program))
    if (missing !== undefined) return missing
    for (const name of BESIDE_PROGRAM) await copyFile(join(root, name), join(work, name))
    const stable = ['--sort=name', '--mtime=@0', '--numeric-owner', '--owner=0', '--group=0', '--mode=u+rw,go+r,go-w']
    await runCommand('tar', [...stable, '-C', work, '-czf', archive, program, ...BESIDE_PROGRAM], { timeoutMs: 300_000 })
    return undefined
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

// npm run executables [FOLDER]
if (import.meta.main) {
  const out = process.argv[2] ?? 'executables'
  await mkdir(out, { recursive: true })
  await packExecutables({ out, source: undefined, platforms: executablePlatforms, progress: (line) => console.error(line) })
}
