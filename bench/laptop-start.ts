import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startProgram } from '../testing/program.ts'
import type { Figure } from './figure.ts'
import { memoryOf, type ProcessMemory } from './process-memory.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const STARTS = 5
const LIMIT_MB = 200
const LIMIT_MS = 2_000
const IDLE_MS = 30_000

interface MeasuredStart extends ProcessMemory {
  readyMs: number
}

/**
 * Runs what `npm start` runs, without npm itself, from a bundle of the sources as they are: how much memory it has when it says that the
 * realm is ready, and half a minute later. A first start also writes the database.
 */
export async function measureLaptopStart(report: (figure: Figure) => void): Promise<void> {
  execFileSync(process.execPath, ['tools/start/make-bundle.js'], { cwd: root })
  const data = await mkdtemp(join(tmpdir(), 'laptop-start-'))
  const numbers = [...Array(STARTS).keys()]
  try {
    const first = await medianStart(numbers.map((number) => join(data, `${number}`)))
    const later = await medianStart(numbers.map(() => join(data, '0')))
    reportStart('npm start, resident when ready', later, `${STARTS} starts, the median; `, report)
    reportStart('npm start, with a new database', first, `${STARTS} starts, the median; `, report)
    reportStart('npm start, half a minute later', await measureStart(join(data, '0'), IDLE_MS), '', report)
  } finally {
    await rm(data, { recursive: true, force: true })
  }
}

async function measureStart(data: string, idleMs = 0): Promise<MeasuredStart> {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } }
  const [, ...args] = scripts.start.split(' ')
  const began = performance.now()
  const options = ['--port', '0', '--rooms', 'embedded', '--data', data]
  await using program = startProgram(process.execPath, [...args, ...options], { cwd: root })
  await program.prints(/Ctrl-C to end/)
  const readyMs = performance.now() - began
  if (idleMs > 0) await sleep(idleMs)
  return { readyMs, ...memoryOf(program.pid) }
}

async function medianStart(folders: readonly string[]): Promise<MeasuredStart> {
  const starts: MeasuredStart[] = []
  for (const folder of folders) starts.push(await measureStart(folder))
  const median = (field: keyof MeasuredStart) =>
    starts.map((start) => start[field]).sort((a, b) => a - b)[starts.length >> 1] ?? 0
  const [readyMs, rssMb, pssMb, anonymousMb, cpuMs] = (['readyMs', 'rssMb', 'pssMb', 'anonymousMb', 'cpuMs'] as const).map(median)
  return { readyMs, rssMb, pssMb, anonymousMb, cpuMs } as MeasuredStart
}

function reportStart(what: string, start: MeasuredStart, before: string, report: (figure: Figure) => void): void {
  const { rssMb, anonymousMb, readyMs, cpuMs } = start
  const memory = `${within(rssMb, LIMIT_MB)} MB; anonymous ${anonymousMb} MB`
  const note = `${before}${memory}; ready after ${Math.round(readyMs)} ms, ${within(readyMs, LIMIT_MS)} ms; ${cpuMs} ms of CPU`
  report({ what, value: rssMb, unit: 'MB', note })
}

const within = (value: number, limit: number): string => `${value <= limit ? 'within' : 'above'} ${limit}`
