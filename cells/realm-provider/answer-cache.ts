/** Most cached answers, and most bytes of them: they depend on the Host header, with which clients could create any number. */
const MAX_ANSWERS = 4096
const MAX_BYTES = 32 * 1024 * 1024
/** Memory that an answer takes beside its body and its key: its objects and headers. */
const OVERHEAD_BYTES = 1024

interface CachedEntry<Answer> {
  answer: Answer
  bytes: number
}

interface TenantAnswers<Answer> {
  entries: Map<string, CachedEntry<Answer>>
  bytes: number
}

/**
 * Answers by tenant and key, bounded in number and bytes. When there is no room, the tenant whose answers take the most memory
 * loses all of its own, so that clients which create answers of one realm leave those of other tenants in place.
 */
export class AnswerCache<Answer> {
  readonly #tenants = new Map<string, TenantAnswers<Answer>>()
  readonly #onOverflow: () => void
  #size = 0
  #bytes = 0

  constructor({ onOverflow }: { onOverflow: () => void }) {
    this.#onOverflow = onOverflow
  }

  get(tenant: string, key: string): Answer | undefined {
    return this.#tenants.get(tenant)?.entries.get(key)?.answer
  }

  set(tenant: string, key: string, answer: Answer, bodyBytes: number): void {
    const bytes = bodyBytes + 2 * key.length + OVERHEAD_BYTES
    this.#forget(tenant, key)
    while (this.#size > 0 && (this.#size >= MAX_ANSWERS || this.#bytes + bytes > MAX_BYTES)) this.#dropLargest()
    const own = this.#tenants.get(tenant) ?? { entries: new Map(), bytes: 0 }
    this.#tenants.set(tenant, own)
    own.entries.set(key, { answer, bytes })
    own.bytes += bytes
    this.#bytes += bytes
    this.#size++
  }

  #forget(tenant: string, key: string): void {
    const own = this.#tenants.get(tenant)
    const known = own?.entries.get(key)
    if (!own || !known) return
    own.entries.delete(key)
    own.bytes -= known.bytes
    this.#bytes -= known.bytes
    this.#size--
  }

  #dropLargest(): void {
    const [largest] = [...this.#tenants].sort(([, a], [, b]) => b.bytes - a.bytes)
    if (!largest) return
    const [tenant, { entries, bytes }] = largest
    this.#tenants.delete(tenant)
    this.#bytes -= bytes
    this.#size -= entries.size
    this.#onOverflow()
  }
}
