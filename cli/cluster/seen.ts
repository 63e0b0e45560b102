import { messageOf } from '../../cells/chassis/errors.ts'
import { KubeError } from '../../cells/kube/kube-error.ts'
import { UnreadableAnswer } from './raw-reader.ts'

/** What was read of a cluster, or why it could not be. */
export type Seen<T> = { value: T } | { unseen: string }

/** Reads something; a refusal, or a server that does not answer or answers nonsense, is an answer here. */
export async function seen<T>(read: () => Promise<T>): Promise<Seen<T>> {
  try {
    return { value: await read() }
  } catch (error) {
    if (error instanceof KubeError) return { unseen: error.message.replace(/^[A-Z]+ \S+: /, '') }
    if (error instanceof UnreadableAnswer) return { unseen: error.message }
    const { code } = error as { code?: unknown }
    if (typeof code === 'string' || (error instanceof Error && /^(Timeout|Abort)Error$/.test(error.name)))
      return { unseen: `no answer: ${messageOf(error)}` }
    throw error
  }
}

/** The value, where it was seen. */
export const seenValue = <T>(what: Seen<T>): T | undefined => ('value' in what ? what.value : undefined)
