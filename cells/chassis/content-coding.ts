import { brotliCompress, constants, gzip } from 'node:zlib'

/** A way of compressing a body (RFC 9110 §8.4.1). */
export type ContentCoding = 'br' | 'gzip'

/** Shorter bodies fit into one packet in any case. */
const MIN_BYTES = 1_024
/** Higher qualities of Brotli take several times as long for a few per cent. */
const BROTLI_QUALITY = 5

const compressors: Record<ContentCoding, (body: Uint8Array, done: (error: Error | null, bytes: Buffer) => void) => void> = {
  br: (body, done) => brotliCompress(body, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }, done),
  gzip: (body, done) => gzip(body, done),
}

/**
 * The compressed forms of bodies that are answered more than once. A body is compressed on a thread of the pool once it is answered
 * for the second time in a coding, and sent as it is until that is done: no request waits, and answers made for one request cost
 * nothing. What is kept ends with the body itself.
 */
export class CompressedBodies {
  readonly #known: Record<ContentCoding, WeakMap<Uint8Array, Buffer | 'answered' | 'compressing'>> = {
    br: new WeakMap(),
    gzip: new WeakMap(),
  }

  /** @param accepted the codings that the client accepts, best first */
  find(body: Uint8Array, accepted: readonly ContentCoding[]): { coding: ContentCoding; bytes: Buffer } | undefined {
    if (body.length < MIN_BYTES) return undefined
    for (const coding of accepted) {
      const known = this.#known[coding].get(body)
      if (known instanceof Buffer) return { coding, bytes: known }
    }
    const [best] = accepted
    if (best) this.#prepare(body, best)
    return undefined
  }

  #prepare(body: Uint8Array, coding: ContentCoding): void {
    const bodies = this.#known[coding]
    const known = bodies.get(body)
    if (known === 'compressing') return
    bodies.set(body, known === undefined ? 'answered' : 'compressing')
    if (known === undefined) return
    compressors[coding](body, (error, bytes) => {
      // Out of memory, say: the body is sent as it is, and is not tried again.
      if (!error) bodies.set(body, bytes)
    })
  }
}

/** The codings of an Accept-Encoding header that are offered here, the shorter result first. */
export function acceptedCodings(header: string | string[] | undefined): ContentCoding[] {
  if (typeof header !== 'string') return []
  const accepted = new Set<string>()
  for (const part of header.split(',')) {
    const [name = '', ...parameters] = part.split(';')
    const isRefused = parameters.some((parameter) => /^\s*q\s*=\s*0(?:\.0*)?\s*$/i.test(parameter))
    if (!isRefused) accepted.add(name.trim().toLowerCase())
  }
  return (['br', 'gzip'] as const).filter((coding) => accepted.has(coding))
}
