import type { MessagePart } from '../../wire/extension-fields.ts'

/** Parts of one message at most: what a city of a million fits into. */
export const MAX_PARTS = 128
const MAX_SENDERS = 1_024

interface Unfinished<Item> {
  message: number
  parts: (readonly Item[] | undefined)[]
  missing: number
}

/** Puts lists together that came in several messages: of each sender the latest, and nothing until it is whole. */
export class MessageAssembler<Item> {
  readonly #unfinished = new Map<string, Unfinished<Item>>()

  /** Adds a part; answers the whole list with its last part. */
  add(sender: string, { message, index, count }: MessagePart, items: readonly Item[]): Item[] | undefined {
    if (count > MAX_PARTS) return undefined
    let current = this.#unfinished.get(sender)
    if (!current && this.#unfinished.size >= MAX_SENDERS) return undefined
    if (current?.message !== message || current.parts.length !== count) {
      current = { message, parts: Array.from({ length: count }), missing: count }
      this.#unfinished.set(sender, current)
    }
    if (!current.parts[index]) current.missing--
    current.parts[index] = items
    if (current.missing > 0) return undefined
    this.#unfinished.delete(sender)
    return current.parts.flatMap((part) => part ?? [])
  }
}
