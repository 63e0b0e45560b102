import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { UserError } from '../../cells/chassis/errors.ts'
import { writeLayer } from '../../testing/cluster/oci.ts'
import { runCommand } from '../../testing/parts/command.ts'
import type { ExecutablePlatform } from '../executable/executable.ts'
import { packExecutables } from '../executable/pack.ts'
import { installManifest } from '../install-manifest.ts'
import { changesOf, sectionOf } from './changelog.ts'
import { releasedChart } from './chart-metadata.ts'
import { signChecksums, writeChecksums } from './checksums.ts'
import { platforms, pushImage } from './image.ts'
import { startRegistry } from './registry.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const NAME = 'realm-operator'
const TIMEOUT_MS = 15 * 60_000

/** What is released, and with what. */
export interface ReleaseOptions {
  crane: string
  helm: string
  npm: string
  /** Of package.json. */
  version: string
  /** The commit. */
  revision: string
  /** A registry with a path, such as `registry.example.org/realms`: the image and the folder of charts are below it. */
  registry: string
  /** URL of the public repository. */
  source: string | undefined
  /** The image with Node.js. */
  base: string
  /** A new or empty folder. */
  out: string
  /** Private key in PEM; unset = nothing is signed. */
  key: string | undefined
  /** The section of the changelog that it is about. */
  section: string
  /** For which an executable is made. */
  executables: readonly ExecutablePlatform[]
  /** Whether the image and the chart are pushed to the registry. */
  push: boolean
  progress: (line: string) => void
}

/** What an installation is made of: the image in a repository, and in the folder of the release the chart and the manifest that name it. */
export async function releaseForClusters(
  options: Omit<ReleaseOptions, 'npm' | 'key' | 'push' | 'executables'>,
  repository: string,
  work: string,
): Promise<{ digest: string; chart: string; notes: string }> {
  const notes = sectionOf(await readFile(join(root, 'CHANGELOG.md'), 'utf8'), options.section)
  const digest = await pushImage({ ...options, repository })
  options.progress('packing the chart and the manifest')
  const chart = await packChart(options, { digest, notes, work })
  await writeFile(join(options.out, 'install.yaml'), await installManifest(options.helm, imageValues(options, digest)))
  return { digest, chart, notes }
}

/** Makes all files of a release in a folder, and pushes the image and the chart. @throws UserError when something is not ready for it */
export async function release(options: ReleaseOptions): Promise<{ digest: string }> {
  const { version, out, key, progress } = options
  await mkdir(out, { recursive: true })
  if ((await readdir(out)).length > 0) throw new UserError(`${out} is not empty: a release is made in a folder of its own`)
  const work = await mkdtemp(join(tmpdir(), 'release-'))
  const local = await startRegistry(options.crane, join(work, 'registry'))
  try {
    const repository = `${local.address}/${NAME}`
    const { digest, chart, notes } = await releaseForClusters(options, repository, work)
    await archiveImage(options, `${repository}:${version}`, work)
    progress('packing the npm package')
    await packNpm(options, work)
    progress('putting the commands for clusters into executables')
    await packExecutables({ ...options, platforms: options.executables })
    await writeFile(join(out, 'CHANGES.md'), `${notes}\n`)
    await writeFile(join(out, 'image.txt'), `${options.registry}/${NAME}:${version}@${digest}\n`)
    await writeChecksums(out)
    if (key !== undefined) await signChecksums(out, key)
    if (options.push) await push(options, `${repository}:${version}`, chart)
    return { digest }
  } finally {
    await local.stop()
    await rm(work, { recursive: true, force: true })
  }
}

const imageValues = ({ registry }: Pick<ReleaseOptions, 'registry'>, digest: string): string[] => [
  '--set',
  `image.repository=${registry}/${NAME}`,
  '--set',
  `image.digest=${digest}`,
]

/** An OCI layout with all platforms as one file, which `ctr`, `skopeo` and `crane push` read. */
async function archiveImage({ crane, version, out }: ReleaseOptions, image: string, work: string): Promise<void> {
  const layout = join(work, 'layout')
  await runCommand(crane, ['pull', '--format=oci', image, layout], { timeoutMs: TIMEOUT_MS })
  await writeLayer(layout, join(out, `${NAME}-image-${version}.tar`))
}

/** The chart with the metadata of this release. @returns the path of its file */
async function packChart(
  options: Pick<ReleaseOptions, 'helm' | 'version' | 'registry' | 'source' | 'out'>,
  { digest, notes, work }: { digest: string; notes: string; work: string },
): Promise<string> {
  const { helm, version, registry, source, out } = options
  const folder = join(work, NAME)
  await cp(join(root, 'helm'), folder, { recursive: true })
  const values = parse(await readFile(join(folder, 'values.yaml'), 'utf8')) as { managed: Record<string, string> }
  const text = releasedChart(await readFile(join(folder, 'Chart.yaml'), 'utf8'), {
    ...{ version, source, platforms, otherImages: values.managed, changes: changesOf(notes) },
    image: `${registry}/${NAME}:${version}@${digest}`,
  })
  await writeFile(join(folder, 'Chart.yaml'), text)
  await runCommand(helm, ['package', folder, '--destination', out])
  return join(out, `${NAME}-${version}.tgz`)
}

/** The npm package, of a copy: what a build leaves behind does not get into the tree. Its file is named apart from that of the chart. */
async function packNpm({ npm, version, out, source }: ReleaseOptions, work: string): Promise<void> {
  const env = { npm_config_update_notifier: 'false' }
  await runCommand(process.execPath, [join(root, 'tools/build.ts')], { cwd: root, timeoutMs: TIMEOUT_MS })
  const folder = join(work, 'npm')
  await mkdir(folder)
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as object
  for (const name of ['dist', 'crds', 'examples', 'NOTICE', 'LICENSE', 'README.md'])
    await cp(join(root, name), join(folder, name), { recursive: true })
  const published = {
    ...manifest,
    ...(source !== undefined && { homepage: source, repository: { type: 'git', url: `git+${source}.git` } }),
  }
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
  await runCommand(npm, ['pack', '--pack-destination', work], { cwd: folder, env, timeoutMs: TIMEOUT_MS })
  await cp(join(work, `${NAME}-${version}.tgz`), join(out, `${NAME}-npm-${version}.tgz`))
}

async function push({ crane, helm, registry, version, progress }: ReleaseOptions, image: string, chart: string): Promise<void> {
  progress(`pushing to ${registry}`)
  await runCommand(crane, ['copy', image, `${registry}/${NAME}:${version}`], { timeoutMs: TIMEOUT_MS })
  // Like crane, which decides by itself.
  const plain = /^(127\.0\.0\.1|localhost)[:/]/.test(registry) ? ['--plain-http'] : []
  await runCommand(helm, ['push', chart, `oci://${registry}/charts`, ...plain], { timeoutMs: TIMEOUT_MS })
}
