import type { MessagePart } from '../../wire/extension-fields.ts'

/** Most parts of one message; the report of a city of a million players fits into them. */
export const MAX_PARTS = 128
const MAX_SENDERS = 1_024

interface IncompleteMessage<Item> {
  message: number
  parts: (readonly Item[] | undefined)[]
  missing: number
}

/**
 * Assembles lists that were sent in several messages. Of each sender only the latest list is kept, and returned once it is
 * complete.
 */
export class MessageAssembler<Item> {
  readonly #incomplete = new Map<string, IncompleteMessage<Item>>()

  /** Adds a part; returns the whole list when no part is missing any more. */
  add(sender: string, { message, index, count }: MessagePart, items: readonly Item[]): Item[] | undefined {
    if (count > MAX_PARTS) return undefined
    let current = this.#incomplete.get(sender)
    if (!current && this.#incomplete.size >= MAX_SENDERS) return undefined
    if (current?.message !== message || current.parts.length !== count) {
      current = { message, parts: Array.from({ length: count }), missing: count }
      this.#incomplete.set(sender, current)
    }
    if (!current.parts[index]) current.missing--
    current.parts[index] = items
    if (current.missing > 0) return undefined
    this.#incomplete.delete(sender)
    return current.parts.flatMap((part) => part ?? [])
  }
}
