import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { keptInputs } from './kept-inputs.ts'
import type { FuzzedServices } from './services.ts'
import type { FuzzTarget, StartedTarget } from './target.ts'

/** How long, how much, and from where the random numbers start. */
export interface FuzzOptions {
  seed: number
  /** The part of the run that is done, 0 to 1, after so many inputs. */
  done: (inputs: number) => number
  /** Inputs between two checks that honest clients are served. */
  batch: number
  onBatch?: (progress: FuzzProgress) => void
}

export interface FuzzProgress {
  target: string
  inputs: number
  /** Of one input, with everything that it caused. */
  slowestMs: number
  heldMb: number
}

/** A part of the product did what it must never do. */
export class FuzzFailure extends Error {
  /** The smallest input that was found, as TypeScript. */
  readonly input: string

  constructor(target: string, seed: number, input: string, cause: string) {
    super(
      `${target}: ${cause}\nseed ${seed}; to keep the input, add it to testing/fuzz/kept-inputs.ts:\n  '${target}': [${input}],`,
    )
    this.name = 'FuzzFailure'
    this.input = input
  }
}

/** What may be added to the memory after the first tenth of a run. */
const MAX_GROWTH_MB = 24
/** Connections that pools of clients keep open. */
const MAX_IDLE_CONNECTIONS = 16
const MAX_SECONDS_PER_INPUT = 30

/**
 * Sends inputs to one target, kept ones first, until the run is done.
 *
 * @throws FuzzFailure with the smallest input after which something was wrong; another Error where no single input shows it
 */
export async function fuzz(target: FuzzTarget, services: FuzzedServices, options: FuzzOptions): Promise<FuzzProgress> {
  const { seed, done, batch, onBatch } = options
  const exceptions = watchProcess()
  const started = await target.start(services)
  const progress: FuzzProgress = { target: target.name, inputs: 0, slowestMs: 0, heldMb: 0 }
  try {
    await started.serveHonestly()
    await started.problems()
    const openAtFirst = openConnections()
    let heldAtFirst: number | undefined
    for (let n = 0; done(progress.inputs) < 1; n++) {
      await sendBatch(target, started, { seed: seed + n, size: batch, kept: n === 0, exceptions, progress })
      await started.serveHonestly()
      progress.heldMb = heldMb()
      if (done(progress.inputs) >= 0.1) heldAtFirst ??= progress.heldMb
      onBatch?.(progress)
    }
    const growth = progress.heldMb - (heldAtFirst ?? progress.heldMb)
    if (growth > MAX_GROWTH_MB)
      throw new Error(`${target.name}: ${growth.toFixed(0)} MB more memory than after a tenth of the run`)
    const open = await settledConnections(openAtFirst + MAX_IDLE_CONNECTIONS)
    if (open > openAtFirst + MAX_IDLE_CONNECTIONS)
      throw new Error(`${target.name}: ${open} connections are open, ${openAtFirst} at the start`)
    return progress
  } finally {
    await started.stop()
    exceptions.stop()
  }
}

interface Batch {
  seed: number
  size: number
  kept: boolean
  exceptions: { take(): string[] }
  progress: FuzzProgress
}

async function sendBatch(target: FuzzTarget, started: StartedTarget<unknown>, batch: Batch): Promise<void> {
  const { seed, size, kept, exceptions, progress } = batch
  const property = fc.asyncProperty(target.inputs, async (input) => {
    const startedAt = performance.now()
    const failure = await inTime(async () => started.send(input)).catch(errorText)
    // Taken after a failure too, or the next input would be blamed for them.
    const problems = [...(failure === undefined ? [] : [failure]), ...exceptions.take(), ...(await started.problems())]
    progress.slowestMs = Math.max(progress.slowestMs, performance.now() - startedAt)
    progress.inputs++
    if (problems.length > 0) throw new Error(problems.join('\n'))
  })
  const examples = kept ? (keptInputs[target.name] ?? []).map((input): [unknown] => [input]) : []
  const result = await fc.check(property, { seed, numRuns: Math.max(size, examples.length), examples })
  if (!result.failed) return
  const error = result.errorInstance
  throw new FuzzFailure(
    target.name,
    seed,
    inputText(result.counterexample?.[0]),
    error instanceof Error ? error.message : String(error),
  )
}

/** As TypeScript; what `fc.stringify` cannot write, because it is nested too deeply, can only be found again by the seed. */
function inputText(input: unknown): string {
  try {
    return fc.stringify(input)
  } catch (error) {
    return `/* ${String(error)} */`
  }
}

async function inTime(task: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not handled within ${MAX_SECONDS_PER_INPUT} s`)), MAX_SECONDS_PER_INPUT * 1_000)
  })
  await Promise.race([task(), late]).finally(() => clearTimeout(timer))
}

const errorText = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))

/** Exceptions that would have ended the process of a service. */
function watchProcess() {
  const found: string[] = []
  const note = (error: unknown) => found.push(`uncaught: ${errorText(error)}`)
  process.on('uncaughtException', note)
  process.on('unhandledRejection', note)
  return {
    take: () => found.splice(0),
    stop() {
      process.off('uncaughtException', note)
      process.off('unhandledRejection', note)
    },
  }
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function heldMb(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}

/** Ends of TCP connections in this process, which is client and server. */
const openConnections = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length

/** How many are open once at most `expected` are, or after the time in which all should have ended. */
async function settledConnections(expected: number): Promise<number> {
  for (let waits = 0; waits < 100 && openConnections() > expected; waits++)
    await new Promise((resolve) => setTimeout(resolve, 50))
  return openConnections()
}
