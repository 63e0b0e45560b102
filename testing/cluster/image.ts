import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
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

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Builds the product's image from its Dockerfile, without Docker: this machine's Node.js takes the place of the base image.
 * Writes an OCI archive.
 */
export async function buildProductImage(name: string, archive: string, progress: Progress): Promise<void> {
  const stages = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'))
  mkdirSync(cacheFolder(), { recursive: true })
  const work = mkdtempSync(join(cacheFolder(), 'image-'))
  try {
    const builder = new Stages(stages, root, work, progress)
    const layers = [await nodeLayer(progress), ...(await layersOf(stages.at(-1) ?? stages[0], stages, builder, work, progress))]
    await writeImage(archive, { name, layers, ...settingsOf(stages.at(-1) ?? stages[0]) })
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

/** The command, user and environment that the last stage declares. */
export function settingsOf({ steps }: Stage): {
  entrypoint: readonly string[]
  user: string
  workdir: string
  env: Record<string, string>
} {
  const env: Record<string, string> = { PATH }
  let entrypoint: readonly string[] = []
  let user = '0'
  for (const step of steps) {
    if (step.does === 'env') env[step.name] = step.value
    else if (step.does === 'user') user = step.user
    else if (step.does === 'entrypoint') entrypoint = step.command
  }
  return { entrypoint, user, workdir: workdirOf(steps), env }
}

/** One cached layer for each COPY from a stage that is cached, and one layer for all other files. */
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
    const key = origin && builder.key(origin)
    if (key === undefined) await builder.copy(step, rest, workdir)
    else {
      const layer = cached({
        // Several COPYs may take different files from one stage.
        key: `image-layer-${step.from}-${createHash('sha256').update(JSON.stringify(step)).digest('hex').slice(0, 12)}-${key}`,
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
