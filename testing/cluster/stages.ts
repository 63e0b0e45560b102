import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, posix, relative } from 'node:path'
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

  /** A key of all that a stage is made of. */
  key(stage: Stage): string {
    const { name, base, steps } = stage
    const hash = createHash('sha256').update(JSON.stringify([name, steps, process.version, process.arch]))
    const parent = this.#stages.find((each) => each.name === base)
    hash.update(parent ? this.key(parent) : base)
    for (const path of this.#sourcesOf(stage))
      for (const file of filesOf(path)) hash.update(relative(this.#context, file)).update(readFileSync(file))
    return hash.digest('hex').slice(0, 12)
  }

  /** Whether a stage depends on folders of sources, which change too often to keep every one that was built. */
  isShortLived(stage: Stage): boolean {
    const parent = this.#stages.find((each) => each.name === stage.base)
    return this.#sourcesOf(stage).some((path) => statSync(path).isDirectory()) || (parent ? this.isShortLived(parent) : false)
  }

  #sourcesOf({ name, steps }: Stage): string[] {
    return steps.flatMap((step) => {
      if (step.does !== 'copy') return []
      if (step.from !== undefined) throw new Error(`the stage ${name} takes files from another: only the last one may`)
      return step.sources.map((source) => join(this.#context, source))
    })
  }

  async #build(stage: Stage): Promise<string> {
    if (this.isShortLived(stage)) {
      const root = join(this.#work, stage.name)
      mkdirSync(root, { recursive: true })
      await this.#fill(stage, root)
      return root
    }
    return cached({
      key: `image-${stage.name}-${this.key(stage)}`,
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

/** The files that a COPY takes from a path, but for tests, which no image has. */
const filesOf = (path: string): string[] =>
  statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
        .map((entry) => join(entry.parentPath, entry.name))
        .toSorted()
    : [path]
