import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** What kstatus calls the state of an object: the words by which Helm 4, Flux and kpt wait. */
export type Kstatus = 'InProgress' | 'Current' | 'Failed' | 'Terminating' | 'NotFound' | 'Unknown'

/** kstatus' own algorithm, from its Go module, in a process that answers until it is stopped. */
export interface KstatusProcess {
  /** The state of each object. @throws when kstatus cannot read one of them */
  of(objects: readonly object[]): Promise<Kstatus[]>
  stop(): Promise<unknown>
}

/** Starts kstatus. `part` is the folder of the part `kube`. */
export function startKstatus(part: string): KstatusProcess {
  const child = spawn(`${part}/kstatus`, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let last: Promise<unknown> = Promise.resolve()
  const compute = async (object: object): Promise<Kstatus> => {
    child.stdin.write(`${JSON.stringify(object)}\n`)
    const { value, done } = await lines.next()
    if (done) throw new Error(`kstatus ended at ${JSON.stringify(object)}`)
    return (JSON.parse(value) as { status: Kstatus }).status
  }
  return {
    of: (objects) => {
      // Answers carry no identifier and come in the order of the requests, so each request waits for the one before it.
      const answers = last.then(async () => {
        const all: Kstatus[] = []
        for (const object of objects) all.push(await compute(object))
        return all
      })
      last = answers.catch(() => undefined)
      return answers
    },
    stop: () => {
      child.stdin.end()
      return ended
    },
  }
}
