import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached, cacheFolder } from '../parts/cache.ts'
import type { Progress } from '../parts/part.ts'
import { nodeLayer, programLayer } from './base.ts'
import { parseDockerfile, type Stage } from './dockerfile.ts'
import { writeImage, writeLayer } from './oci.ts'
import { Stages, workdirOf } from './stages.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

const LAYER_KEPT_MS = 24 * 3_600_000

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Builds the product's image from its Dockerfile, without Docker: this machine's Node.js takes the place of the base image.
 * Writes an OCI archive.
 */
export async function buildProductImage(name: string, archive: string, progress: Progress): Promise<void> {
  const base = await nodeLayer(progress)
  await withProduct(progress, ({ layers, ...settings }) => writeImage(archive, { name, layers: [base, ...layers], ...settings }))
}

/** What the last stage of the Dockerfile adds to its base image. */
export interface ProductContent extends ImageSettings {
  /** Uncompressed tar files, lowest first. They are for every architecture: the programs are JavaScript
   * and WebAssembly, and a library of secp256k1 for amd64, without which others use its WebAssembly. */
  layers: readonly string[]
  /** A folder with what the stage `modules` made below `/app`. */
  modules: string
}

/** Builds what the Dockerfile adds to its base image, and passes it on; its files may be gone afterwards. */
export async function withProduct<Result>(
  progress: Progress,
  use: (content: ProductContent) => Promise<Result>,
): Promise<Result> {
  const stages = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'))
  const last = stages.at(-1) ?? stages[0]
  mkdirSync(cacheFolder(), { recursive: true })
  const work = mkdtempSync(join(cacheFolder(), 'image-'))
  try {
    const builder = new Stages(stages, root, work, progress)
    const layers = await layersOf(last, stages, builder, work, progress)
    return await use({ layers, ...settingsOf(last), modules: join(await builder.root('modules'), workdirOf(last.steps)) })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** An image of one program from a part, such as a NATS server. */
export async function buildProgramImage(name: string, program: string, archive: string, progress: Progress): Promise<void> {
  const command = `/usr/local/bin/${basename(program)}`
  // The folder of a part is named after its version.
  const layer = await programLayer(basename(program), basename(join(program, '..')), program, command, progress)
  await writeImage(archive, { name, layers: [layer], entrypoint: [command], user: '65532:65532', env: { PATH } })
}

interface ImageSettings {
  entrypoint: readonly string[]
  user: string
  workdir: string
  env: Record<string, string>
  labels: Record<string, string>
}

/** The command, user, environment and labels that the last stage declares. */
export function settingsOf({ steps }: Stage): ImageSettings {
  const env: Record<string, string> = {}
  const labels: Record<string, string> = {}
  let entrypoint: readonly string[] = []
  let user = '0'
  for (const step of steps) {
    if (step.does === 'env') env[step.name] = step.value
    else if (step.does === 'label') labels[step.name] = step.value
    else if (step.does === 'user') user = step.user
    else if (step.does === 'entrypoint') entrypoint = step.command
  }
  return { entrypoint, user, workdir: workdirOf(steps), env, labels }
}

/** One cached layer for each COPY from a stage, and one layer for all other files. */
async function layersOf(
  last: Stage,
  stages: readonly Stage[],
  builder: Stages,
  work: string,
  progress: Progress,
): Promise<string[]> {
  const workdir = workdirOf(last.steps)
  const rest = join(work, 'rest')
  mkdirSync(rest)
  const layers: string[] = []
  for (const step of last.steps) {
    if (step.does === 'run') throw new Error('the last stage of the Dockerfile only copies: a RUN would need its base image')
    if (step.does !== 'copy') continue
    const origin = stages.find((stage) => stage.name === step.from)
    if (origin === undefined) await builder.copy(step, rest, workdir)
    else {
      const prefix = `image-layer-${step.from}-`
      if (builder.isShortLived(origin)) await removeOld(prefix)
      const layer = cached({
        // Several COPYs may take different files from one stage.
        key: `${prefix}${createHash('sha256').update(JSON.stringify(step)).digest('hex').slice(0, 12)}-${builder.key(origin)}`,
        announcement: `packing what the image takes from its stage '${step.from}', a few seconds`,
        blocker: () => undefined,
        fill: async (folder) => {
          const content = join(folder, 'root')
          await builder.copy(step, content, workdir)
          await writeLayer(content, join(folder, 'layer.tar'))
          await rm(content, { recursive: true })
        },
        path: (folder) => join(folder, 'layer.tar'),
      })
      layers.push(await layer.make(progress))
    }
  }
  await writeLayer(rest, join(work, 'rest.tar'))
  return [...layers, join(work, 'rest.tar')]
}

/** Removes what was built more than a day ago: there is one layer for each state of the sources. */
async function removeOld(prefix: string): Promise<void> {
  const oldest = Date.now() - LAYER_KEPT_MS
  for (const name of readdirSync(cacheFolder()).filter((each) => each.startsWith(prefix))) {
    const path = join(cacheFolder(), name)
    const changedAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs
    if (changedAt !== undefined && changedAt < oldest) await rm(path, { recursive: true, force: true })
  }
}
