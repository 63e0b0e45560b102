import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the repository. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** One import of one of our files by another. */
export interface Import {
  from: string
  /** A file of this repository, or the name of a package or of a module of Node. */
  to: string
  isTypeOnly: boolean
  /** Loaded when the program comes to it, or by another thread, and not when it starts. */
  isLazy: boolean
}

/** Every TypeScript file git knows of or would add, relative to the root of the repository. */
export const sourceFiles = (): string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', '*.ts'], {
    cwd: root,
    encoding: 'utf8',
  })
    .trim()
    .split('\n')

export const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')

/** Files that only tests read: they may import the tests' library, and are not part of what ships. */
export const isForTests = (file: string): boolean =>
  /\.(test|bench)\.ts$|(^|[./])fixtures\.ts$|^(testing|tools|e2e|bench|operator\/e2e)\/|^vitest\.config\.ts$/.test(file)

const statement =
  /^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|import\('([^']+)'\)|new URL\('(\.[^']+\.ts)', import\.meta\.url\)/gm

/** What a file imports, types among it. */
export function importsOf(from: string): Import[] {
  return [...textOf(from).matchAll(statement)].map((match) => {
    const target = match[2] ?? match[3] ?? match[4] ?? ''
    const to = target.startsWith('.') ? normalize(join(dirname(from), target)) : target
    return { from, to, isTypeOnly: match[1] !== undefined, isLazy: match[2] === undefined }
  })
}

/** Groups of files that import each other in a circle, directly or through others. */
export function cyclesOf(imports: readonly Import[]): string[][] {
  const targets = Map.groupBy(imports, ({ from }) => from)
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const path: string[] = []
  const cycles: string[][] = []
  const visit = (file: string): number => {
    const index = order.size
    order.set(file, index)
    lowest.set(file, index)
    path.push(file)
    for (const { to } of targets.get(file) ?? []) {
      const reached = order.has(to) ? (path.includes(to) ? (order.get(to) ?? index) : index) : visit(to)
      lowest.set(file, Math.min(lowest.get(file) ?? index, reached))
    }
    if (lowest.get(file) === index) {
      const members = path.splice(path.indexOf(file))
      if (members.length > 1) cycles.push(members)
    }
    return lowest.get(file) ?? index
  }
  for (const file of targets.keys()) if (!order.has(file)) visit(file)
  return cycles
}
