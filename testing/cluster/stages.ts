import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, posix } from 'node:path'
import { cached } from '../parts/cache.ts'
import { runCommand } from '../parts/command.ts'
import type { Progress } from '../parts/part.ts'
import type { Stage, Step } from './dockerfile.ts'

const RUN_TIMEOUT_MS = 15 * 60_000

/** Builds the stages of a Dockerfile in folders, without Docker; this machine's Node.js replaces the base image. */
export class Stages {
  readonly #stages: readonly Stage[]
  readonly #context: string
  readonly #work: string
  readonly #progress: Progress
  readonly #built = new Map<string, Promise<string>>()

  /** `context` is the build context, `work` a folder for stages that are not cached. */
  constructor(stages: readonly Stage[], context: string, work: string, progress: Progress) {
    this.#stages = stages
    this.#context = context
    this.#work = work
    this.#progress = progress
  }

  /** The root of a stage's file system, without its base image. */
  root(name: string): Promise<string> {
    const stage = this.#stages.find((each) => each.name === name)
    if (!stage) throw new Error(`the Dockerfile has no stage ${name}`)
    let root = this.#built.get(name)
    if (!root) {
      root = this.#build(stage)
      this.#built.set(name, root)
    }
    return root
  }

  /** The cache key of a stage; undefined when it depends on the sources, which change too often to cache it. */
  key({ name, base, steps }: Stage): string | undefined {
    const hash = createHash('sha256').update(JSON.stringify([name, steps, process.version, process.arch]))
    const parent = this.#stages.find((each) => each.name === base)
    const parentKey = parent ? this.key(parent) : base
    if (parentKey === undefined) return undefined
    hash.update(parentKey)
    for (const step of steps) {
      if (step.does !== 'copy') continue
      for (const source of step.sources) {
        const path = join(this.#context, source)
        if (step.from !== undefined || statSync(path).isDirectory()) return undefined
        hash.update(readFileSync(path))
      }
    }
    return hash.digest('hex').slice(0, 12)
  }

  async #build(stage: Stage): Promise<string> {
    const key = this.key(stage)
    if (key === undefined) {
      const root = join(this.#work, stage.name)
      mkdirSync(root, { recursive: true })
      await this.#fill(stage, root)
      return root
    }
    return cached({
      key: `image-${stage.name}-${key}`,
      announcement: `preparing the stage '${stage.name}' of the image, about 15 seconds`,
      blocker: () => undefined,
      fill: (folder) => this.#fill(stage, folder),
      path: (folder) => folder,
    }).make(this.#progress)
  }

  async #fill({ base, steps }: Stage, root: string): Promise<void> {
    let workdir = '/'
    const parent = this.#stages.find((each) => each.name === base)
    if (parent) {
      // Hard links are safe, because later stages add files and change none.
      await runCommand('cp', ['--archive', '--link', `${await this.root(base)}/.`, root])
      workdir = workdirOf(parent.steps)
    }
    for (const step of steps) {
      if (step.does === 'workdir') {
        workdir = step.path
        mkdirSync(join(root, workdir), { recursive: true })
      } else if (step.does === 'copy') await this.copy(step, root, workdir)
      else if (step.does === 'run') await this.#run(step.command, join(root, workdir))
    }
  }

  /** Executes a COPY into the folder that is a stage's root. */
  async copy({ from, sources, target }: Extract<Step, { does: 'copy' }>, root: string, workdir: string): Promise<void> {
    const origin = from === undefined ? this.#context : await this.root(from)
    const destination = join(root, posix.resolve(workdir, target))
    const intoFolder = target.endsWith('/') || sources.length > 1
    for (const source of sources) {
      const path = join(origin, source)
      const to = intoFolder && !statSync(path).isDirectory() ? join(destination, basename(source)) : destination
      mkdirSync(dirname(to), { recursive: true })
      cpSync(path, to, { recursive: true, verbatimSymlinks: true })
    }
  }

  async #run(command: string, cwd: string): Promise<void> {
    const PATH = `${dirname(process.execPath)}:${process.env.PATH}`
    await runCommand('bash', ['-ec', command], { cwd, env: { PATH }, timeoutMs: RUN_TIMEOUT_MS })
  }
}

/** The working directory of the later steps of a stage. */
export const workdirOf = (steps: readonly Step[]): string =>
  steps.reduce((workdir, step) => (step.does === 'workdir' ? step.path : workdir), '/')
