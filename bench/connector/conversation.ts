import { type ChildProcess, fork } from 'node:child_process'

/** A process that carries out commands, several at a time if it is told so, and answers each of them. */
export interface Conversation<Command, Answer> {
  readonly pid: number | undefined
  /** @throws when the command fails, or is not answered in time */
  ask(command: Command): Promise<Answer>
  end(): void
}

const DEADLINE_MS = 120_000

type Numbered<Content> = { number: number } & Content

/** Starts a process whose module calls `answerCommands`. */
export function converse<Command, Answer>(module: URL, execArgv: string[] = []): Conversation<Command, Answer> {
  const child: ChildProcess = fork(module, { serialization: 'advanced', execArgv })
  const asked = new Map<number, (answer: { answer?: Answer; error?: string }) => void>()
  let last = 0
  child.on('message', (message: Numbered<{ answer?: Answer; error?: string }>) => asked.get(message.number)?.(message))
  child.on('exit', (code) => {
    for (const settle of asked.values()) settle({ error: `the process ended with ${code}` })
  })
  return {
    pid: child.pid,
    ask(command) {
      const number = ++last
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => settle({ error: `no answer to ${JSON.stringify(command)} in time` }), DEADLINE_MS)
        const settle = ({ answer, error }: { answer?: Answer; error?: string }) => {
          clearTimeout(timer)
          asked.delete(number)
          if (error === undefined) resolve(answer as Answer)
          else reject(new Error(error))
        }
        asked.set(number, settle)
        child.send({ number, command })
      })
    },
    end: () => child.disconnect(),
  }
}

/** Carries out the commands of the process that started this one, until that ends the conversation. */
export function answerCommands<Command>(perform: (command: Command) => Promise<unknown>): void {
  process.on('message', ({ number, command }: Numbered<{ command: Command }>) => {
    perform(command).then(
      (answer) => process.send?.({ number, answer }),
      (error: unknown) => process.send?.({ number, error: String(error) }),
    )
  })
  process.on('disconnect', () => process.exit(0))
}
