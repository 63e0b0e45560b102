import type fc from 'fast-check'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { FuzzedServices } from './services.ts'

/** Something that strangers send, and a way to send it to the part that receives it. */
export interface FuzzTarget<Input = unknown> {
  /** The argument of `npm run fuzz`, and the key in `kept-inputs.ts`. */
  name: string
  inputs: fc.Arbitrary<Input>
  /** How many of them the suite sends. */
  inputsInSuite: number
  /** @param services those that most targets send to; a target may start others */
  start(services: FuzzedServices): Promise<StartedTarget<Input>>
}

/** A target whose receiver runs. */
export interface StartedTarget<Input> extends Running {
  /** Sends one input; resolves once it was handled. @throws when the receiver does what it must never do */
  send(input: Input): Promise<void> | void
  /** What went wrong since the last call, beyond what `send` saw. */
  problems(): Promise<string[]>
  /** Whether honest clients are still served. @throws when one is not */
  serveHonestly(): Promise<void>
}

/** Hides the type of a target's inputs, for lists of targets. */
export const fuzzTarget = <Input>(target: FuzzTarget<Input>): FuzzTarget => target as unknown as FuzzTarget

/** Sends to the services that all targets share, so that a problem there, or an honest client refused, counts for all of them. */
export const sharedTarget = <Input>(services: FuzzedServices, send: StartedTarget<Input>['send']): StartedTarget<Input> => ({
  send,
  problems: services.problems,
  serveHonestly: services.serveHonestly,
  stop: async () => undefined,
})

/** Calls a function that must neither throw nor keep memory. */
export const pureTarget = <Input>(send: StartedTarget<Input>['send']): StartedTarget<Input> => ({
  send,
  problems: async () => [],
  serveHonestly: async () => undefined,
  stop: async () => undefined,
})
